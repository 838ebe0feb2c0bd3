"""Follows the run slot by slot and keeps the table true."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from ssv_devnet.builder.process import RunningBuilder
from ssv_devnet.builder.record import BuilderRecord
from ssv_devnet.demo.duty_kind import DutyKind
from ssv_devnet.demo.facts import blinded_slots
from ssv_devnet.demo.proposals import Proposal, proposals_of
from ssv_devnet.demo.scoreboard import Scoreboard
from ssv_devnet.demo.table import EpochRow, LiveTable, SlotRow, participants_text
from ssv_devnet.observer import Observation, Observer
from ssv_ethereum.beacon.errors import BeaconError
from ssv_ethereum.beacon.node import BeaconNode
from ssv_ethereum.slot_clock import SlotClock
from ssv_protocol.forks import Network
from ssv_protocol.types.ids import Epoch, OperatorId, Slot
from ssv_protocol.types.roles import RunnerRole

_log = logging.getLogger(__name__)
_LOOK_AT_SLOT_SHARE = 0.9
"""When in a slot the observer looks: everything that is in time has happened."""
_SETTLE_AFTER_SLOTS = 3


@dataclass(frozen=True, slots=True)
class Watch:
    """Lets the observer look once a slot; what is outside of the counted slots is shown but not counted."""

    network: Network
    clock: SlotClock
    observer: Observer
    beacon: BeaconNode
    builder: RunningBuilder
    scoreboard: Scoreboard
    table: LiveTable
    first_counted: Slot
    last_counted: Slot
    _blinded: set[Slot] = field(default_factory=set)

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
                record = await self.builder.record()
            except BeaconError as error:
                _log.warning("slot %s: the observer could not look: %s", slot, error)
                continue
            self._update(slot, head.hex()[:8] if head else "", record)
        await self.clock.wait_for_slot(Slot(last_slot + 1), look_after_s)  # the last duties' records come then
        self._update_rows(self.first_watched, last_slot)
        for row in self.table.slots.values():
            self.table.settle(row)

    def _update(self, slot: Slot, head: str, record: BuilderRecord) -> None:
        self.table.slots[slot] = SlotRow(slot, self.clock.chain.epoch_of(slot), head=head)
        self._blinded.update(blinded_slots(self.observer.observation(self.first_watched, slot), record))
        self._update_rows(Slot(max(self.first_watched, slot - self.clock.chain.slots_per_epoch)), slot)
        settled = Slot(slot - _SETTLE_AFTER_SLOTS)
        if settled in self.table.slots:
            self.table.settle(self.table.slots[settled])
        self.table.refresh()

    def _update_rows(self, first: Slot, last: Slot) -> None:
        observation = self.observer.observation(self.first_watched, last)
        proposals = {proposal.slot: proposal for proposal in proposals_of(observation, self._blinded)}
        for slot in map(Slot, range(first, last + 1)):
            if slot in self.table.slots:
                self._fill(self.table.slots[slot], observation, proposals.get(slot))
        for epoch in map(
            Epoch, range(self.clock.chain.epoch_of(self.first_watched), self.clock.chain.epoch_of(last) + 1)
        ):
            self.table.epochs[epoch] = self._epoch_row(epoch, observation)

    def _fill(self, row: SlotRow, observation: Observation, proposal: Proposal | None) -> None:
        due = {vote for vote in observation.due if vote[0] == row.slot}
        counted = self.first_counted <= row.slot <= self.last_counted
        proposer = observation.proposals.get(row.slot)
        row.block = f"by {proposer}" if proposer is not None else "none"
        row.due = len(due) if counted else 0
        row.included = len(due & observation.included.keys()) if counted else 0
        row.own_block = _own_block(proposal) if counted else ""
        row.submitted = len(self.scoreboard.submitted(DutyKind.ATTESTATION, due))
        records = [r for r in self.scoreboard.records.get(row.slot, ()) if r.role is RunnerRole.COMMITTEE]
        row.round = max((record.last_round for record in records), default=0)
        participants: set[OperatorId] = set()
        participants.update(*(outcome.participants for record in records for outcome in record.outcomes))
        row.operators = participants_text(self.scoreboard.operators, participants) if records else ""
        if not records or not counted:
            row.stage = "" if not row.due else "running"
        elif row.submitted and row.submitted >= row.due:
            row.stage = "submitted"
        else:
            row.stage = "decided" if any(record.decided for record in records) else "undecided"

    def _epoch_row(self, epoch: Epoch, observation: Observation) -> EpochRow:
        first = self.clock.chain.first_slot(epoch)
        last = min(first + self.clock.chain.slots_per_epoch - 1, self.last_counted)
        slots = range(first, last + 1)
        in_epoch = {vote for vote in observation.due if vote[0] in slots}
        sync_due = {vote for vote in observation.sync_due if vote[0] in slots}
        proposals = {vote for vote in observation.proposals_due if vote[0] in slots}
        counted = first >= self.first_counted
        rounds = {slot: row.round for slot, row in self.table.slots.items() if row.epoch == epoch}
        return EpochRow(
            epoch,
            counted,
            rules=self.network.ssv_fork_at(first).title(),
            due=len(in_epoch),
            submitted=len(self.scoreboard.submitted(DutyKind.ATTESTATION, in_epoch)),
            included=len(in_epoch & observation.included.keys()),
            sync_due=len(sync_due),
            sync_included=len(sync_due & observation.sync_included),
            proposals_due=len(proposals),
            proposals_made=len(proposals & observation.proposals_made),
            round_changes=sum(last_round > 1 for last_round in rounds.values()),
        )


def _own_block(proposal: Proposal | None) -> str:
    """Say of an SSV validator's block whose it is and whether it was blinded: nothing of others' blocks."""
    if proposal is None:
        return ""
    if not proposal.on_chain:
        return "missing"
    whose = "op ?" if proposal.operator_id is None else f"op {proposal.operator_id}"
    return f"{whose}, {'blinded' if proposal.blinded else 'full'}"
