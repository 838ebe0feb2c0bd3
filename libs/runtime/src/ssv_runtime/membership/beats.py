"""Beats over the bus: says that oneself is there, and listens who else is.

    ssv.beat.<group>.<member>      every 300 ms, without content

Not guaranteed: that all members see the same group at the same time. What two of them both take for theirs must do no
harm.

Source: architecture §3 (wire table), §6.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from ssv_runtime.bus import Bus, BusError, Message
from ssv_runtime.membership.roll import BEAT_S, Roll
from ssv_runtime.nats_permissions import BEAT

Changed = Callable[[frozenset[str]], Awaitable[None]]
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Beats:
    """One's place in a group. `changed` is told the members whenever they are others than before; no beat meanwhile."""

    def __init__(self, bus: Bus, group: str, own: str, changed: Changed) -> None:
        """Raises ValueError for a group or name with more than letters, digits, `-` and `_`."""
        for name in (group, own):
            if _NAME.fullmatch(name) is None:
                raise ValueError(f"{name!r} is no name for a member: letters, digits, - and _ only")
        self._bus = bus
        self._subjects = f"{BEAT}.{group}"
        self._own = own
        self._changed = changed
        self._roll = Roll(own)

    async def run(self) -> None:
        """Beat and listen until cancelled."""
        subscription = await self._bus.subscribe(f"{self._subjects}.*", self._heard)
        told: frozenset[str] | None = None
        try:
            while True:
                with suppress(BusError):  # not hearing ourselves says so
                    await self._bus.publish(f"{self._subjects}.{self._own}", b"")
                members = self._roll.members(time.monotonic())
                if members is not None and members != told:
                    told = members
                    await self._changed(members)
                await asyncio.sleep(BEAT_S)
        finally:
            await self._bus.unsubscribe(subscription)

    async def _heard(self, message: Message) -> None:
        self._roll.heard(message.subject.rpartition(".")[2], time.monotonic())
