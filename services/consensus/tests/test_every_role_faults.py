"""Every duty of a committee of four when a member, its beacon node or its signer fails it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

import pytest
from services.consensus.tests.committee import (
    FIRST_SLOT,
    FOUR,
    ONE,
    OPERATORS,
    SLOT_S,
    THREE,
    TWO,
    inline,
    operator_key,
    validator_keys,
)
from services.consensus.tests.every_duty import (
    BOOLE_EPOCHS,
    LAST,
    ROLES,
    Play,
    drafts_of,
    missed,
    on_the_chain,
)
from services.consensus.tests.fake_time import now
from services.consensus.tests.full_world import FullWorld

from ssv_consensus.duty_times import FETCH_SLOT_SHARE
from ssv_consensus.ports import Handed, Signer, SignVerdict
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
    Submit,
)
from ssv_protocol.errors import SsvError
from ssv_protocol.forks import SsvFork
from ssv_protocol.runners.ledger import MissedReason
from ssv_protocol.types.ids import Epoch, Instant, OperatorId, Slot
from ssv_protocol.types.roles import BeaconRole, RunnerRole


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


class Hanging(Refusing):
    """Never says whether it took a block."""

    async def submit(self, slot: Slot, work: Submit) -> frozenset[Handed]:
        if work.proposals:
            await asyncio.Event().wait()
        return await self._full.submit(slot, work)


def test_a_block_that_is_still_being_handed_over_at_the_end_is_late() -> None:
    async def scenario(play: Play) -> None:
        play.start(ONE, ports=play.ports(ONE, Hanging(play.full)))
        for me in (TWO, THREE, FOUR):
            play.start(me)
        await play.until_over()
        told = missed(play.records(me=ONE))
        assert {role for role, _ in told} == {BeaconRole.PROPOSER}
        assert set(told.values()) == {MissedReason.LATE}

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
