"""Follows the run slot by slot and keeps the table true."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from ssv_devnet.demo.scoreboard import Scoreboard
from ssv_devnet.demo.table import EpochRow, LiveTable, SlotRow, participants_text
from ssv_devnet.observer import Observation, Observer
from ssv_ethereum.beacon.errors import BeaconError
from ssv_ethereum.beacon.node import BeaconNode
from ssv_ethereum.slot_clock import SlotClock
from ssv_protocol.types.ids import Epoch, Slot

_log = logging.getLogger(__name__)
_LOOK_AT_SLOT_SHARE = 0.9
"""When in a slot the observer looks: everything that is in time has happened."""
_SETTLE_AFTER_SLOTS = 3


@dataclass(frozen=True, slots=True)
class Watch:
    """Lets the observer look once a slot; what is outside of the counted slots is shown but not counted."""

    clock: SlotClock
    observer: Observer
    beacon: BeaconNode
    scoreboard: Scoreboard
    table: LiveTable
    first_counted: Slot
    last_counted: Slot

    @property
    def first_watched(self) -> Slot:
        """The first slot that was looked at."""
        return min(self.table.slots, default=Slot(0))

    async def until(self, last_slot: Slot) -> None:
        """Watch every slot from now up to the end of `last_slot`."""
        look_after_s = self.clock.chain.slot_duration_s * _LOOK_AT_SLOT_SHARE
        for slot in map(Slot, range(self.clock.slot(), last_slot + 1)):
            await self.clock.wait_for_slot(slot, look_after_s)
            try:
                await self.observer.advance(slot)
                head = await self.beacon.blocks.root("head")
            except BeaconError as error:
                _log.warning("slot %s: the observer could not look: %s", slot, error)
                continue
            self._update(slot, head.hex()[:8] if head else "")
        await self.clock.wait_for_slot(Slot(last_slot + 1), look_after_s)  # the last duties' records come then
        self._update_rows(self.first_watched, last_slot)
        for row in self.table.slots.values():
            self.table.settle(row)

    def _update(self, slot: Slot, head: str) -> None:
        self.table.slots[slot] = SlotRow(slot, self.clock.chain.epoch_of(slot), head=head)
        self._update_rows(Slot(max(self.first_watched, slot - self.clock.chain.slots_per_epoch)), slot)
        settled = Slot(slot - _SETTLE_AFTER_SLOTS)
        if settled in self.table.slots:
            self.table.settle(self.table.slots[settled])
        self.table.refresh()

    def _update_rows(self, first: Slot, last: Slot) -> None:
        observation = self.observer.observation(self.first_watched, last)
        for slot in map(Slot, range(first, last + 1)):
            if slot in self.table.slots:
                self._fill(self.table.slots[slot], observation)
        for epoch in map(
            Epoch, range(self.clock.chain.epoch_of(self.first_watched), self.clock.chain.epoch_of(last) + 1)
        ):
            self.table.epochs[epoch] = self._epoch_row(epoch, observation)

    def _fill(self, row: SlotRow, observation: Observation) -> None:
        due = {vote for vote in observation.due if vote[0] == row.slot}
        counted = self.first_counted <= row.slot <= self.last_counted
        proposer = observation.proposals.get(row.slot)
        row.block = f"by {proposer}" if proposer is not None else "none"
        row.due = len(due) if counted else 0
        row.included = len(due & observation.included.keys()) if counted else 0
        row.submitted = len(self.scoreboard.submitted(due))
        records = self.scoreboard.records.get(row.slot, {})
        row.round = max((record.last_round for record in records.values()), default=0)
        participants = {o for r in records.values() for seen in r.participants.values() for o in seen}
        row.operators = participants_text(self.scoreboard.operators, participants) if records else ""
        if not records or not counted:
            row.stage = "" if not row.due else "running"
        elif row.submitted and row.submitted >= row.due:
            row.stage = "submitted"
        else:
            row.stage = "decided" if any(record.decided for record in records.values()) else "undecided"

    def _epoch_row(self, epoch: Epoch, observation: Observation) -> EpochRow:
        first = self.clock.chain.first_slot(epoch)
        last = min(first + self.clock.chain.slots_per_epoch - 1, self.last_counted)
        in_epoch = {vote for vote in observation.due if first <= vote[0] <= last}
        sync_due = {vote for vote in observation.sync_due if first <= vote[0] <= last}
        counted = first >= self.first_counted
        rounds = {slot: row.round for slot, row in self.table.slots.items() if row.epoch == epoch}
        return EpochRow(
            epoch,
            counted,
            due=len(in_epoch),
            submitted=len(self.scoreboard.submitted(in_epoch)),
            included=len(in_epoch & observation.included.keys()),
            sync_due=len(sync_due),
            sync_included=len(sync_due & observation.sync_included),
            round_changes=sum(last_round > 1 for last_round in rounds.values()),
        )
