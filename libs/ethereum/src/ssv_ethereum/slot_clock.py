"""Waiting for instants of a beacon chain.

Every wait is computed from genesis and the present time anew, so nothing drifts, and it is never longer than a
moment at a time, so a corrected system clock is noticed. The time source and the sleep are arguments: with a fake pair
the clock runs as fast as the work.

Not guaranteed: that a wait ends exactly on time; it never ends early by the time source.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable

from ssv_ethereum.backoff import Sleep
from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.types.ids import Instant, Slot

_LONGEST_SLEEP_S = 1.0


class SlotClock:
    """The clock of `chain`; `now` returns unix seconds."""

    def __init__(self, chain: BeaconChain, now: Callable[[], float] = time.time, sleep: Sleep = asyncio.sleep) -> None:
        self.chain = chain
        self._now = now
        self._sleep = sleep

    def now(self) -> Instant:
        """Return the present in unix seconds."""
        return Instant(self._now())

    def slot(self) -> Slot:
        """Return the slot that runs now; slot 0 before genesis."""
        return self.chain.slot_at(self.now())

    async def wait_until(self, instant: Instant) -> None:
        """Return once `instant` has come; at once if it has passed."""
        while (remaining_s := instant - self._now()) > 0:
            await self._sleep(min(remaining_s, _LONGEST_SLEEP_S))

    async def wait_for_slot(self, slot: Slot, offset_s: float = 0.0) -> None:
        """Return `offset_s` after the start of `slot`."""
        await self.wait_until(Instant(self.chain.slot_start(slot) + offset_s))

    async def ticks(self) -> AsyncIterator[Slot]:
        """Yield each slot as it begins, from the next one on (slot 0 if genesis is to come).

        A consumer that takes longer than a slot gets the slot that runs then, late, and misses those between; none
        comes twice, even if the time goes back.
        """
        at_genesis = self.now() <= self.chain.genesis_time_s
        following = Slot(0) if at_genesis else Slot(self.slot() + 1)
        while True:
            await self.wait_for_slot(following)
            current = max(following, self.slot())
            yield current
            following = Slot(current + 1)
