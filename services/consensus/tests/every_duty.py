"""A committee of four that has every duty on a made-up chain: what the tests of the roles play with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from services.consensus.tests.committee import (
    FIRST_SLOT,
    SLOTS_PER_EPOCH,
    Committee,
)
from services.consensus.tests.fake_time import run
from services.consensus.tests.full_world import FullWorld

from ssv_consensus.committee_node import CommitteeNode
from ssv_consensus.duty_record import DutyRecord
from ssv_consensus.ports import Handed, Ports, Signer
from ssv_protocol.effects import (
    Report,
)
from ssv_protocol.forks import SsvFork
from ssv_protocol.runners.ledger import MissedReason
from ssv_protocol.runners.selection import Selection
from ssv_protocol.types.ids import Epoch, MessageId, OperatorId, Slot
from ssv_protocol.types.message_id import message_role
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.roles import RunnerRole

T = TypeVar("T")
COMMON = {
    RunnerRole.COMMITTEE,
    RunnerRole.PROPOSER,
    RunnerRole.VALIDATOR_REGISTRATION,
    RunnerRole.VOLUNTARY_EXIT,
}
ROLES = {
    SsvFork.ALAN: COMMON | {RunnerRole.AGGREGATOR, RunnerRole.SYNC_COMMITTEE_CONTRIBUTION},
    SsvFork.BOOLE: COMMON | {RunnerRole.AGGREGATOR_COMMITTEE},
}
BOOLE_EPOCHS = {SsvFork.ALAN: None, SsvFork.BOOLE: Epoch(0)}
EVERYBODY = Selection(lambda duty, proof: True, lambda proof: True)
NOBODY = Selection(lambda duty, proof: False, lambda proof: False)
SLOTS = 4
LAST = Slot(FIRST_SLOT + SLOTS - 1)
EXIT_SLOT = Slot(FIRST_SLOT + 1)


def graffiti(operator_id: OperatorId) -> bytes:
    return f"operator {operator_id}".encode().ljust(32, b"\0")


@dataclass
class Play:
    """A committee and its world; `records` are all, `reports` and `faults` what the nodes were told."""

    committee: Committee
    full: FullWorld
    reports: list[tuple[OperatorId, Report]] = field(default_factory=list)
    faults: list[tuple[OperatorId, Exception]] = field(default_factory=list)

    def ports(self, me: OperatorId, beacon: object = None, signer: Signer | None = None) -> Ports:
        def report(message_id: MessageId, slot: Slot, each: Report) -> None:
            self.reports.append((me, each))

        def fault(message_id: MessageId, slot: Slot, each: Exception) -> None:
            self.faults.append((me, each))

        base = self.committee.ports(me, beacon=beacon or self.full, signer=signer)  # type: ignore[arg-type]
        return replace(base, on_report=report, on_fault=fault)

    def node(self, me: OperatorId, *, selection: Selection = EVERYBODY, **given: object) -> CommitteeNode:
        ports = given.pop("ports", None) or self.ports(me)
        given.setdefault("duties", self.full)
        node = self.committee.node(me, ports, **given)  # type: ignore[arg-type]
        shares = {index: replace(share, graffiti=graffiti(me)) for index, share in node.seat.shares.items()}
        node.seat = replace(node.seat, shares=shares, selection=selection)
        return node

    def start(self, me: OperatorId, **given: object) -> CommitteeNode:
        return self.committee.start(me, self.node(me, **given))  # type: ignore[arg-type]

    def records(self, role: RunnerRole | None = None, me: OperatorId | None = None) -> list[DutyRecord]:
        of_committee = [
            (operator_id, record)
            for by_operator in self.committee.records.values()
            for operator_id, record in by_operator.items()
        ]
        everything = of_committee + [item for items in self.committee.others.values() for item in items]
        return [
            record
            for operator_id, record in everything
            if role in (None, record.role) and me in (None, operator_id) and FIRST_SLOT <= record.slot <= LAST
        ]

    async def until_over(self) -> None:
        await self.committee.until_slot(LAST + SLOTS_PER_EPOCH + 1, 0.5)


def on_the_chain(scenario: Callable[[Play], object], boole_epoch: Epoch | None = None) -> None:
    async def run_it() -> None:
        async with Committee(boole_epoch=boole_epoch) as committee:
            full = FullWorld(committee.world, committee.network, EXIT_SLOT)
            play = Play(committee, full)
            await scenario(play)  # type: ignore[misc]
            assert not committee.world.invalid
            assert not play.faults

    run(run_it)


def missed(records: list[DutyRecord]) -> dict[Handed, MissedReason]:
    return {
        (each.duty_type, each.validator_index): each.missed
        for record in records
        for each in record.outcomes
        if each.missed is not None
    }


def drafts_of(play: Play, role: RunnerRole, me: OperatorId) -> list[SignedSSVMessage]:
    said = map(SignedSSVMessage.decode, play.committee.kept)
    return [each for each in said if each.operator_ids == (me,) and message_role(each.ssv_message.msg_id) == role]
