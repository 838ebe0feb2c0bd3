"""The committee runner from its decision to its last submission, hand-fed. This operator is 1 of 4."""

import secrets
from dataclasses import replace

import pytest
from libs.protocol.tests.runners.world import (
    AT,
    STRANGER,
    A,
    B,
    attester,
    batch,
    fetch,
    objects,
    partials,
    receive,
    runner,
    seat,
    share,
    share_keys,
    sync_member,
    validator_key,
)
from libs.protocol.tests.signing.world import CLOCK, NETWORK, Decision, member, message_id, vote_for

from ssv_protocol.crypto import bls
from ssv_protocol.crypto.combine import combine
from ssv_protocol.effects import (
    Combine,
    Combined,
    CombinedAll,
    Effect,
    Finish,
    PostConsensusDraft,
    QbftDraft,
    Refused,
    Report,
    Submit,
)
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.runners.committee import CommitteeRunner, CommitteeSeat
from ssv_protocol.runners.ledger import MissedReason
from ssv_protocol.signing.verdict import DenialReason
from ssv_protocol.types.beacon.attestation import SingleAttestation
from ssv_protocol.types.duty import ValidatorDuty
from ssv_protocol.types.ids import OperatorId, Slot, ValidatorIndex
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import BeaconRole, PartialSignatureType

VOTE = vote_for(CLOCK)
DECIDED = Decision(VOTE.encode(), signers=(2, 3, 4)).signed()


def decided(*duties: ValidatorDuty, at_seat: CommitteeSeat | None = None) -> CommitteeRunner:
    machine = runner(*duties, at_seat=at_seat)
    fetch(machine, VOTE)
    receive(machine, DECIDED)
    return machine


def shares_of(machine: CommitteeRunner, operator: int, *, wrong: tuple[ValidatorIndex, ...] = ()) -> SignedSSVMessage:
    return batch(operator, partials(operator, objects(machine, VOTE), wrong=wrong))


def combine_all(machine: CommitteeRunner, effects: list[Effect]) -> list[Effect]:
    (job,) = effects
    assert isinstance(job, Combine)
    return machine.step(combine(job, secrets.token_bytes), AT)


def refusal(machine: CommitteeRunner, signed: SignedSSVMessage) -> Reason:
    with pytest.raises(ProtocolError) as caught:
        receive(machine, signed)
    return caught.value.reason


def test_the_quorum_brings_one_batch_for_all_validators_and_sync_messages() -> None:
    machine = decided(attester(A), attester(B), sync_member(A))
    assert receive(machine, shares_of(machine, 1)) == []
    assert receive(machine, shares_of(machine, 2)) == []
    (job,) = receive(machine, shares_of(machine, 3))
    assert isinstance(job, Combine)
    assert {(item.validator_index, item.root) for item in job.items} == {
        (item.duty.validator_index, item.signing_root) for item in objects(machine, VOTE)
    }
    assert all(set(item.partials) == {1, 2, 3} for item in job.items)
    assert receive(machine, shares_of(machine, 4)) == [], "what is under way is not asked for again"
    assert machine.missed_reason(A) is MissedReason.LATE


def test_what_is_combined_is_submitted_once_and_is_signed_by_the_validators() -> None:
    machine = decided(attester(A), attester(B), sync_member(A))
    for operator in (1, 2):
        receive(machine, shares_of(machine, operator))
    submit, finish = combine_all(machine, receive(machine, shares_of(machine, 3)))
    assert isinstance(submit, Submit)
    assert isinstance(finish, Finish)
    assert machine.finished
    assert sorted(submit.attesters) == [A, B]
    roots = {(type(item).__name__, item.duty.validator_index): item.signing_root for item in objects(machine, VOTE)}
    for attestation in submit.attestations:
        assert isinstance(attestation, SingleAttestation)
        assert attestation.data == VOTE.attestation_data(CLOCK, 0)
        index = attestation.attester_index
        root = roots["AttestationObject", index]
        assert bls.verify(validator_key(index).public_key(), root, attestation.signature)
    (sync,) = submit.sync_messages
    assert sync.beacon_block_root == VOTE.block_root
    assert bls.verify(validator_key(A).public_key(), roots["SyncMessageObject", A], sync.signature)
    assert refusal(machine, shares_of(machine, 4)) == Reason.DUTY_FINISHED
    assert machine.missed_reason(A) is None
    assert machine.missed_reason(STRANGER) is MissedReason.NO_SHARE
    assert machine.participants(B) == {1, 2, 3, 4}


def test_a_validator_that_is_ready_does_not_wait_for_another() -> None:
    machine = decided()
    for operator in (1, 2):
        receive(machine, shares_of(machine, operator))
    only_a = batch(3, partials(3, objects(machine, VOTE)[:1]))
    (submit,) = combine_all(machine, receive(machine, only_a))
    assert isinstance(submit, Submit)
    assert submit.attesters == (A,)
    assert not machine.finished
    assert machine.missed_reason(B) is MissedReason.NO_PARTIAL_QUORUM
    submit, finish = combine_all(machine, receive(machine, shares_of(machine, 4)))
    assert isinstance(submit, Submit)
    assert submit.attesters == (B,)
    assert isinstance(finish, Finish)


def test_a_bad_share_is_thrown_out_and_the_next_good_one_tries_again() -> None:
    machine = decided()
    receive(machine, shares_of(machine, 1))
    receive(machine, shares_of(machine, 2, wrong=(A,)))
    submit, report = combine_all(machine, receive(machine, shares_of(machine, 3)))
    assert isinstance(report, Report)
    assert report.reason is Reason.RECONSTRUCT_SIGNATURE
    assert report.validator_index == A
    assert report.operators == {2}
    assert isinstance(submit, Submit)
    assert submit.attesters == (B,), "the bad share of one validator delays no other"
    assert machine.missed_reason(A) is MissedReason.RECONSTRUCTION_FAILED
    submit, finish = combine_all(machine, receive(machine, shares_of(machine, 4)))
    assert isinstance(submit, Submit)
    assert submit.attesters == (A,)
    assert isinstance(finish, Finish)
    assert machine.missed_reason(A) is None


def test_a_good_share_that_came_meanwhile_is_tried_at_once() -> None:
    machine = decided(attester(A))
    receive(machine, shares_of(machine, 1))
    receive(machine, shares_of(machine, 2, wrong=(A,)))
    under_way = receive(machine, shares_of(machine, 3))
    receive(machine, shares_of(machine, 4))
    report, *again = combine_all(machine, under_way)
    assert isinstance(report, Report)
    submit, finish = combine_all(machine, again)
    assert isinstance(submit, Submit)
    assert isinstance(finish, Finish)


def test_a_bad_share_sent_again_keeps_nobody_from_the_quorum() -> None:
    machine = decided(attester(A))
    bad = shares_of(machine, 2, wrong=(A,))
    receive(machine, shares_of(machine, 1))
    receive(machine, bad)
    for signed in (shares_of(machine, 3), bad):  # the second is a quorum in number only
        (report,) = combine_all(machine, receive(machine, signed))
        assert isinstance(report, Report)
        assert report.operators == {2}
    assert isinstance(combine_all(machine, receive(machine, shares_of(machine, 4)))[0], Submit)


@pytest.mark.parametrize("bad_first", [True, False])
def test_of_two_shares_by_one_operator_the_good_one_counts(bad_first: bool) -> None:
    machine = decided(attester(A))
    good, bad = shares_of(machine, 2), shares_of(machine, 2, wrong=(A,))
    for signed in (bad, good) if bad_first else (good, bad):
        assert receive(machine, signed) == []
    receive(machine, shares_of(machine, 1))
    assert isinstance(combine_all(machine, receive(machine, shares_of(machine, 3)))[0], Submit)


def test_the_same_share_twice_counts_once() -> None:
    machine = decided()
    for operator in (1, 2, 2, 2):
        assert receive(machine, shares_of(machine, operator)) == []


def test_wrong_registered_share_keys_end_in_failure_not_in_a_loop() -> None:
    # the validator's key is not the one that the shares add up to, so every share is good and the whole is not
    wrong = replace(share(A), validator_pubkey=validator_key(B).public_key())
    machine = decided(attester(A), at_seat=CommitteeSeat(member(), {A: wrong}, NETWORK))
    for operator in (1, 2):
        receive(machine, shares_of(machine, operator))
    (report,) = combine_all(machine, receive(machine, shares_of(machine, 3)))
    assert isinstance(report, Report)
    assert not report.operators
    assert machine.missed_reason(A) is MissedReason.RECONSTRUCTION_FAILED
    assert receive(machine, shares_of(machine, 4)) == []


def test_share_signatures_over_other_roots_and_for_strangers_are_no_concern() -> None:
    machine = decided(attester(A))
    other = objects(machine, vote_for(CLOCK, head=9))
    for operator in (1, 2, 3):
        items = [
            *partials(operator, other),
            *(replace(item, validator_index=STRANGER) for item in partials(operator, objects(machine, VOTE))),
        ]
        assert receive(machine, batch(operator, items)) == []
    assert machine.missed_reason(A) is MissedReason.NO_PARTIAL_QUORUM


@pytest.mark.parametrize(
    ("shift", "reason"), [(-1, Reason.PARTIAL_SIGNATURE_PAST_SLOT), (1, Reason.PARTIAL_SIGNATURE_FUTURE_SLOT)]
)
def test_refuses_share_signatures_of_another_slot(shift: int, reason: Reason) -> None:
    machine = decided()
    assert refusal(machine, batch(2, partials(2, objects(machine, VOTE)), slot=Slot(CLOCK + shift))) == reason


def test_refuses_share_signatures_of_another_phase() -> None:
    machine = decided()
    early = batch(2, partials(2, objects(machine, VOTE)), kind=PartialSignatureType.SELECTION_PROOF)
    assert refusal(machine, early) == Reason.MESSAGE_TYPE


def test_a_refusal_of_one_validator_is_its_own_reason_until_others_have_signed() -> None:
    machine = decided()
    draft = PostConsensusDraft(message_id(), CLOCK, DECIDED, machine.duty.validator_duties)
    assert machine.step(Refused(draft, DenialReason.DOUBLE_VOTE, A), AT) == []
    assert machine.missed_reason(A) is MissedReason.SIGNER_REFUSED
    assert machine.missed_reason(B) is MissedReason.NO_PARTIAL_QUORUM
    for operator in (2, 3):
        receive(machine, shares_of(machine, operator))
    combine_all(machine, receive(machine, shares_of(machine, 4)))
    assert machine.missed_reason(A) is None


def test_a_refusal_of_the_whole_batch_is_everybodys_reason() -> None:
    machine = decided()
    draft = PostConsensusDraft(message_id(), CLOCK, DECIDED, machine.duty.validator_duties)
    machine.step(Refused(draft, DenialReason.EVIDENCE_SIGNATURE), AT)
    assert machine.missed_reason(A) is machine.missed_reason(B) is MissedReason.SIGNER_REFUSED


def test_a_refusal_of_a_consensus_message_is_nobodys_reason() -> None:
    machine = decided()
    draft = QbftDraft(QbftMessage.decode(DECIDED.ssv_message.data))
    machine.step(Refused(draft, DenialReason.SECOND_ROOT), AT)
    assert machine.missed_reason(A) is MissedReason.NO_PARTIAL_QUORUM


def test_an_answer_that_names_no_bad_operator_and_no_signature_is_final() -> None:
    machine = decided(attester(A))
    for operator in (1, 2):
        receive(machine, shares_of(machine, operator))
    (job,) = receive(machine, shares_of(machine, 3))
    assert isinstance(job, Combine)
    answer = CombinedAll(tuple(Combined(item.validator_index, item.root, None) for item in job.items))
    (report,) = machine.step(answer, AT)
    assert isinstance(report, Report)
    assert receive(machine, shares_of(machine, 4)) == []


def test_the_share_keys_of_the_whole_committee_go_into_the_batch() -> None:
    machine = decided(attester(A), at_seat=seat())
    for operator in (1, 2):
        receive(machine, shares_of(machine, operator))
    (job,) = receive(machine, shares_of(machine, 3))
    assert isinstance(job, Combine)
    assert job.items[0].share_pubkeys == {
        OperatorId(operator): key.public_key() for operator, key in share_keys(A).items()
    }


def test_a_refusal_names_the_kind_of_duty_that_it_is_of() -> None:
    machine = decided(attester(A), sync_member(A))
    draft = PostConsensusDraft(message_id(), CLOCK, DECIDED, machine.duty.validator_duties)
    machine.step(Refused(draft, DenialReason.DOUBLE_VOTE, A, BeaconRole.ATTESTER), AT)
    assert machine.missed_reason(A, BeaconRole.ATTESTER) is MissedReason.SIGNER_REFUSED
    assert machine.missed_reason(A, BeaconRole.SYNC_COMMITTEE) is MissedReason.NO_PARTIAL_QUORUM
