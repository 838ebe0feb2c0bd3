"""Kills the services of one operator with -9, one an epoch, and says what each cost.

A service dies while its operator is in the middle of a duty, and its supervisor starts it again. Nothing is promised
yet about the duties that are under way then; what is asked is that everything recovers by itself.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from ssv_devnet.demo.missed import MissedDuty
from ssv_devnet.local_network.operators import LocalOperator
from ssv_ethereum.slot_clock import SlotClock
from ssv_protocol.types.ids import Epoch, Slot
from ssv_runtime.names import CONSENSUS, DUTY_SCHEDULER, ETH1_LISTENER, P2P_GATEWAY, SIGNER

VICTIMS = (P2P_GATEWAY, CONSENSUS, SIGNER, DUTY_SCHEDULER, ETH1_LISTENER)
RECOVERY_SLOTS = 3
"""After a crash, duties of so many slots may be lost: the one under way, and those until the service is ready."""
_CRASH_IN_SLOT = 2
_CRASH_AT_SLOT_SHARE = 0.36
"""A moment after the duty has begun."""
_POLL_S = 0.05


@dataclass(slots=True)
class Crash:
    """One service killed; `ready_again_s` is None while it is not ready."""

    service: str
    epoch: Epoch
    slot: Slot
    ready_again_s: float | None = None

    def lost(self, missed: Sequence[MissedDuty]) -> list[MissedDuty]:
        """Return the duties that the crash may be blamed for."""
        return [duty for duty in missed if self.slot <= duty.slot < self.slot + RECOVERY_SLOTS]


async def crash_each(operator: LocalOperator, clock: SlotClock, first_epoch: Epoch, crashes: list[Crash]) -> None:
    """Kill each service in an epoch of its own, from `first_epoch` on; `crashes` is filled as they happen."""
    for epoch, service in enumerate(VICTIMS, start=first_epoch):
        slot = Slot(clock.chain.first_slot(Epoch(epoch)) + _CRASH_IN_SLOT)
        await clock.wait_for_slot(slot, clock.chain.slot_duration_s * _CRASH_AT_SLOT_SHARE)
        crash = Crash(service, Epoch(epoch), slot)
        crashes.append(crash)
        killed_at = time.monotonic()
        restarts = operator.running.services[service].restarts
        operator.running.services[service].process.kill()
        while not await _is_ready_again(operator, service, restarts):  # noqa: ASYNC110 (another process)
            await asyncio.sleep(_POLL_S)
        crash.ready_again_s = time.monotonic() - killed_at


async def _is_ready_again(operator: LocalOperator, service: str, restarts: int) -> bool:
    if operator.running.services[service].restarts == restarts:
        return False
    return (await operator.running.readiness())[service].ready
