"""A node among three others, under a fake clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
from services.consensus.tests.committee import FIRST_SLOT, FOUR, ONE, SLOT_S, THREE, TWO, Committee, operator_key
from services.consensus.tests.fake_time import now, run

from ssv_consensus.due_duties import parts_of
from ssv_consensus.duty_times import DUTY_SLOTS
from ssv_consensus.legs import Leg
from ssv_consensus.ports import Cleared, Handed
from ssv_consensus.stages import Stage
from ssv_devnet.simulation.chain import OperatorView, SimulatedChain
from ssv_protocol.effects import Event, Fetch, FetchAttestationData, Submit
from ssv_protocol.errors import Reason
from ssv_protocol.runners.admission import open_content
from ssv_protocol.runners.ledger import MissedReason
from ssv_protocol.runners.runner import Duty
from ssv_protocol.types.duty import CommitteeDuty
from ssv_protocol.types.ids import (
    FIRST_ROUND,
    ZERO_ROOT,
    DomainType,
    Height,
    Instant,
    MessageId,
    OperatorId,
    RsaSignature,
    Slot,
)
from ssv_protocol.types.message_id import committee_message_id
from ssv_protocol.types.messages import SignedSSVMessage, SSVMessage
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import BeaconRole, MsgType, QbftMessageType, RunnerRole

END_OF_FIRST = FIRST_SLOT + DUTY_SLOTS


@dataclass
class LateDuties:
    """Knows a slot's duty only `delay_s` after it is asked; never when that is infinite."""

    world: SimulatedChain
    delay_s: float

    async def duties(self, slot: Slot) -> tuple[Duty, ...]:
        await asyncio.sleep(self.delay_s)
        return await self.world.duties(slot)


@dataclass
class Overtaken:
    """Says at first that a slot has no duty, and tells of the change just when that answer is taken, once."""

    world: SimulatedChain
    changed: Callable[[], None] = lambda: None
    has_told: bool = False

    async def duties(self, slot: Slot) -> tuple[Duty, ...]:
        if slot != FIRST_SLOT or self.has_told:
            return await self.world.duties(slot)
        self.has_told = True
        asyncio.get_running_loop().call_soon(self.changed)
        return ()


@dataclass
class TimedBeacon:
    """Notes when it is asked what to attest."""

    world: SimulatedChain
    asked_at: dict[Slot, float] = field(default_factory=dict)

    async def answer(self, question: Fetch) -> Event:
        assert isinstance(question, FetchAttestationData)
        self.asked_at[question.slot] = now()
        return await OperatorView(self.world).answer(question)

    async def submit(self, slot: Slot, work: Submit) -> frozenset[Handed]:
        return await OperatorView(self.world).submit(slot, work)


def said_by(operator_id: OperatorId, committee: Committee) -> set[int]:
    """Return the kinds of consensus messages that an operator has said."""
    said = (SignedSSVMessage.decode(encoded) for encoded in committee.kept)
    contents = [open_content(message) for message in said if message.operator_ids == (operator_id,)]
    return {content.msg_type for content in contents if isinstance(content, QbftMessage)}


def test_a_duty_is_agreed_on_signed_and_submitted_by_all() -> None:
    async def scenario() -> None:
        async with Committee() as committee:
            for operator_id in (ONE, TWO, THREE, FOUR):
                committee.start(operator_id)
            await committee.until_slot(END_OF_FIRST, 0.5)
            duty = await committee.world.committee_duty(FIRST_SLOT)
            assert duty is not None
            attesters = {each.validator_index for each in duty.validator_duties if each.type == BeaconRole.ATTESTER}
            for record in committee.records[FIRST_SLOT].values():
                assert record.submitted == record.attesters == attesters
                assert set(record.of(BeaconRole.SYNC_COMMITTEE)) == {committee.world.sync_validator}
                assert all(each.missed is None for each in record.outcomes)
                assert not record.missed
                assert record.decided is not None
                assert record.last_round == 1
                assert set(record.stages_ms) == set(Stage) - {Stage.PRE_CONSENSUS}
                assert set(record.legs_ms) == {Leg.SIGNER, Leg.GATEWAY}
            assert len(committee.records[FIRST_SLOT]) == 4
            assert not committee.world.invalid

    run(scenario)


def test_messages_that_come_before_the_duty_is_known_are_kept_for_it() -> None:
    async def scenario() -> None:
        async with Committee() as committee:
            for operator_id in (TWO, THREE, FOUR):
                committee.start(operator_id)
            committee.start(ONE, committee.node(ONE, duties=LateDuties(committee.world, SLOT_S * 0.9)))
            await committee.until_slot(END_OF_FIRST, 0.5)
            record = committee.records[FIRST_SLOT][ONE]
            assert record.decided is not None
            assert record.submitted == record.attesters

    run(scenario)


def test_a_change_that_comes_while_an_older_answer_is_taken_is_not_lost() -> None:
    async def scenario() -> None:
        async with Committee() as committee:
            for operator_id in (TWO, THREE, FOUR):
                committee.start(operator_id)
            source = Overtaken(committee.world)
            node = committee.node(ONE, duties=source)
            source.changed = node.duties_changed
            committee.start(ONE, node)
            await committee.until_slot(END_OF_FIRST, 0.5)
            record = committee.records[FIRST_SLOT][ONE]
            assert record.submitted == record.attesters

    run(scenario)


def test_a_node_that_died_after_its_prepare_goes_on_in_the_same_slot() -> None:
    """Operator 4 is down, so without operator 1 there is no quorum."""

    async def scenario() -> None:
        async with Committee(delay_s=0.05) as committee:
            for operator_id in (ONE, TWO, THREE):
                committee.start(operator_id)
            while QbftMessageType.PREPARE not in said_by(ONE, committee):  # noqa: ASYNC110 (fake time)
                await asyncio.sleep(0.01)
            await committee.kill(ONE)
            assert QbftMessageType.COMMIT not in said_by(TWO, committee)
            await asyncio.sleep(0.5)
            assert not committee.records
            node = committee.node(ONE)
            for message in committee.kept:
                node.deliver(message)
            node.resume()
            committee.start(ONE, node)
            await committee.until_slot(END_OF_FIRST, 0.5)
            for operator_id in (ONE, TWO, THREE):
                record = committee.records[FIRST_SLOT][operator_id]
                assert record.submitted == record.attesters
            assert not committee.world.invalid

    run(scenario)


def test_resuming_serves_every_slot_whose_duty_still_runs_once() -> None:
    async def scenario() -> None:
        async with Committee() as committee:
            for operator_id in (TWO, THREE, FOUR):
                committee.start(operator_id)
            await committee.until_slot(FIRST_SLOT + 1, SLOT_S / 2)
            node = committee.node(ONE)
            for message in committee.kept:
                node.deliver(message)
            node.resume()
            node.resume()
            committee.start(ONE, node)
            await committee.until_slot(END_OF_FIRST + 2, 0.5)
            own = {slot for slot, records in committee.records.items() if ONE in records}
            assert {FIRST_SLOT, FIRST_SLOT + 1, FIRST_SLOT + 2} <= own
            assert all(committee.records[slot][ONE].submitted == committee.records[slot][ONE].attesters for slot in own)

    run(scenario)


def test_draining_finishes_what_has_begun_and_begins_nothing() -> None:
    async def scenario() -> None:
        async with Committee() as committee:
            for operator_id in (ONE, TWO, THREE, FOUR):
                committee.start(operator_id)
            await committee.until_slot(FIRST_SLOT, SLOT_S / 2)
            committee.nodes[ONE].drain()
            await committee.running[ONE]
            assert now() == pytest.approx(committee.chain.slot_start(Slot(END_OF_FIRST)))
            assert committee.records[FIRST_SLOT][ONE].submitted
            await committee.until_slot(END_OF_FIRST + 2, 0.5)
            assert [slot for slot, records in committee.records.items() if ONE in records][-1] == FIRST_SLOT
            assert TWO in committee.records[Slot(FIRST_SLOT + 1)]

    run(scenario)


def test_draining_does_not_wait_for_duties_that_nobody_tells() -> None:
    async def scenario() -> None:
        async with Committee() as committee:
            committee.start(ONE, committee.node(ONE, duties=LateDuties(committee.world, float("inf"))))
            await committee.until_slot(FIRST_SLOT, 1)
            committee.nodes[ONE].drain()
            await committee.running[ONE]
            assert now() == pytest.approx(committee.chain.slot_start(FIRST_SLOT) + 1)
            assert not committee.records

    run(scenario)


@pytest.mark.parametrize(("head_after_s", "begins_after_s"), [(None, 2.0), (0.7, 0.7 + 0.15), (1.95, 2.0), (0.0, 0.15)])
def test_a_duty_begins_at_a_third_or_shortly_after_its_head(head_after_s: float | None, begins_after_s: float) -> None:
    async def scenario() -> None:
        async with Committee() as committee:
            beacon = TimedBeacon(committee.world)
            node = committee.start(ONE, committee.node(ONE, committee.ports(ONE, beacon=beacon)))
            if head_after_s is not None:
                await committee.until_slot(FIRST_SLOT, head_after_s + 1e-6)
                node.head_seen(FIRST_SLOT)
            await committee.until_slot(FIRST_SLOT + 1)
            begun = beacon.asked_at[FIRST_SLOT] - committee.chain.slot_start(FIRST_SLOT)
            assert begun == pytest.approx(begins_after_s, abs=1e-3)

    run(scenario)


def test_a_head_of_another_slot_changes_nothing() -> None:
    async def scenario() -> None:
        async with Committee() as committee:
            beacon = TimedBeacon(committee.world)
            node = committee.start(ONE, committee.node(ONE, committee.ports(ONE, beacon=beacon)))
            await committee.until_slot(FIRST_SLOT, 0.5)
            node.head_seen(Slot(FIRST_SLOT - 1))
            await committee.until_slot(FIRST_SLOT + 1)
            assert beacon.asked_at[FIRST_SLOT] == pytest.approx(committee.chain.slot_start(FIRST_SLOT) + 2, abs=1e-3)

    run(scenario)


def test_who_is_barred_is_left_out_with_the_reason() -> None:
    async def scenario() -> None:
        async with Committee() as committee:
            duty = await committee.world.committee_duty(FIRST_SLOT)
            assert duty is not None
            attesters = {each.validator_index for each in duty.validator_duties if each.type == BeaconRole.ATTESTER}
            index = min(attesters)

            async def bar_one(duty: Duty) -> Cleared:
                parts = [each for each in parts_of(duty) if each.validator_index == index]
                kept = tuple(each for each in parts_of(duty) if each.validator_index != index)
                barred = {(BeaconRole(each.type), index): MissedReason.RECORD_AHEAD for each in parts}
                return Cleared(CommitteeDuty(duty.slot, kept), barred)

            async def bar_all(duty: Duty) -> Cleared:
                parts = [(BeaconRole(each.type), each.validator_index) for each in parts_of(duty)]
                return Cleared(None, dict.fromkeys(parts, MissedReason.WAITING))

            committee.start(ONE, committee.node(ONE, clearance=bar_one))
            committee.start(TWO, committee.node(TWO, clearance=bar_all))
            committee.start(THREE)
            committee.start(FOUR)
            await committee.until_slot(END_OF_FIRST, 0.5)
            one, two = committee.records[FIRST_SLOT][ONE], committee.records[FIRST_SLOT][TWO]
            assert one.missed == {index: MissedReason.RECORD_AHEAD}
            assert one.submitted == attesters - {index}
            assert two.missed == dict.fromkeys(attesters, MissedReason.WAITING)
            assert two.decided is None

    run(scenario)


async def hold_back(duty: Duty) -> Cleared:
    """Bar every attestation from signing and run the duty."""
    attesters = (each for each in parts_of(duty) if each.type == BeaconRole.ATTESTER)
    return Cleared(duty, {(BeaconRole.ATTESTER, each.validator_index): MissedReason.WAITING for each in attesters})


def test_who_is_held_back_votes_signs_nothing_and_sees_the_others_sign() -> None:
    async def scenario() -> None:
        async with Committee() as committee:
            committee.start(TWO, committee.node(TWO, clearance=hold_back))
            for operator_id in (ONE, THREE, FOUR):
                committee.start(operator_id)
            await committee.until_slot(END_OF_FIRST, 0.5)
            record = committee.records[FIRST_SLOT][TWO]
            assert record.attesters
            assert record.submitted == record.attesters
            for outcome in record.of(BeaconRole.ATTESTER).values():
                assert outcome.share_signers == {ONE, THREE, FOUR}

    run(scenario)


def test_a_committee_that_needs_who_is_held_back_decides_and_attests_nothing() -> None:
    async def scenario() -> None:
        async with Committee() as committee:
            committee.start(TWO, committee.node(TWO, clearance=hold_back))
            for operator_id in (ONE, THREE):
                committee.start(operator_id)
            await committee.until_slot(END_OF_FIRST, 0.5)
            held, other = committee.records[FIRST_SLOT][TWO], committee.records[FIRST_SLOT][ONE]
            assert held.decided is not None
            assert other.decided is not None
            assert held.missed == dict.fromkeys(held.attesters, MissedReason.WAITING)
            assert set(other.missed.values()) == {MissedReason.NO_PARTIAL_QUORUM}
            named = [outcome.missing for outcome in other.of(BeaconRole.ATTESTER).values()]
            assert named == [{TWO, FOUR}] * len(other.attesters)
            assert not any(outcome.share_signers for outcome in held.outcomes if outcome.missed is not None)

    run(scenario)


def test_the_same_message_is_taken_once_and_others_are_dropped_with_a_reason() -> None:
    async def scenario() -> None:
        async with Committee() as committee:
            for operator_id in (TWO, THREE, FOUR):
                committee.start(operator_id)
            await committee.until_slot(FIRST_SLOT + 1, 1)
            node = committee.node(ONE)
            committee.start(ONE, node)
            first = SignedSSVMessage.decode(committee.kept[0])
            forged = replace(first, signatures=(RsaSignature(operator_key(ONE).sign(first.ssv_message)),))
            node.deliver(forged.encode())
            node.deliver(b"\x00" * 40)
            assert node.dropped == {Reason.ENVELOPE_SIGNATURE: 1, Reason.SSZ_DECODE: 1}
            await committee.until_slot(END_OF_FIRST + 4, 1)
            node.dropped.clear()
            node.deliver(committee.kept[0])
            node.deliver(committee.kept[0])
            assert node.dropped == {Reason.NO_RUNNER_FOR_SLOT: 1}

    run(scenario)


def under_id(signed: SignedSSVMessage, message_id: MessageId, signer: OperatorId) -> bytes:
    """The same content, signed anew under another message id."""
    message = replace(signed.ssv_message, msg_id=message_id)
    return SignedSSVMessage((operator_key(signer).sign(message),), (signer,), message).encode()


@pytest.mark.parametrize("role", [RunnerRole.AGGREGATOR_COMMITTEE, RunnerRole.COMMITTEE])
def test_messages_of_another_role_or_domain_reach_no_duty(role: RunnerRole) -> None:
    """Partial signatures do not name their duty inside, so its id outside must be the duty's."""

    async def scenario() -> None:
        async with Committee() as committee:
            for operator_id in (TWO, THREE, FOUR):
                committee.start(operator_id)
            node = committee.start(ONE)
            await committee.until_slot(FIRST_SLOT + 1, 1)
            said = (SignedSSVMessage.decode(encoded) for encoded in committee.kept)
            partials = next(each for each in said if each.ssv_message.msg_type == MsgType.PARTIAL_SIGNATURE)
            seat = node.seat
            domain = seat.network.ssv.alan_domain if role is not RunnerRole.COMMITTEE else DomainType(b"else")
            other = committee_message_id(domain, role, seat.member.committee_id)
            node.dropped.clear()
            node.deliver(under_id(partials, other, partials.operator_ids[0]))
            wrong_role = role is not RunnerRole.COMMITTEE
            assert node.dropped == {Reason.MESSAGE_ROLE if wrong_role else Reason.MESSAGE_IDENTIFIER: 1}

    run(scenario)


def test_a_member_that_writes_to_the_far_future_crowds_out_nobody() -> None:
    async def scenario() -> None:
        async with Committee() as committee:
            for operator_id in (TWO, THREE, FOUR):
                committee.start(operator_id)
            await committee.until_slot(FIRST_SLOT, 1)
            node = committee.node(ONE)
            seat = node.seat
            template = QbftMessage(
                QbftMessageType.PREPARE,
                Height(0),
                FIRST_ROUND,
                committee_message_id(seat.network.ssv.alan_domain, RunnerRole.COMMITTEE, seat.member.committee_id),
                ZERO_ROOT,
            )
            for height in (FIRST_SLOT + 2, 2**40):
                content = replace(template, height=Height(height)).encode()
                message = SSVMessage(MsgType.CONSENSUS, template.message_id, content)
                node.deliver(under_id(SignedSSVMessage((), (), message), template.message_id, FOUR))
            assert node.dropped == {Reason.NO_RUNNER_FOR_SLOT: 2}

    run(scenario)


def test_the_bus_leg_is_measured_from_the_gateways_time() -> None:
    async def scenario() -> None:
        async with Committee() as committee:
            for operator_id in (TWO, THREE, FOUR):
                committee.start(operator_id)
            node = committee.start(ONE)
            committee.wire.join(ONE, lambda encoded: node.deliver(encoded, Instant(now() - 0.025)))
            await committee.until_slot(END_OF_FIRST, 0.5)
            bus_ms = committee.records[FIRST_SLOT][ONE].legs_ms[Leg.BUS]
            assert bus_ms == pytest.approx([25.0] * len(bus_ms))
            assert len(bus_ms) >= 6

    run(scenario)


def test_a_new_seat_holds_from_the_next_duty_on() -> None:
    async def scenario() -> None:
        async with Committee() as committee:
            for operator_id in (TWO, THREE, FOUR):
                committee.start(operator_id)
            node = committee.node(ONE)
            seat = node.seat
            node.seat = replace(seat, shares={})
            committee.start(ONE, node)
            await committee.until_slot(FIRST_SLOT, 1)
            node.seat = seat
            await committee.until_slot(END_OF_FIRST + 1, 0.5)
            assert set(committee.records[FIRST_SLOT][ONE].missed.values()) == {MissedReason.NO_SHARE}
            later = committee.records[Slot(FIRST_SLOT + 1)][ONE]
            assert later.submitted == later.attesters

    run(scenario)
