"""A committee's duties begin once each, with the validators that are ours; messages find their runner."""

from __future__ import annotations

from dataclasses import replace

import pytest
from libs.protocol.tests.runners.world import AT, STRANGER, A, B, attester, batch, objects, partials, qbft, runner, seat
from libs.protocol.tests.signing.world import BOOLE_EPOCH, CHAIN, CLOCK, Decision, message_id, vote_for

from ssv_protocol.effects import FetchAttestationData, FetchedAttestationData, PreConsensusDraft, Send
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.runners.admission import open_content
from ssv_protocol.runners.committee import CommitteeRunner
from ssv_protocol.runners.committee_duties import CommitteeDuties
from ssv_protocol.runners.duty_lane import DutyLane
from ssv_protocol.types.duty import AggregatorCommitteeDuty, CommitteeDuty, ValidatorDuty
from ssv_protocol.types.ids import MessageId, Slot
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.roles import BeaconRole, QbftMessageType, RunnerRole

VOTE = vote_for(CLOCK)
BOOLE_SLOT = CHAIN.first_slot(BOOLE_EPOCH)


def duties_with(*duties: ValidatorDuty) -> CommitteeDuties:
    committee = CommitteeDuties(seat())
    committee.start(CommitteeDuty(CLOCK, duties))
    return committee


def refusal_to_start(committee: CommitteeDuties, duty: CommitteeDuty | AggregatorCommitteeDuty) -> Reason:
    with pytest.raises(ProtocolError) as caught:
        committee.start(duty)
    return caught.value.reason


def refusal(committee: CommitteeDuties, signed: SignedSSVMessage) -> Reason:
    with pytest.raises(ProtocolError) as caught:
        committee.receive(signed, AT)
    return caught.value.reason


def test_a_duty_begins_with_our_validators_and_their_shares_only() -> None:
    committee = CommitteeDuties(seat())
    lane, effects = committee.start(CommitteeDuty(CLOCK, (attester(A), attester(STRANGER))))
    assert effects == [FetchAttestationData(CLOCK)]
    assert isinstance(lane.runner, CommitteeRunner)
    assert [duty.validator_index for duty in lane.runner.duty.validator_duties] == [A]
    assert committee.lanes == {(RunnerRole.COMMITTEE, CLOCK): lane}


def test_a_slot_s_duty_begins_once() -> None:
    committee = duties_with(attester(A))
    assert refusal_to_start(committee, CommitteeDuty(CLOCK, (attester(B),))) == Reason.DUTY_RUNNING
    later = Slot(CLOCK + 1)
    committee.start(CommitteeDuty(later, (attester(B, later),)))
    assert {slot for _, slot in committee.lanes} == {CLOCK, later}


@pytest.mark.parametrize(
    ("duties", "reason"),
    [((), Reason.NO_BEACON_DUTIES), ((attester(STRANGER),), Reason.NO_VALIDATOR_SHARES)],
)
def test_nothing_to_do_begins_no_duty(duties: tuple[ValidatorDuty, ...], reason: Reason) -> None:
    committee = CommitteeDuties(seat())
    assert refusal_to_start(committee, CommitteeDuty(CLOCK, duties)) == reason
    assert not committee.lanes


def test_a_malformed_duty_of_ours_begins_nothing_one_of_others_is_no_concern() -> None:
    ours, others = (replace(attester(index, BOOLE_SLOT), validator_committee_index=99) for index in (A, STRANGER))
    committee = CommitteeDuties(seat())
    good = attester(B, BOOLE_SLOT)
    assert refusal_to_start(committee, CommitteeDuty(BOOLE_SLOT, (good, ours))) == Reason.DUTY_INVALID
    committee.start(CommitteeDuty(BOOLE_SLOT, (good, others)))


def test_both_roles_run_in_one_slot_under_boole() -> None:
    committee = CommitteeDuties(seat())
    aggregator = replace(attester(A, BOOLE_SLOT), type=BeaconRole.AGGREGATOR)
    committee.start(CommitteeDuty(BOOLE_SLOT, (attester(A, BOOLE_SLOT),)))
    _, effects = committee.start(AggregatorCommitteeDuty(BOOLE_SLOT, (aggregator,)))
    (send,) = effects
    assert isinstance(send, Send)
    assert isinstance(send.draft, PreConsensusDraft)
    assert {role for role, _ in committee.lanes} == {RunnerRole.COMMITTEE, RunnerRole.AGGREGATOR_COMMITTEE}


def test_a_message_finds_the_runner_of_its_role_and_slot() -> None:
    committee = duties_with(attester(A))
    lane = committee.lanes[RunnerRole.COMMITTEE, CLOCK]
    assert lane.runner is not None
    lane.runner.step(FetchedAttestationData(VOTE.attestation_data(CLOCK, 0)), AT)
    found, effects = committee.receive(qbft(4, QbftMessageType.PROPOSAL, VOTE.encode()), AT)
    assert found is lane
    (prepare,) = (effect for effect in effects if isinstance(effect, Send))
    assert prepare.draft.message_id == message_id()


def test_a_message_without_a_runner_is_refused() -> None:
    committee = duties_with(attester(A))
    other_slot = Decision(VOTE.encode(), slot=Slot(CLOCK + 1)).signed()
    assert refusal(committee, other_slot) == Reason.NO_RUNNER_FOR_SLOT


def test_only_the_duty_s_own_message_id_finds_its_runner() -> None:
    """Neither that of another domain or padding, nor that of a role which the slot's rule set does not have."""
    committee = duties_with(attester(A))
    own = message_id()
    for other, reason in (
        (MessageId(b"else" + own[4:]), Reason.MESSAGE_IDENTIFIER),
        (MessageId(own[:8] + b"\x01" + own[9:]), Reason.MESSAGE_IDENTIFIER),
        (message_id(RunnerRole.AGGREGATOR_COMMITTEE), Reason.MESSAGE_ROLE),
    ):
        assert refusal(committee, Decision(VOTE.encode(), outer_id=other, inner_id=other).signed()) == reason


def test_a_strange_committee_is_told_before_a_strange_role() -> None:
    committee = duties_with(attester(A))
    wrong_role = message_id(RunnerRole.PROPOSER)
    wrong_both = MessageId(wrong_role[:-1] + bytes([wrong_role[-1] ^ 1]))
    assert refusal(committee, Decision(VOTE.encode(), outer_id=wrong_role).signed()) == Reason.COMMITTEE_ROLE
    assert refusal(committee, Decision(VOTE.encode(), outer_id=wrong_both).signed()) == Reason.COMMITTEE_ID_MISMATCH


def test_old_slots_can_be_forgotten() -> None:
    committee = duties_with(attester(A))
    committee.forget_before(CLOCK)
    assert committee.lanes
    committee.forget_before(Slot(CLOCK + 1))
    assert not committee.lanes


def lane_of(committee: CommitteeDuties) -> DutyLane:
    return committee.new_lane(RunnerRole.COMMITTEE, CLOCK)


def test_a_lane_without_a_duty_remembers_a_decision_and_starts_no_duty_behind_it() -> None:
    lane = lane_of(CommitteeDuties(seat()))
    decided = Decision(VOTE.encode()).signed()
    assert lane.receive(decided, open_content(decided), AT) == []
    with pytest.raises(ProtocolError) as caught:
        lane.start(CLOCK, lambda: pytest.fail("made"))
    assert caught.value.reason is Reason.DUTY_ALREADY_PASSED


def test_a_lane_without_a_duty_refuses_share_signatures() -> None:
    lane = lane_of(CommitteeDuties(seat()))
    signed = batch(2, partials(2, objects(runner(attester(A)), VOTE)))
    with pytest.raises(ProtocolError) as caught:
        lane.receive(signed, open_content(signed), AT)
    assert caught.value.reason is Reason.NO_RUNNING_DUTY
