"""Boole's aggregator committee, hand-fed from its selection proofs to its submissions. This operator is 1 of 4."""

from dataclasses import replace

import pytest
from libs.protocol.tests.runners.aggregation_world import (
    AT,
    BOOLE,
    EVERYBODY,
    NOBODY,
    Key,
    aggregator,
    answer,
    combined,
    contributor,
    proof_keys,
    seat,
    signatures,
    slot_selection,
    sync_selection,
)
from libs.protocol.tests.runners.validator_world import Qbft, receive, refusal
from libs.protocol.tests.runners.world import STRANGER, A, B, validator_key
from libs.protocol.tests.signing.world import CHAIN

from ssv_protocol.crypto import bls
from ssv_protocol.effects import (
    Combine,
    Effect,
    Fetch,
    FetchAggregate,
    FetchBlockRoot,
    FetchContribution,
    FetchFailed,
    Finish,
    PostConsensusDraft,
    PreConsensusDraft,
    Refused,
    Report,
    Send,
    Submit,
    TimerFired,
)
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.runners.aggregator_committee import AggregatorCommitteeRunner
from ssv_protocol.runners.aggregator_data_check import decode_aggregator_data
from ssv_protocol.runners.ledger import MissedReason
from ssv_protocol.runners.runner import Progress
from ssv_protocol.runners.selection import Selection
from ssv_protocol.signing.objects import aggregator_committee_objects
from ssv_protocol.signing.verdict import DenialReason
from ssv_protocol.types.duty import AggregatorCommitteeDuty, ValidatorDuty
from ssv_protocol.types.ids import BlsSignature, OperatorId, Root, Round, Slot
from ssv_protocol.types.partial_signatures import PartialSignatures
from ssv_protocol.types.roles import BeaconRole, PartialSignatureType, QbftMessageType

PROOFS, POST = PartialSignatureType.AGGREGATOR_COMMITTEE, PartialSignatureType.POST_CONSENSUS
BOTH = (aggregator(A), contributor(A), aggregator(B))
ITEMS = (slot_selection(A), sync_selection(0), sync_selection(1), slot_selection(B))
KEYS = proof_keys(*ITEMS)
SLOT_A, SUB_0, SUB_1, SLOT_B = KEYS


def runner(*duties: ValidatorDuty, selection: Selection = EVERYBODY) -> AggregatorCommitteeRunner:
    return AggregatorCommitteeRunner(seat(selection), AggregatorCommitteeDuty(BOOLE, duties or BOTH))


def proofs(machine: AggregatorCommitteeRunner, *operators: int, keys: list[Key] = KEYS) -> list[Effect]:
    effects: list[Effect] = []
    for operator in operators:
        effects = receive(machine, signatures(machine, operator, keys, PROOFS))
    return effects


def fetched(machine: AggregatorCommitteeRunner, questions: list[Effect]) -> list[Effect]:
    """Answer every question, and those that come of it; return what is not a question."""
    effects: list[Effect] = []
    for question in questions:
        if isinstance(question, FetchAggregate | FetchBlockRoot | FetchContribution):
            effects += fetched(machine, machine.step(answer(question), AT))
        else:
            effects.append(question)
    return effects


def proposing(*duties: ValidatorDuty, selection: Selection = EVERYBODY) -> AggregatorCommitteeRunner:
    machine = runner(*duties, selection=selection)
    fetched(machine, combined(machine, proofs(machine, 1, 2, 3)))
    return machine


def proposed(machine: AggregatorCommitteeRunner) -> bytes:
    assert machine.consensus.instance is not None
    value = machine.consensus.instance.state.start_value
    assert value is not None
    return value


def decided(*duties: ValidatorDuty) -> AggregatorCommitteeRunner:
    machine = proposing(*duties)
    receive(machine, Qbft(machine.message_id, proposed(machine), BOOLE).decided())
    return machine


def post_keys(machine: AggregatorCommitteeRunner) -> list[Key]:
    """Aggregates first, as the value has them."""
    value = decode_aggregator_data(proposed(machine))
    objects = aggregator_committee_objects(CHAIN, BOOLE, value, machine.duty.validator_duties)
    return [(item.duty.validator_index, item.signing_root) for item in objects]


# the start


def test_it_begins_with_one_proof_for_each_validator_and_subcommittee() -> None:
    machine = runner(aggregator(A), contributor(A, seats=(3, 130, 5, 3)), aggregator(B))
    assert machine.start() == [Send(PreConsensusDraft(machine.message_id, BOOLE, PROOFS, ITEMS))]
    assert machine.missed_reason(A) is MissedReason.NO_PARTIAL_QUORUM


def test_validators_without_a_share_here_are_left_out() -> None:
    assert runner(aggregator(A), aggregator(STRANGER)).duty.validator_duties == (aggregator(A),)


def test_a_duty_without_proofs_is_done() -> None:
    machine = runner(contributor(A, seats=()))
    assert machine.start() == [Finish()]
    assert machine.missed_reason(A) is None


@pytest.mark.parametrize(
    ("duties", "expected"),
    [
        ((), Reason.NO_BEACON_DUTIES),
        ((aggregator(STRANGER),), Reason.NO_VALIDATOR_SHARES),
        ((replace(aggregator(A), committee_length=0),), Reason.DUTY_INVALID),
        ((aggregator(A, Slot(BOOLE + 1)), contributor(A)), Reason.AGGREGATOR_COMMITTEE_DUTY_INVALID),
        ((replace(aggregator(A), type=BeaconRole.ATTESTER),), Reason.AGGREGATOR_COMMITTEE_DUTY_INVALID),
    ],
)
def test_a_duty_that_is_none_is_refused(duties: tuple[ValidatorDuty, ...], expected: Reason) -> None:
    with pytest.raises(ProtocolError) as refused:
        AggregatorCommitteeRunner(seat(), AggregatorCommitteeDuty(BOOLE, duties)).start()
    assert refused.value.reason is expected


# selection


def test_proofs_are_combined_in_one_job_by_root_and_then_by_validator() -> None:
    machine = runner()
    (job,) = proofs(machine, 1, 2, 3)
    assert isinstance(job, Combine)
    keys = [(item.validator_index, item.root) for item in job.items]
    assert keys == sorted(KEYS, key=lambda key: (key[1], key[0]))


def test_what_the_selected_need_is_fetched_once_and_proposed() -> None:
    machine = runner()
    questions = combined(machine, proofs(machine, 1, 2, 3))
    assert questions == [
        FetchAggregate(BOOLE, 2, CHAIN.in_slot(BOOLE, 2 / 3)),
        FetchBlockRoot(BOOLE, CHAIN.in_slot(BOOLE, 1 / 3)),
    ]
    assert machine.missed_reason(A) is MissedReason.NO_AGGREGATE
    fetched(machine, questions)
    value = decode_aggregator_data(proposed(machine))
    assert [place.validator_index for place in value.aggregators] == [A, B]
    assert value.aggregator_committee_indexes == (2,)
    for (index, root), place in zip((SLOT_A, SLOT_B), value.aggregators, strict=True):
        assert bls.verify(validator_key(index).public_key(), root, place.selection_proof)
    subcommittees = [place.committee_index for place in value.contributors]
    assert subcommittees == [index for _, index in sorted([(SUB_0[1], 0), (SUB_1[1], 1)])]
    assert machine.missed_reason(A) is MissedReason.NO_PROPOSAL


def test_only_the_first_batch_that_selects_somebody_is_proposed() -> None:
    machine = runner()
    proofs(machine, 1, 2, keys=[SLOT_A])
    questions = combined(machine, proofs(machine, 3, keys=[SLOT_A]))
    for operator in (1, 2, 3):
        assert proofs(machine, operator, keys=[SLOT_B]) == [], "while something is fetched"
    fetched(machine, questions)
    assert [place.validator_index for place in decode_aggregator_data(proposed(machine)).aggregators] == [A]
    for operator in (1, 2, 3, 4):
        assert proofs(machine, operator, keys=[SLOT_B]) == [], "and once consensus runs"


def test_a_batch_that_selects_nobody_leaves_the_next_one_its_chance() -> None:
    only_b = replace(EVERYBODY, is_aggregator=lambda duty, proof: duty.validator_index == B)
    machine = runner(aggregator(A), aggregator(B), selection=only_b)
    proofs(machine, 1, 2, keys=[SLOT_A])
    assert combined(machine, proofs(machine, 3, keys=[SLOT_A])) == []
    assert not machine.finished
    assert machine.missed_reason(A) is None, "it was not selected"
    proofs(machine, 1, 2, keys=[SLOT_B])
    fetched(machine, combined(machine, proofs(machine, 3, keys=[SLOT_B])))
    assert [place.validator_index for place in decode_aggregator_data(proposed(machine)).aggregators] == [B]


def test_it_ends_when_every_proof_was_looked_at_and_none_selects() -> None:
    machine = runner(selection=NOBODY)
    assert combined(machine, proofs(machine, 1, 2, 3)) == [Finish()]
    assert machine.finished
    assert machine.missed_reason(A) is None
    assert refusal(machine, signatures(machine, 4, KEYS, PROOFS)) is Reason.DUTY_FINISHED


def test_it_ends_when_every_operator_was_heard_and_nobody_is_selected() -> None:
    machine = runner(selection=NOBODY)
    proofs(machine, 1, 2, keys=[SLOT_A])
    assert combined(machine, proofs(machine, 3, keys=[SLOT_A])) == []
    assert proofs(machine, 4, keys=[SLOT_B]) == [Finish()]
    assert machine.finished


def test_it_does_not_end_while_proofs_are_being_combined() -> None:
    machine = runner(aggregator(A))
    job = proofs(machine, 1, 2, 3, keys=[SLOT_A])
    assert proofs(machine, 4, keys=[SLOT_A]) == [], "all are heard, but the answer is not there"
    assert isinstance(combined(machine, job)[0], FetchAggregate)


def test_an_operator_whose_message_is_refused_was_heard_all_the_same() -> None:
    machine = runner(selection=NOBODY)
    proofs(machine, 1, 2, keys=[SLOT_A])
    signed = signatures(machine, 3, [SLOT_A], PROOFS)
    batch = replace(PartialSignatures.decode(signed.ssv_message.data), slot=Slot(BOOLE + 1))
    of_next_slot = replace(signed, ssv_message=replace(signed.ssv_message, data=batch.encode()))
    assert refusal(machine, of_next_slot) is Reason.PARTIAL_SIGNATURE_FUTURE_SLOT
    assert proofs(machine, 4, keys=[SLOT_B]) == [Finish()]


def test_unknown_validators_and_roots_are_stored_and_left_alone() -> None:
    machine = runner(aggregator(A))
    foreign: list[Key] = [(STRANGER, SLOT_A[1]), (A, Root(b"\x01" * 32)), SLOT_B]
    for operator in (1, 2, 3):
        assert proofs(machine, operator, keys=foreign) == []
    assert machine.pre_consensus.container.has_quorum(*foreign[0])
    (fetch,) = combined(machine, proofs(machine, 1, 2, 3, keys=[SLOT_A]))
    assert isinstance(fetch, FetchAggregate)


def test_a_bad_proof_of_one_validator_costs_no_other_its_place() -> None:
    machine = runner(aggregator(A), aggregator(B))
    proofs(machine, 1, keys=[SLOT_A, SLOT_B])
    receive(machine, signatures(machine, 2, [SLOT_A, SLOT_B], PROOFS, wrong=[SLOT_A]))
    report, fetch = combined(machine, proofs(machine, 3, keys=[SLOT_A, SLOT_B]))
    assert report == Report(Reason.RECONSTRUCT_SIGNATURE, f"root {SLOT_A[1].hex()}", A, frozenset({OperatorId(2)}))
    fetched(machine, [fetch])
    assert [place.validator_index for place in decode_aggregator_data(proposed(machine)).aggregators] == [B]


# fetching


def failing(machine: AggregatorCommitteeRunner, *lost: Fetch) -> list[Effect]:
    """Answer all questions but the lost ones."""
    effects: list[Effect] = []
    for question in combined(machine, proofs(machine, 1, 2, 3)):
        assert isinstance(question, FetchAggregate | FetchBlockRoot)
        effects += machine.step(FetchFailed(question) if question in lost else answer(question), AT)
    return effects


def test_a_failed_fetch_of_one_committee_costs_no_other_its_place() -> None:
    machine = runner(aggregator(A, committee=2), aggregator(B, committee=5))
    effects = failing(machine, FetchAggregate(BOOLE, 2, CHAIN.in_slot(BOOLE, 2 / 3)))
    assert effects[0] == Report(Reason.FETCH_FAILED, f"root {SLOT_A[1].hex()}", A)
    assert [place.validator_index for place in decode_aggregator_data(proposed(machine)).aggregators] == [B]
    receive(machine, Qbft(machine.message_id, proposed(machine), BOOLE).decided())
    assert machine.missed_reason(A) is MissedReason.LEFT_OUT


def test_when_every_fetch_fails_later_proofs_have_their_chance() -> None:
    due = CHAIN.in_slot(BOOLE, 2 / 3)
    machine = runner(aggregator(A), aggregator(B, committee=5))
    proofs(machine, 1, 2, keys=[SLOT_A])
    (question,) = combined(machine, proofs(machine, 3, keys=[SLOT_A]))
    assert question == FetchAggregate(BOOLE, 2, due)
    (report,) = machine.step(FetchFailed(question), AT)
    assert isinstance(report, Report)
    assert machine.missed_reason(A) is MissedReason.NO_AGGREGATE
    proofs(machine, 1, 2, keys=[SLOT_B])
    assert combined(machine, proofs(machine, 3, keys=[SLOT_B])) == [FetchAggregate(BOOLE, 5, due)]


def test_when_every_fetch_fails_and_all_were_heard_it_ends() -> None:
    machine = runner(aggregator(A), aggregator(B))
    proofs(machine, 1, keys=[SLOT_B])
    proofs(machine, 2, 3, keys=[SLOT_A])
    (question,) = combined(machine, proofs(machine, 4, keys=[SLOT_A]))
    assert isinstance(question, FetchAggregate)
    report, finish = machine.step(FetchFailed(question), AT)
    assert isinstance(report, Report)
    assert finish == Finish()


# consensus and after


def test_a_round_without_a_decision_is_left() -> None:
    machine = proposing()
    effects = machine.step(TimerFired(Round(1)), AT)
    assert any(isinstance(effect, Send) for effect in effects)


def test_a_decision_of_others_is_signed_for_all_that_are_ours_in_it() -> None:
    machine = proposing()
    commit = Qbft(machine.message_id, proposed(machine), BOOLE).decided()
    duties = machine.duty.validator_duties
    assert receive(machine, commit) == [Send(PostConsensusDraft(machine.message_id, BOOLE, commit, duties))]
    assert machine.missed_reason(A) is MissedReason.NO_PARTIAL_QUORUM
    assert refusal(machine, commit) is Reason.CONSENSUS_FINISHED


def test_a_decision_that_comes_before_the_own_value_is_too_early_and_counts_afterwards() -> None:
    machine = runner()
    commit = Qbft(machine.message_id, proposed(proposing()), BOOLE).decided()
    assert refusal(machine, commit) is Reason.FUTURE_MESSAGE
    fetched(machine, combined(machine, proofs(machine, 1, 2, 3)))
    assert any(isinstance(effect, Send) for effect in receive(machine, commit))


def test_a_decision_without_any_of_ours_is_the_end() -> None:
    stranger = decode_aggregator_data(proposed(proposing(aggregator(A))))
    machine = proposing(aggregator(B))
    commit = Qbft(machine.message_id, stranger.encode(), BOOLE).decided()
    assert receive(machine, commit) == [Finish()]
    assert not machine.finished, "the specification finishes only what it has submitted"
    assert machine.missed_reason(B) is MissedReason.LEFT_OUT


def test_a_decision_that_is_malformed_is_not_signed() -> None:
    machine = proposing()
    broken = replace(decode_aggregator_data(proposed(machine)), aggregators=(), contributors=())
    assert refusal(machine, Qbft(machine.message_id, broken.encode(), BOOLE).decided()) is Reason.AGGREGATOR_DATA_EMPTY
    assert refusal(machine, signatures(machine, 2, [SLOT_A], POST)) is Reason.NO_DECIDED_VALUE
    assert machine.missed_reason(A) is MissedReason.VALUE_REFUSED


def test_everything_decided_is_submitted_once_under_the_validators_own_signatures() -> None:
    machine = decided()
    keys = post_keys(machine)
    for operator in (2, 3):
        assert receive(machine, signatures(machine, operator, keys, POST)) == []
    submit, finish = combined(machine, receive(machine, signatures(machine, 4, keys, POST)))
    assert isinstance(submit, Submit)
    assert finish == Finish()
    value = decode_aggregator_data(proposed(machine))
    messages = (*value.aggregates_and_proofs(), *value.contributions_and_proofs())
    by_root = dict(zip((root for _, root in keys), messages, strict=True))
    submitted = (*submit.aggregates, *submit.contributions)
    assert len(submitted) == len(keys) == 4
    for signed in submitted:
        (root,) = [root for root, message in by_root.items() if message == signed.message]
        assert bls.verify(validator_key(signed.message.aggregator_index).public_key(), root, signed.signature)
    assert machine.finished
    assert machine.missed_reason(A) is None
    assert machine.missed_reason(B) is None
    assert refusal(machine, signatures(machine, 1, keys, POST)) is Reason.DUTY_FINISHED
    assert refusal(machine, Qbft(machine.message_id, proposed(machine), BOOLE).message(2, QbftMessageType.PREPARE)) is (
        Reason.INSTANCE_DECIDED
    )


def test_validators_are_submitted_as_they_become_ready() -> None:
    machine = decided(aggregator(A), aggregator(B))
    first, second = post_keys(machine)
    for operator in (2, 3):
        receive(machine, signatures(machine, operator, [first, second], POST))
    (submit,) = combined(machine, receive(machine, signatures(machine, 4, [first], POST)))
    assert isinstance(submit, Submit)
    assert [signed.message.aggregator_index for signed in submit.aggregates] == [first[0]]
    assert machine.missed_reason(first[0]) is None
    assert machine.missed_reason(second[0]) is MissedReason.NO_PARTIAL_QUORUM
    submit, finish = combined(machine, receive(machine, signatures(machine, 1, [second], POST)))
    assert isinstance(submit, Submit)
    assert finish == Finish()


def test_a_duty_whose_validator_was_left_out_ends_but_is_not_finished() -> None:
    only_a = proposed(proposing(aggregator(A), aggregator(B), selection=replace(EVERYBODY, is_aggregator=_is_a)))
    machine = proposing(aggregator(A), aggregator(B))
    receive(machine, Qbft(machine.message_id, only_a, BOOLE).decided())
    value = decode_aggregator_data(only_a)
    (item,) = aggregator_committee_objects(CHAIN, BOOLE, value, machine.duty.validator_duties)
    effects: list[Effect] = []
    for operator in (2, 3, 4):
        effects = receive(machine, signatures(machine, operator, [(A, item.signing_root)], POST))
    submit, finish = combined(machine, effects)
    assert isinstance(submit, Submit)
    assert finish == Finish()
    assert not machine.finished
    assert machine.missed_reason(A) is None
    assert machine.missed_reason(B) is MissedReason.LEFT_OUT


def _is_a(duty: ValidatorDuty, proof: BlsSignature) -> bool:
    return duty.validator_index == A


def test_a_bad_share_is_reported_and_holds_up_no_other_validator() -> None:
    machine = decided(aggregator(A), aggregator(B))
    keys = post_keys(machine)
    receive(machine, signatures(machine, 1, keys, POST))
    receive(machine, signatures(machine, 2, keys, POST, wrong=keys[:1]))
    submit, report = combined(machine, receive(machine, signatures(machine, 3, keys, POST)))
    assert isinstance(submit, Submit)
    assert [signed.message.aggregator_index for signed in submit.aggregates] == [keys[1][0]]
    assert isinstance(report, Report)
    assert report.reason is Reason.POST_CONSENSUS_INVALID_SIGNATURES
    assert report.operators == {OperatorId(2)}
    submit, finish = combined(machine, receive(machine, signatures(machine, 4, keys, POST)))
    assert isinstance(submit, Submit)
    assert finish == Finish()


def test_share_signatures_of_other_phases_are_refused() -> None:
    machine = decided()
    assert refusal(machine, signatures(machine, 2, KEYS, PartialSignatureType.RANDAO)) is Reason.MESSAGE_TYPE


def test_what_the_signer_denies_is_the_reason_for_that_validator_alone() -> None:
    machine = runner(aggregator(A), aggregator(B))
    (send,) = machine.start()
    assert isinstance(send, Send)
    machine.step(Refused(send.draft, DenialReason.WAITING, A), AT)
    assert machine.missed_reason(A) is MissedReason.SIGNER_REFUSED
    assert machine.missed_reason(B) is MissedReason.NO_PARTIAL_QUORUM
    machine = decided(aggregator(A), aggregator(B))
    commit = Qbft(machine.message_id, proposed(machine), BOOLE).decided()
    draft = PostConsensusDraft(machine.message_id, BOOLE, commit, machine.duty.validator_duties)
    machine.step(Refused(draft, DenialReason.TOO_OLD), AT)
    assert machine.missed_reason(A) is machine.missed_reason(B) is MissedReason.SIGNER_REFUSED


def test_a_duty_in_mid_course_goes_on_where_it_was() -> None:
    before = decided(aggregator(A))
    keys = post_keys(before)
    stored = PartialSignatures.decode(signatures(before, 2, keys, POST).ssv_message.data).messages
    machine = AggregatorCommitteeRunner(seat(), before.duty, before.consensus.lane)
    machine.resume(Progress(post_consensus=stored, instance=before.consensus.instance, decided_value=proposed(before)))
    assert proofs(machine, 1, 2, 3, keys=[SLOT_A]) == [], "consensus has begun"
    receive(machine, signatures(machine, 3, keys, POST))
    submit, _ = combined(machine, receive(machine, signatures(machine, 4, keys, POST)))
    assert isinstance(submit, Submit)
