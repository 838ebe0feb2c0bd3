"""Pieces of a run, written by hand: two validators, four operators, a record as each of them would publish it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ssv_devnet.demo.duty_kind import DutyKind
from ssv_devnet.demo.facts import Facts, chain_facts
from ssv_devnet.demo.report import Exit, Report, report_of
from ssv_devnet.demo.scoreboard import Scoreboard
from ssv_devnet.demo.seen_duty import Outcome, SeenDuty
from ssv_devnet.observer import Observation
from ssv_ethereum.beacon.blocks import BlockContent, BlockVotes
from ssv_protocol.beacon_chain import BeaconChain, BeaconFork, ScheduledFork
from ssv_protocol.runners.ledger import MissedReason
from ssv_protocol.types.ids import (
    Epoch,
    ExecutionAddress,
    ForkVersion,
    OperatorId,
    Root,
    Round,
    Slot,
    ValidatorIndex,
)
from ssv_protocol.types.roles import RunnerRole

OPERATORS = tuple(map(OperatorId, (1, 2, 3, 4)))
A, B = ValidatorIndex(16), ValidatorIndex(17)
SLOT = Slot(10)
ROOT = Root(bytes(32))
CHAIN = BeaconChain(
    genesis_time_s=1000,
    genesis_validators_root=ROOT,
    slot_duration_s=6.0,
    slots_per_epoch=8,
    epochs_per_sync_committee_period=8,
    sync_committee_size=512,
    forks=(ScheduledFork(BeaconFork.FULU, ForkVersion(bytes(4)), Epoch(0)),),
)
NOTHING = Facts(frozenset(), frozenset())


def outcome(
    index: ValidatorIndex,
    missed: MissedReason | None = None,
    participants: Collection[int] = (1, 2, 3, 4),
    kind: DutyKind = DutyKind.ATTESTATION,
) -> Outcome:
    return Outcome(kind, index, missed is None, missed, frozenset(map(OperatorId, participants)))


def record(*outcomes: Outcome, slot: Slot = SLOT, role: RunnerRole = RunnerRole.COMMITTEE) -> SeenDuty:
    return SeenDuty(slot, role, outcomes, Round(1), decided=True, stages_ms={"consensus": 10.0}, legs_ms={"bus": 1.5})


def block(proposer: int, slot: Slot = SLOT, graffiti: bytes = b"", exits: Collection[int] = ()) -> BlockContent:
    votes = BlockVotes(slot, ValidatorIndex(proposer), ROOT, (), bytes(64))
    leaving = tuple(map(ValidatorIndex, exits))
    return BlockContent(votes, graffiti.ljust(32, b"\0"), leaving, ExecutionAddress(bytes(20)), bytes(32))


def observation(
    included: Collection[ValidatorIndex] = (A, B),
    slots: tuple[Slot, ...] = (SLOT,),
    sync_included: Collection[ValidatorIndex] = (A, B),
    proposals_due: Mapping[Slot, ValidatorIndex] | None = None,
    blocks: Mapping[Slot, BlockContent | None] | None = None,
    own_roots: Mapping[Slot, Root] | None = None,
) -> Observation:
    due = frozenset((slot, index) for slot in slots for index in (A, B))
    return Observation(
        first_slot=slots[0],
        last_slot=slots[-1],
        due=due,
        included={(slot, index): Slot(slot + 1) for slot in slots for index in included},
        blocks=dict(blocks or {}),
        sync_due=due,
        sync_included=frozenset((slot, index) for slot in slots for index in sync_included),
        proposals_due=frozenset((proposals_due or {}).items()),
        own_roots=dict(own_roots or {}),
    )


def scoreboard(records: Mapping[int, SeenDuty]) -> Scoreboard:
    board = Scoreboard(OPERATORS)
    for operator_id, item in records.items():
        board.add(OperatorId(operator_id), item)
    return board


def report(
    board: Scoreboard,
    seen: Observation,
    facts: Mapping[DutyKind, Facts] | None = None,
    blinded: Collection[Slot] = (),
    asked_exit: Exit | None = None,
) -> Report:
    every = dict.fromkeys(DutyKind, NOTHING) | chain_facts(seen) | dict(facts or {})
    return report_of(seen, every, board, blinded=blinded, asked_exit=asked_exit)
