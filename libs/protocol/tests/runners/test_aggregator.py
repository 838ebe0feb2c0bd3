"""Alan's aggregator, hand-fed from its selection proof to its submission. This operator is 1 of 4."""

from dataclasses import replace

import pytest
from libs.protocol.tests.runners.aggregation_world import (
    EVERYBODY,
    NOBODY,
    aggregate,
    aggregator,
    combined,
    proof_keys,
    signatures,
    slot_selection,
)
from libs.protocol.tests.runners.validator_world import AT, Qbft, partial, receive, refusal, seat
from libs.protocol.tests.runners.world import LED_BY_US, A, B, validator_key
from libs.protocol.tests.signing.world import CHAIN, CLOCK
from libs.protocol.tests.types.samples import SIGNATURE

from ssv_protocol.beacon_chain import BeaconFork
from ssv_protocol.crypto import bls
from ssv_protocol.effects import (
    Effect,
    FetchAggregateAndProof,
    FetchedAggregateAndProof,
    FetchFailed,
    Finish,
    PostConsensusDraft,
    PreConsensusDraft,
    QbftDraft,
    Refused,
    Report,
    Send,
    SetTimer,
    Submit,
    TimerFired,
)
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.runners.aggregator import AggregatorRunner
from ssv_protocol.runners.ledger import MissedReason
from ssv_protocol.runners.runner import Progress
from ssv_protocol.runners.selection import Selection
from ssv_protocol.signing.objects import aggregate_object
from ssv_protocol.signing.verdict import DenialReason
from ssv_protocol.types.beacon.attestation import ElectraAggregateAndProof
from ssv_protocol.types.duty import ValidatorDuty
from ssv_protocol.types.ids import BlsSignature, OperatorId, Root, Round, Slot
from ssv_protocol.types.partial_signatures import PartialSignatures
from ssv_protocol.types.roles import PartialSignatureType, QbftMessageType
from ssv_protocol.types.validator_data import ValidatorConsensusData

PROOF, POST = PartialSignatureType.SELECTION_PROOF, PartialSignatureType.POST_CONSENSUS
DECIDED = ElectraAggregateAndProof(A, aggregate(2), SIGNATURE)


def runner(selection: Selection = EVERYBODY, slot: Slot = CLOCK) -> AggregatorRunner:
    return AggregatorRunner(seat(selection=selection), aggregator(A, slot))


def value_of(slot: Slot = CLOCK) -> bytes:
    return ValidatorConsensusData(aggregator(A, slot), BeaconFork.FULU, DECIDED.encode()).encode()


def proofs(machine: AggregatorRunner, *operators: int) -> list[Effect]:
    effects: list[Effect] = []
    for operator in operators:
        wanted = proof_keys(slot_selection(A, machine.duty.slot), slot=machine.duty.slot)
        effects = receive(machine, signatures(machine, operator, wanted, PROOF))
    return effects


def asked(machine: AggregatorRunner) -> FetchAggregateAndProof:
    """Bring the machine to where it asks for its aggregate."""
    (fetch,) = combined(machine, proofs(machine, 1, 2, 3))
    assert isinstance(fetch, FetchAggregateAndProof)
    return fetch


def proposing(slot: Slot = CLOCK) -> tuple[AggregatorRunner, list[Effect]]:
    machine = runner(slot=slot)
    return machine, machine.step(FetchedAggregateAndProof(asked(machine), DECIDED), AT)


def decided() -> AggregatorRunner:
    machine, _ = proposing()
    receive(machine, Qbft(machine.message_id, value_of()).decided())
    return machine


def post_root() -> Root:
    return aggregate_object(CHAIN, CLOCK, DECIDED, aggregator(A, CLOCK)).signing_root


def test_it_begins_with_a_signature_over_its_slot() -> None:
    machine = runner()
    draft = PreConsensusDraft(machine.message_id, CLOCK, PROOF, (slot_selection(A, CLOCK),))
    assert machine.start() == [Send(draft)]
    assert machine.missed_reason(A) is MissedReason.NO_PARTIAL_QUORUM


def test_a_selected_validator_asks_for_its_committees_aggregate_at_two_thirds_of_the_slot() -> None:
    machine = runner()
    fetch = asked(machine)
    assert (fetch.slot, fetch.committee_index, fetch.aggregator_index) == (CLOCK, 2, A)
    assert fetch.not_before == CHAIN.in_slot(CLOCK, 2 / 3)
    ((_, root),) = proof_keys(slot_selection(A, CLOCK), slot=CLOCK)
    assert bls.verify(validator_key(A).public_key(), root, fetch.selection_proof)
    assert machine.missed_reason(A) is MissedReason.NO_AGGREGATE
    assert proofs(machine, 4) == [], "one aggregate is asked for once"


def test_a_validator_that_is_not_selected_is_done() -> None:
    machine = runner(NOBODY)
    assert combined(machine, proofs(machine, 1, 2, 3)) == [Finish()]
    assert machine.finished
    assert machine.missed_reason(A) is None
    ((_, root),) = proof_keys(slot_selection(A, CLOCK), slot=CLOCK)
    assert refusal(machine, partial(machine, 4, root, PROOF)) is Reason.DUTY_FINISHED


def test_the_proof_and_the_size_of_the_committee_decide() -> None:
    asked_about: list[tuple[ValidatorDuty, BlsSignature]] = []

    def is_aggregator(duty: ValidatorDuty, proof: BlsSignature) -> bool:
        asked_about.append((duty, proof))
        return False

    machine = runner(replace(EVERYBODY, is_aggregator=is_aggregator))
    combined(machine, proofs(machine, 1, 2, 3))
    ((duty, proof),) = asked_about
    assert duty == machine.duty
    ((_, root),) = proof_keys(slot_selection(A, CLOCK), slot=CLOCK)
    assert bls.verify(validator_key(A).public_key(), root, proof)


def test_a_bad_proof_is_thrown_out_and_the_next_good_one_tries_again() -> None:
    machine = runner()
    ((_, root),) = proof_keys(slot_selection(A, CLOCK), slot=CLOCK)
    receive(machine, partial(machine, 1, root, PROOF))
    receive(machine, partial(machine, 2, root, PROOF, good=False))
    (report,) = combined(machine, receive(machine, partial(machine, 3, root, PROOF)))
    assert report == Report(Reason.RECONSTRUCT_SIGNATURE, f"root {root.hex()}", A, frozenset({OperatorId(2)}))
    (fetch,) = combined(machine, receive(machine, partial(machine, 4, root, PROOF)))
    assert isinstance(fetch, FetchAggregateAndProof)


def test_the_fetched_aggregate_is_proposed_by_the_leader_and_timed_by_all() -> None:
    machine, effects = proposing()
    deadline = CHAIN.in_slot(CLOCK, 2 / 3) + machine.seat.network.ssv.quick_timeout_s
    (timer,) = effects
    assert isinstance(timer, SetTimer)
    assert timer.deadline == pytest.approx(deadline)
    machine, effects = proposing(LED_BY_US)
    proposal = next(effect.draft for effect in effects if isinstance(effect, Send))
    assert isinstance(proposal, QbftDraft)
    assert proposal.message.msg_type == QbftMessageType.PROPOSAL
    assert proposal.full_data == value_of(LED_BY_US)


def test_a_round_without_a_decision_is_left() -> None:
    machine, _ = proposing()
    (round_change,) = [effect.draft for effect in machine.step(TimerFired(Round(1)), AT) if isinstance(effect, Send)]
    assert isinstance(round_change, QbftDraft)
    assert round_change.message.msg_type == QbftMessageType.ROUND_CHANGE
    assert machine.missed_reason(A) is MissedReason.NO_PROPOSAL


def test_no_aggregate_is_a_reason_to_miss_the_duty() -> None:
    machine = runner()
    fetch = asked(machine)
    assert machine.step(FetchFailed(fetch, "timeout"), AT) == [Report(Reason.FETCH_FAILED, "timeout", A)]
    assert machine.missed_reason(A) is MissedReason.NO_AGGREGATE
    assert not machine.consensus.started


def test_a_second_answer_changes_nothing() -> None:
    machine = runner()
    fetch = asked(machine)
    machine.step(FetchedAggregateAndProof(fetch, DECIDED), AT)
    assert machine.step(FetchedAggregateAndProof(fetch, DECIDED), AT) == []


def test_a_decision_is_signed_and_submitted_once() -> None:
    machine, _ = proposing()
    commit = Qbft(machine.message_id, value_of()).decided()
    assert receive(machine, commit) == [Send(PostConsensusDraft(machine.message_id, CLOCK, commit, (machine.duty,)))]
    assert machine.missed_reason(A) is MissedReason.NO_PARTIAL_QUORUM
    effects: list[Effect] = []
    for operator in (2, 3, 4):
        effects = receive(machine, partial(machine, operator, post_root(), POST))
    submit, finish = combined(machine, effects)
    assert isinstance(submit, Submit)
    (signed,) = submit.aggregates
    assert signed.message == DECIDED
    assert bls.verify(validator_key(A).public_key(), post_root(), signed.signature)
    assert finish == Finish()
    assert machine.finished
    assert machine.missed_reason(A) is None
    assert refusal(machine, partial(machine, 1, post_root(), POST)) is Reason.DUTY_FINISHED
    assert refusal(machine, Qbft(machine.message_id, value_of()).message(2, QbftMessageType.PREPARE)) is (
        Reason.INSTANCE_DECIDED
    )


def test_a_decision_that_comes_before_the_own_value_is_too_early_and_counts_afterwards() -> None:
    machine = runner()
    fetch = asked(machine)
    commit = Qbft(machine.message_id, value_of()).decided()
    assert refusal(machine, commit) is Reason.FUTURE_MESSAGE
    machine.step(FetchedAggregateAndProof(fetch, DECIDED), AT)
    assert receive(machine, commit) == [Send(PostConsensusDraft(machine.message_id, CLOCK, commit, (machine.duty,)))]


def test_share_signatures_wait_for_the_decision_and_must_be_over_it() -> None:
    machine, _ = proposing()
    assert refusal(machine, partial(machine, 2, post_root(), POST)) is Reason.NO_DECIDED_VALUE
    machine = decided()
    assert refusal(machine, partial(machine, 2, Root(b"\x01" * 32), POST)) is Reason.WRONG_SIGNING_ROOT
    assert refusal(machine, partial(machine, 2, post_root(), POST, index=B)) is Reason.UNKNOWN_VALIDATOR_INDEX


def test_a_decision_for_another_slot_is_not_signed() -> None:
    machine, _ = proposing()
    commit = Qbft(machine.message_id, value_of(Slot(CLOCK - 1))).decided()
    with pytest.raises(ProtocolError) as refused:
        receive(machine, commit)
    assert refused.value.reason is Reason.VALUE_INVALID
    assert machine.consensus.decided is None
    assert machine.missed_reason(A) is MissedReason.VALUE_REFUSED


def test_a_denied_signature_is_the_reason_when_the_duty_is_missed() -> None:
    machine = runner()
    (send,) = machine.start()
    assert isinstance(send, Send)
    assert machine.step(Refused(send.draft, DenialReason.WAITING), AT) == []
    assert machine.missed_reason(A) is MissedReason.SIGNER_REFUSED
    machine = decided()
    draft = PostConsensusDraft(machine.message_id, CLOCK, Qbft(machine.message_id, value_of()).decided(), ())
    machine.step(Refused(draft, DenialReason.WAITING), AT)
    assert machine.missed_reason(A) is MissedReason.SIGNER_REFUSED


def test_a_duty_in_mid_course_goes_on_where_it_was() -> None:
    before = decided()
    effects = receive(before, partial(before, 2, post_root(), POST))
    assert effects == []
    stored = PartialSignatures.decode(partial(before, 2, post_root(), POST).ssv_message.data).messages
    machine = AggregatorRunner(seat(selection=EVERYBODY), before.duty, before.consensus.lane)
    machine.resume(Progress(post_consensus=stored, instance=before.consensus.instance, decided_value=value_of()))
    receive(machine, partial(machine, 3, post_root(), POST))
    submit, _ = combined(machine, receive(machine, partial(machine, 4, post_root(), POST)))
    assert isinstance(submit, Submit)
    machine = runner()
    machine.resume(Progress(finished=True))
    assert machine.missed_reason(A) is None
