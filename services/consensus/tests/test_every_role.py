"""All duties of a committee of four on a made-up chain, under Alan, under Boole, and over the switch."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

import pytest
from services.consensus.tests.committee import (
    FIRST_SLOT,
    FOUR,
    ONE,
    OPERATORS,
    SLOT_S,
    SLOTS_PER_EPOCH,
    THREE,
    TWO,
    Committee,
    inline,
    operator_key,
    validator_keys,
)
from services.consensus.tests.fake_time import now, run
from services.consensus.tests.full_world import FullWorld

from ssv_consensus.committee_node import CommitteeNode
from ssv_consensus.due_duties import parts_of
from ssv_consensus.duty_record import DutyRecord
from ssv_consensus.duty_times import FETCH_SLOT_SHARE
from ssv_consensus.ports import Cleared, Handed, Ports, Signer, SignVerdict
from ssv_consensus.stages import Stage
from ssv_devnet.committee.local_ports import LocalSignerPort
from ssv_devnet.committee.local_signer import LocalSigner
from ssv_protocol.crypto.bls import SecretKey
from ssv_protocol.effects import (
    Draft,
    Event,
    Fetch,
    FetchAggregate,
    FetchAggregateAndProof,
    FetchBlock,
    PreConsensusDraft,
    Report,
    Submit,
)
from ssv_protocol.errors import Reason, SsvError
from ssv_protocol.forks import SsvFork
from ssv_protocol.runners.admission import duty_slot, open_content
from ssv_protocol.runners.ledger import MissedReason
from ssv_protocol.runners.runner import Duty
from ssv_protocol.runners.selection import Selection
from ssv_protocol.types.ids import Epoch, Instant, MessageId, OperatorId, Slot
from ssv_protocol.types.message_id import message_domain, message_role
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.roles import BeaconRole, RunnerRole

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


@pytest.mark.parametrize("fork", SsvFork)
def test_every_duty_is_done_by_all(fork: SsvFork) -> None:
    async def scenario(play: Play) -> None:
        for me in OPERATORS:
            play.start(me)
        await play.until_over()
        assert {record.role for record in play.records()} == ROLES[fork]
        assert not missed(play.records())
        full, chain = play.full, play.committee.chain
        own = set(BeaconRole) - {BeaconRole.UNKNOWN, BeaconRole.ATTESTER, BeaconRole.SYNC_COMMITTEE}
        assert set(full.done) == own
        for slot in map(Slot, range(FIRST_SLOT, LAST + 1)):
            listed = await full.listed(slot)
            for role, duties in (
                (BeaconRole.AGGREGATOR, listed.attester),
                (BeaconRole.SYNC_COMMITTEE_CONTRIBUTION, listed.sync),
            ):
                assert {(slot, duty.validator_index) for duty in duties} <= full.done[role]
            for duty in listed.own:
                named = slot if duty.type == BeaconRole.PROPOSER else chain.first_slot(chain.epoch_of(slot))
                assert (named, duty.validator_index) in full.done[BeaconRole(duty.type)]

    on_the_chain(scenario, BOOLE_EPOCHS[fork])


@pytest.mark.parametrize("fork", SsvFork)
def test_each_record_tells_one_duty_and_all_its_validators(fork: SsvFork) -> None:
    async def scenario(play: Play) -> None:
        for me in OPERATORS:
            play.start(me)
        await play.until_over()
        for me in OPERATORS:
            records = play.records(me=me)
            assert len({(record.message_id, record.slot) for record in records}) == len(records)
            for slot in map(Slot, range(FIRST_SLOT, LAST + 1)):
                due = [part for duty in await play.full.duties(slot) for part in parts_of(duty)]
                told = [each for record in records if record.slot == slot for each in record.outcomes]
                assert sorted((each.duty_type, each.validator_index) for each in told) == sorted(
                    (each.type, each.validator_index) for each in due
                )
                assert all(len(each.participants) >= 3 for each in told)
        whole = {Stage.START, Stage.PARTIAL_SIGNATURES, Stage.COMBINE, Stage.SUBMISSION}
        agreed = whole | {Stage.FETCH, Stage.CONSENSUS}
        for record in play.records():
            if record.role is RunnerRole.COMMITTEE:
                assert set(record.stages_ms) == agreed
            elif record.decided is not None:
                assert set(record.stages_ms) == agreed | {Stage.PRE_CONSENSUS}
            else:
                assert set(record.stages_ms) == whole
        for role in ROLES[fork] - {RunnerRole.VALIDATOR_REGISTRATION, RunnerRole.VOLUNTARY_EXIT}:
            assert all(record.decided is not None and record.last_round == 1 for record in play.records(role))

    on_the_chain(scenario, BOOLE_EPOCHS[fork])


def test_the_leader_submits_its_own_block_in_full_and_the_others_what_was_decided() -> None:
    async def scenario(play: Play) -> None:
        for me in OPERATORS:
            play.start(me)
        await play.until_over()
        records = {record.slot: record for record in play.records(RunnerRole.PROPOSER)}
        assert records
        for slot, record in records.items():
            blocks = play.full.blocks[slot]
            assert len(blocks) == 4, slot
            assert len({block.root() for block in blocks}) == 1
            (whole,) = (block for block in blocks if not block.blinded)
            leader = play.committee.network.leader_at(slot)(slot, record.last_round, OPERATORS)  # type: ignore[arg-type]
            assert whole.block.body.graffiti == graffiti(leader)

    on_the_chain(scenario)


def test_each_duty_keeps_the_rules_of_its_slot_over_the_switch() -> None:
    boole = Epoch(2)

    async def scenario(play: Play) -> None:
        for me in OPERATORS:
            play.start(me)
        await play.until_over()
        network, chain = play.committee.network, play.committee.chain
        assert FIRST_SLOT < chain.first_slot(boole) <= LAST
        assert not missed(play.records())
        forks = {slot: network.ssv_fork_at(slot) for slot in map(Slot, range(FIRST_SLOT, LAST + 1))}
        for fork in SsvFork:
            roles = {record.role for record in play.records() if forks[record.slot] is fork}
            assert roles | {RunnerRole.VOLUNTARY_EXIT} == ROLES[fork] | {RunnerRole.VOLUNTARY_EXIT}
        for signed in map(SignedSSVMessage.decode, play.committee.kept):
            slot = duty_slot(open_content(signed))
            assert message_domain(signed.ssv_message.msg_id) == network.domain_at(slot)
        dropped = {reason for node in play.committee.nodes.values() for reason in node.dropped}
        assert not dropped & {Reason.MESSAGE_IDENTIFIER, Reason.MESSAGE_ROLE}

    on_the_chain(scenario, boole)


@pytest.mark.parametrize("fork", SsvFork)
def test_who_is_not_selected_misses_nothing(fork: SsvFork) -> None:
    async def scenario(play: Play) -> None:
        for me in OPERATORS:
            play.start(me, selection=NOBODY)
        await play.until_over()
        roles = ROLES[fork] - COMMON
        for role in roles:
            records = play.records(role)
            assert records
            assert all(not record.outcomes and record.decided is None for record in records)
        assert not missed(play.records())

    on_the_chain(scenario, BOOLE_EPOCHS[fork])


@dataclass
class Changing:
    """Duties that are known in part; `hidden` ones come later."""

    full: FullWorld
    hidden: set[BeaconRole]

    async def duties(self, slot: Slot) -> tuple[Duty, ...]:
        return tuple(
            duty
            for duty in await self.full.duties(slot)
            if not any(part.type in self.hidden for part in parts_of(duty))
        )


def drafts_of(play: Play, role: RunnerRole, me: OperatorId) -> list[SignedSSVMessage]:
    said = map(SignedSSVMessage.decode, play.committee.kept)
    return [each for each in said if each.operator_ids == (me,) and message_role(each.ssv_message.msg_id) == role]


def test_an_exit_that_comes_late_to_some_is_begun_late_and_once() -> None:
    """The message of those who knew it before waits for it."""

    async def scenario(play: Play) -> None:
        late = Changing(play.full, {BeaconRole.VOLUNTARY_EXIT})
        for me in (ONE, TWO):
            play.start(me)
        slow = [play.start(me, duties=late) for me in (THREE, FOUR)]
        await play.committee.until_slot(EXIT_SLOT + 1, SLOT_S / 2)
        assert not play.full.done[BeaconRole.VOLUNTARY_EXIT]
        late.hidden.clear()
        for _ in range(2):
            for node in slow:
                node.duties_changed()
            await asyncio.sleep(0.1)
        await play.until_over()
        assert {index for _, index in play.full.done[BeaconRole.VOLUNTARY_EXIT]} == {play.full.leaver}
        records = play.records(RunnerRole.VOLUNTARY_EXIT)
        assert len(records) == 4
        assert not missed(records)
        assert all(len(drafts_of(play, RunnerRole.VOLUNTARY_EXIT, me)) == 1 for me in OPERATORS)

    on_the_chain(scenario)


def test_a_proposal_that_comes_in_mid_slot_is_begun_and_one_of_a_slot_that_is_over_is_not() -> None:
    async def scenario(play: Play) -> None:
        late = Changing(play.full, {BeaconRole.PROPOSER})
        nodes = [play.start(me, duties=late) for me in OPERATORS]
        await play.committee.until_slot(FIRST_SLOT + 3, 0.1)
        late.hidden.clear()
        for node in nodes:
            node.duties_changed()
        assert FIRST_SLOT % 2 == 0, "its proposal is over, that of slot + 2 too"
        await play.committee.until_slot(FIRST_SLOT + 4, 0.1)
        late.hidden.add(BeaconRole.PROPOSER)
        await play.committee.until_slot(FIRST_SLOT + 6, 0.1)
        late.hidden.clear()
        for node in nodes:
            node.duties_changed()
        await play.committee.until_slot(FIRST_SLOT + 9)
        slots = {slot for slot, _ in play.full.done[BeaconRole.PROPOSER]}
        assert slots == {FIRST_SLOT + 4, FIRST_SLOT + 6, FIRST_SLOT + 8}

    on_the_chain(scenario)


def test_a_node_begins_nothing_before_it_serves() -> None:
    async def scenario(play: Play) -> None:
        node = play.node(ONE)
        await play.committee.until_slot(FIRST_SLOT, 1)
        node.duties_changed()
        await asyncio.sleep(SLOT_S)
        assert not node.tasks
        assert not play.committee.kept

    on_the_chain(scenario)


def test_draining_waits_two_slots_for_an_exit_and_no_longer() -> None:
    async def scenario(play: Play) -> None:
        play.start(ONE)
        await play.committee.until_slot(EXIT_SLOT, 0.5)
        play.committee.nodes[ONE].drain()
        await play.committee.running[ONE]
        assert now() <= play.committee.chain.slot_start(Slot(EXIT_SLOT + 3))
        assert not play.committee.nodes[ONE].tasks

    on_the_chain(scenario)


def test_who_may_not_sign_begins_no_proposal() -> None:
    async def scenario(play: Play) -> None:
        async def bar_proposers(duty: Duty) -> Cleared:
            (part, *_) = parts_of(duty)
            if part.type != BeaconRole.PROPOSER:
                return Cleared(duty)
            return Cleared(None, {(BeaconRole.PROPOSER, part.validator_index): MissedReason.WAITING})

        play.start(ONE, clearance=bar_proposers)
        for me in (TWO, THREE, FOUR):
            play.start(me)
        await play.until_over()
        assert set(missed(play.records(me=ONE)).values()) == {MissedReason.WAITING}
        assert not drafts_of(play, RunnerRole.PROPOSER, ONE)
        assert not missed(play.records(me=TWO)), "three are enough"

    on_the_chain(scenario)


def wrong_signer(play: Play, me: OperatorId) -> LocalSigner:
    """A signer whose shares are not those of the validators."""
    committee = play.committee
    signer = LocalSigner(committee.member(me), committee.network, operator_key(me), now)
    for validator in validator_keys():
        share = validator.share_of(me, committee.network.ssv.alan_domain)
        signer.add_share(share, SecretKey.generate(lambda size: bytes([7]) * size), Epoch(0))
    return signer


def test_who_sends_bad_share_signatures_is_named_and_harms_nobody() -> None:
    async def scenario(play: Play) -> None:
        for me in (ONE, TWO, THREE):
            play.start(me)
        play.start(FOUR, ports=play.ports(FOUR, signer=LocalSignerPort(wrong_signer(play, FOUR), inline)))
        await play.until_over()
        named = {each.operators for me, each in play.reports if me != FOUR}
        assert named == {frozenset({FOUR})}
        for me in (ONE, TWO, THREE):
            assert not missed(play.records(me=me))

    on_the_chain(scenario)


@dataclass
class Without:
    """A beacon node that cannot answer some questions."""

    full: FullWorld
    unanswered: tuple[type, ...]

    async def answer(self, question: Fetch) -> Event:
        if isinstance(question, self.unanswered):
            raise SsvError("made to fail")
        return await self.full.answer(question)

    async def submit(self, slot: Slot, work: Submit) -> frozenset[Handed]:
        return await self.full.submit(slot, work)


@pytest.mark.parametrize(
    ("fork", "question", "kind", "reason"),
    [
        (SsvFork.ALAN, FetchBlock, BeaconRole.PROPOSER, MissedReason.NO_BLOCK),
        (SsvFork.ALAN, FetchAggregateAndProof, BeaconRole.AGGREGATOR, MissedReason.NO_AGGREGATE),
    ],
)
def test_what_the_beacon_node_cannot_say_is_told_and_is_the_reason(
    fork: SsvFork, question: type, kind: BeaconRole, reason: MissedReason
) -> None:
    async def scenario(play: Play) -> None:
        play.start(ONE, ports=play.ports(ONE, Without(play.full, (question,))))
        for me in (TWO, THREE, FOUR):
            play.start(me)
        await play.until_over()
        told = missed(play.records(me=ONE))
        assert {each for (role, _), each in told.items() if role is kind} == {reason}
        assert {role for role, _ in told} == {kind}
        assert "made to fail" in {each.detail for me, each in play.reports if me == ONE}
        assert not missed(play.records(me=TWO))

    on_the_chain(scenario, BOOLE_EPOCHS[fork])


def test_a_failed_aggregate_costs_a_committees_contributions_nothing() -> None:
    async def scenario(play: Play) -> None:
        for me in OPERATORS:
            play.start(me, ports=play.ports(me, Without(play.full, (FetchAggregate,))))
        await play.until_over()
        told = missed(play.records())
        assert {(role, reason) for (role, _), reason in told.items()} == {
            (BeaconRole.AGGREGATOR, MissedReason.LEFT_OUT)
        }
        assert {slot for slot, _ in play.full.done[BeaconRole.SYNC_COMMITTEE_CONTRIBUTION]} >= set(
            range(FIRST_SLOT, LAST + 1)
        )

    on_the_chain(scenario, Epoch(0))


@dataclass
class Raising:
    """A signer client with a defect that shows before consensus alone."""

    signer: Signer

    async def sign(self, draft: Draft, deadline: Instant) -> SignVerdict:
        if isinstance(draft, PreConsensusDraft):
            raise RuntimeError("a defect")
        return await self.signer.sign(draft, deadline)


def test_a_defect_while_signing_is_told_and_the_other_drafts_are_signed() -> None:
    async def scenario(play: Play) -> None:
        signer = Raising(play.committee.signer(ONE))
        play.start(ONE, ports=play.ports(ONE, signer=signer))
        for me in (TWO, THREE, FOUR):
            play.start(me)
        await play.until_over()
        assert {str(fault) for _, fault in play.faults} == {"a defect"}
        play.faults.clear()
        assert not missed(play.records(me=ONE)), "the others' proofs are a quorum"
        assert all(
            ONE in (record.decided.operator_ids if record.decided is not None else ())
            or drafts_of(play, RunnerRole.PROPOSER, ONE)
            for record in play.records(RunnerRole.PROPOSER, ONE)
        )

    on_the_chain(scenario)


@dataclass
class Slow:
    """A beacon node that takes its time, while the others decide."""

    full: FullWorld
    takes_s: float

    async def answer(self, question: Fetch) -> Event:
        await asyncio.sleep(self.takes_s)
        return await self.full.answer(question)

    async def submit(self, slot: Slot, work: Submit) -> frozenset[Handed]:
        return await self.full.submit(slot, work)


@pytest.mark.parametrize("fork", SsvFork)
def test_who_is_slow_takes_up_what_the_others_have_said_meanwhile(fork: SsvFork) -> None:
    """Every role refuses what comes before its own value is there; it is kept, and offered again."""

    async def scenario(play: Play) -> None:
        play.start(ONE, ports=play.ports(ONE, Slow(play.full, FETCH_SLOT_SHARE * SLOT_S * 0.9)))
        for me in (TWO, THREE, FOUR):
            play.start(me)
        await play.until_over()
        assert {record.role for record in play.records(me=ONE)} == ROLES[fork]
        assert not missed(play.records(me=ONE))
        decided = [record for record in play.records(me=ONE) if record.decided is not None]
        assert any(ONE not in record.decided.operator_ids for record in decided if record.decided is not None)

    on_the_chain(scenario, BOOLE_EPOCHS[fork])


class Refusing:
    """A beacon node that takes no blocks."""

    def __init__(self, full: FullWorld) -> None:
        self._full = full

    async def answer(self, question: Fetch) -> Event:
        return await self._full.answer(question)

    async def submit(self, slot: Slot, work: Submit) -> frozenset[Handed]:
        if work.proposals:
            return frozenset({(BeaconRole.PROPOSER, work.proposals[0].proposal.block.proposer_index)})
        return await self._full.submit(slot, work)


def test_a_refused_block_is_a_missed_one() -> None:
    async def scenario(play: Play) -> None:
        play.start(ONE, ports=play.ports(ONE, Refusing(play.full)))
        for me in (TWO, THREE, FOUR):
            play.start(me)
        await play.until_over()
        told = missed(play.records(me=ONE))
        assert {role for role, _ in told} == {BeaconRole.PROPOSER}
        assert set(told.values()) == {MissedReason.SUBMISSION_REFUSED}

    on_the_chain(scenario)


def test_duties_of_validators_without_a_share_here_are_told_so() -> None:
    async def scenario(play: Play) -> None:
        index = play.full.proposer_at(FIRST_SLOT)
        for me in OPERATORS:
            node = play.start(me)
            node.seat = replace(
                node.seat, shares={each: share for each, share in node.seat.shares.items() if each != index}
            )
        await play.until_over()
        told = missed(play.records())
        assert {validator for _, validator in told} == {index}
        assert set(told.values()) == {MissedReason.NO_SHARE}
        assert not {validator for validator in play.full.done[BeaconRole.PROPOSER] if validator[1] == index}

    on_the_chain(scenario)
