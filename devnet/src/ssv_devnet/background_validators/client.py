"""The order of work in a slot: block at its start, votes at a third, aggregates at two thirds.

Proposers are prepared at the start, and again in every epoch's first slot.

A duty that fails is told in one line and never holds up another.

Source: consensus-specs phase0/validator.md (a slot has three intervals).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import TypeVar

from ssv_devnet.background_validators.aggregating import aggregate
from ssv_devnet.background_validators.attesting import attest
from ssv_devnet.background_validators.crew import Crew
from ssv_devnet.background_validators.preparing import prepare
from ssv_devnet.background_validators.proposing import propose
from ssv_devnet.background_validators.syncing import contribute, vote_for_head
from ssv_ethereum.slot_clock import SlotClock
from ssv_protocol.errors import SsvError
from ssv_protocol.types.ids import Epoch, Slot

_log = logging.getLogger(__name__)
_LATE_S = 0.5
T = TypeVar("T")


async def run(crew: Crew, clock: SlotClock) -> None:
    """Do all duties from the next slot on, until cancelled."""
    async with asyncio.TaskGroup() as slots:
        prepared = None
        async for slot in clock.ticks():
            epoch = crew.chain.epoch_of(slot)
            if epoch != prepared:
                slots.create_task(_attempt("preparing proposers", slot, prepare(crew, epoch)))
                prepared = epoch
            slots.create_task(_slot(crew, clock, slot))


async def _slot(crew: Crew, clock: SlotClock, slot: Slot) -> None:
    interval_s = crew.chain.slot_duration_s / 3
    async with asyncio.TaskGroup() as duties:
        duties.create_task(_attempt("block", slot, propose(crew, slot)))
        await _reach(clock, slot, interval_s, "votes")
        attesting = duties.create_task(_attempt("attestations", slot, attest(crew, slot)))
        syncing = duties.create_task(_attempt("sync committee messages", slot, vote_for_head(crew, slot)))
        await _reach(clock, slot, 2 * interval_s, "aggregates")
        attested, head = await attesting, await syncing
        if attested is not None:
            duties.create_task(_attempt("aggregates", slot, aggregate(crew, slot, attested)))
        if head is not None:
            duties.create_task(_attempt("contributions", slot, contribute(crew, slot, head)))
    following = Epoch(crew.chain.epoch_of(slot) + 1)
    if slot + 1 == crew.chain.first_slot(following):
        await _attempt(f"duties of epoch {following}", slot, crew.duties.of_epoch(following))


async def _reach(clock: SlotClock, slot: Slot, offset_s: float, work: str) -> None:
    await clock.wait_for_slot(slot, offset_s)
    late_s = clock.now() - clock.chain.slot_start(slot) - offset_s
    if late_s > _LATE_S:
        _log.warning("slot %d: %s begin %.1f s late: the machine is too busy", slot, work, late_s)


async def _attempt(work: str, slot: Slot, doing: Awaitable[T]) -> T | None:
    """Return what `doing` gives, or None after telling why it failed."""
    try:
        return await doing
    except (SsvError, LookupError) as error:
        _log.warning("slot %d: %s failed: %s", slot, work, error)
        return None
