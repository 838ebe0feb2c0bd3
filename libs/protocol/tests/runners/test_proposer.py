"""The proposer runner, hand-fed from its RANDAO reveal to its submission. This operator is 1 of 4."""

from dataclasses import replace

import pytest
from libs.protocol.tests.runners.validator_world import (
    AT,
    Qbft,
    combine_all,
    duty,
    full_block,
    partial,
    receive,
    refusal,
    seat,
    value_of,
)
from libs.protocol.tests.runners.world import A, B, share, validator_key
from libs.protocol.tests.signing.world import CHAIN, CLOCK, NETWORK
from libs.protocol.tests.types.samples import SIGNATURE

from ssv_protocol.crypto import bls
from ssv_protocol.effects import (
    Effect,
    FetchBlock,
    FetchedBlock,
    FetchFailed,
    Finish,
    PostConsensusDraft,
    PreConsensusDraft,
    QbftDraft,
    RandaoReveal,
    Refused,
    Report,
    Send,
    SetTimer,
    Submit,
    TimerFired,
)
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.runners.ledger import MissedReason
from ssv_protocol.runners.proposer import ProposerRunner
from ssv_protocol.runners.proposer_check import decode_value
from ssv_protocol.runners.runner import Progress
from ssv_protocol.runners.seats import ValidatorSeat
from ssv_protocol.signing.objects import block_object, pre_consensus_root
from ssv_protocol.signing.verdict import DenialReason
from ssv_protocol.types.beacon.block_proposal import BlockProposal
from ssv_protocol.types.ids import Epoch, Instant, OperatorId, Root, Round, Slot
from ssv_protocol.types.roles import BeaconRole, PartialSignatureType, QbftMessageType, RunnerRole

DUTY = duty(BeaconRole.PROPOSER)
BLOCK, OTHER = full_block(), full_block(graffiti=b"\x07" * 32)
REVEAL = RandaoReveal(A, validator_key(A).public_key(), CHAIN.epoch_of(CLOCK))
REVEAL_ROOT = pre_consensus_root(CHAIN, CLOCK, REVEAL)
ROUND_S = NETWORK.quick_timeout_at(CLOCK, RunnerRole.PROPOSER)
RANDAO, POST = PartialSignatureType.RANDAO, PartialSignatureType.POST_CONSENSUS


def runner(at_seat: ValidatorSeat | None = None) -> ProposerRunner:
    return ProposerRunner(at_seat or seat(), DUTY)


def asked(machine: ProposerRunner) -> FetchBlock:
    """Bring the machine to where it asks for a block."""
    effects: list[Effect] = []
    for operator in (1, 2, 3):
        effects = receive(machine, partial(machine, operator, REVEAL_ROOT, RANDAO))
    (fetch,) = combine_all(machine, effects)
    assert isinstance(fetch, FetchBlock)
    return fetch


def proposing(at_seat: ValidatorSeat | None = None, block: BlockProposal = BLOCK) -> ProposerRunner:
    machine = runner(at_seat)
    machine.step(FetchedBlock(asked(machine), block), AT)
    return machine


def decided(
    at_seat: ValidatorSeat | None = None, block: BlockProposal = BLOCK, *, value: BlockProposal | None = None
) -> ProposerRunner:
    """Bring the machine, whose own node built `block`, to the decision of `value`."""
    machine = proposing(at_seat, block)
    receive(machine, Qbft(machine.message_id, value_of(value or block.blind())).decided())
    return machine


def block_root(proposal: BlockProposal = BLOCK) -> Root:
    return block_object(CHAIN, CLOCK, proposal, DUTY).signing_root


def submitted(machine: ProposerRunner, root: Root) -> Submit:
    effects: list[Effect] = []
    for operator in (2, 3, 4):
        effects = receive(machine, partial(machine, operator, root, POST))
    submit, finish = combine_all(machine, effects)
    assert isinstance(submit, Submit)
    assert isinstance(finish, Finish)
    return submit


def test_it_begins_with_the_reveal_of_its_epoch() -> None:
    machine = runner()
    assert machine.start() == [Send(PreConsensusDraft(machine.message_id, CLOCK, RANDAO, (REVEAL,)))]
    assert machine.missed_reason(A) is MissedReason.NO_PARTIAL_QUORUM


def test_a_quorum_of_reveals_asks_for_a_block_with_the_validators_own_reveal() -> None:
    graffiti = b"ssv".ljust(32, b"\x00")
    machine = runner(replace(seat(proposer_delay_s=0.3), share=replace(share(A), graffiti=graffiti)))
    fetch = asked(machine)
    assert (fetch.slot, fetch.graffiti) == (CLOCK, graffiti)
    assert fetch.not_before == Instant(CHAIN.slot_start(CLOCK) + 0.3)
    assert bls.verify(validator_key(A).public_key(), REVEAL_ROOT, fetch.randao_reveal)
    assert machine.missed_reason(A) is MissedReason.NO_BLOCK
    assert receive(machine, partial(machine, 4, REVEAL_ROOT, RANDAO)) == [], "one block is asked for once"


def test_a_bad_reveal_is_thrown_out_and_the_next_good_one_tries_again() -> None:
    machine = runner()
    receive(machine, partial(machine, 1, REVEAL_ROOT, RANDAO))
    receive(machine, partial(machine, 2, REVEAL_ROOT, RANDAO, good=False))
    (report,) = combine_all(machine, receive(machine, partial(machine, 3, REVEAL_ROOT, RANDAO)))
    assert report == Report(Reason.RECONSTRUCT_SIGNATURE, f"root {REVEAL_ROOT.hex()}", A, frozenset({OperatorId(2)}))
    assert machine.missed_reason(A) is MissedReason.RECONSTRUCTION_FAILED
    (fetch,) = combine_all(machine, receive(machine, partial(machine, 4, REVEAL_ROOT, RANDAO)))
    assert isinstance(fetch, FetchBlock)


def test_reveals_must_be_of_this_duty() -> None:
    machine = runner()
    other_root = pre_consensus_root(CHAIN, CLOCK, replace(REVEAL, epoch=Epoch(REVEAL.epoch + 1)))
    for signed, reason in (
        (partial(machine, 2, other_root, RANDAO), Reason.WRONG_SIGNING_ROOT),
        (partial(machine, 2, REVEAL_ROOT, RANDAO, index=B), Reason.UNKNOWN_VALIDATOR_INDEX),
        (partial(machine, 2, REVEAL_ROOT, RANDAO, times=2), Reason.WRONG_ROOTS_COUNT),
        (partial(machine, 2, REVEAL_ROOT, RANDAO, slot=Slot(CLOCK - 1)), Reason.PARTIAL_SIGNATURE_PAST_SLOT),
        (partial(machine, 2, REVEAL_ROOT, RANDAO, slot=Slot(CLOCK + 1)), Reason.PARTIAL_SIGNATURE_FUTURE_SLOT),
        (partial(machine, 9, REVEAL_ROOT, RANDAO, good=False), Reason.SIGNER_NOT_IN_COMMITTEE),
    ):
        assert refusal(machine, signed) is reason


def test_no_block_is_reported() -> None:
    machine = runner()
    fetch = asked(machine)
    assert machine.step(FetchFailed(fetch, "no node"), AT) == [Report(Reason.FETCH_FAILED, "no node", A)]
    assert machine.missed_reason(A) is MissedReason.NO_BLOCK


@pytest.mark.parametrize("blinded", [True, False])
def test_the_leader_proposes_in_the_form_that_its_seat_says(blinded: bool) -> None:
    own = Slot(CLOCK + 1)  # whose first leader is operator 1
    machine = ProposerRunner(seat(propose_blinded=blinded), replace(DUTY, slot=own))
    at = Instant(CHAIN.slot_start(own) + 0.5)
    block = full_block(own)
    timer, proposal = machine.step(FetchedBlock(FetchBlock(own, SIGNATURE, b""), block), at)
    assert timer == SetTimer(Round(1), Instant(at + ROUND_S)), "a proposal's rounds are timed from when they begin"
    assert isinstance(proposal, Send)
    assert isinstance(proposal.draft, QbftDraft)
    assert decode_value(proposal.draft.full_data).proposal() == (block.blind() if blinded else block)
    assert machine.missed_reason(A) is MissedReason.NO_PROPOSAL


def test_the_decision_is_signed_and_submitted_in_full_by_whoever_built_the_block() -> None:
    machine = proposing()
    decision = Qbft(machine.message_id, value_of(BLOCK.blind())).decided()
    (send,) = receive(machine, decision)
    assert send == Send(PostConsensusDraft(machine.message_id, CLOCK, decision, (DUTY,)))
    submit = submitted(machine, block_root())
    (signed,) = submit.proposals
    assert signed.proposal == BLOCK, "the full block is swapped back"
    assert bls.verify(validator_key(A).public_key(), block_root(BLOCK.blind()), signed.signature)
    assert machine.finished
    assert machine.missed_reason(A) is None


def test_a_seat_that_proposes_full_blocks_submits_a_blinded_one_as_it_was_decided() -> None:
    (signed,) = submitted(decided(seat(propose_blinded=False)), block_root()).proposals
    assert signed.proposal == BLOCK.blind()


def test_blocks_of_other_slots_pass_only_where_the_seat_allows_them() -> None:
    other = full_block(Slot(CLOCK + 1))
    machine = decided(seat(same_slot=False), value=other)
    (signed,) = submitted(machine, block_root(other)).proposals
    assert signed.proposal == other


@pytest.mark.parametrize("value", [OTHER, OTHER.blind()], ids=["full", "blinded"])
def test_another_operators_block_is_submitted_as_it_was_decided(value: BlockProposal) -> None:
    (signed,) = submitted(decided(value=value), block_root(value)).proposals
    assert signed.proposal == value


def test_a_decision_of_several_rounds_of_messages() -> None:
    machine = proposing()
    qbft = Qbft(machine.message_id, value_of(OTHER.blind()))
    (prepare,) = [e for e in receive(machine, qbft.message(4, QbftMessageType.PROPOSAL)) if isinstance(e, Send)]
    assert isinstance(prepare.draft, QbftDraft)
    assert prepare.draft.message.msg_type == QbftMessageType.PREPARE
    assert machine.missed_reason(A) is MissedReason.NO_PREPARE_QUORUM
    for operator in (2, 3, 4):
        receive(machine, qbft.message(operator, QbftMessageType.PREPARE))
    assert machine.missed_reason(A) is MissedReason.NO_COMMIT_QUORUM
    for operator in (2, 3):
        assert receive(machine, qbft.message(operator, QbftMessageType.COMMIT)) == []
    effects = receive(machine, qbft.message(4, QbftMessageType.COMMIT))
    assert isinstance(effects[-1], Send)
    assert isinstance(effects[-1].draft, PostConsensusDraft)
    assert refusal(machine, qbft.message(1, QbftMessageType.COMMIT)) is Reason.CONSENSUS_FINISHED
    assert machine.missed_reason(A) is MissedReason.NO_PARTIAL_QUORUM


def test_a_round_whose_time_is_over_is_left_once() -> None:
    machine = proposing()
    effects = machine.step(TimerFired(Round(1)), Instant(AT + ROUND_S))
    assert SetTimer(Round(2), Instant(AT + 2 * ROUND_S)) in effects
    assert machine.step(TimerFired(Round(1)), Instant(AT + ROUND_S)) == []


def test_after_the_last_round_nothing_is_asked_for_but_a_decision_still_counts() -> None:
    machine = proposing()
    machine.step(TimerFired(Round(1)), Instant(AT + ROUND_S))
    assert machine.missed_reason(A) is MissedReason.NO_PROPOSAL
    assert machine.step(TimerFired(Round(2)), Instant(AT + 2 * ROUND_S)) == []
    assert machine.missed_reason(A) is MissedReason.ROUNDS_EXHAUSTED
    effects = receive(machine, Qbft(machine.message_id, value_of(OTHER.blind()), round=2).decided())
    assert isinstance(effects[-1], Send)
    assert isinstance(effects[-1].draft, PostConsensusDraft)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"\x01", Reason.PROPOSER_DATA_DECODE),
        (value_of(full_block(Slot(CLOCK + 1))), Reason.VALUE_INVALID),
        (value_of(full_block(Slot(CLOCK + 1)), replace(DUTY, slot=Slot(CLOCK + 1))), Reason.VALUE_INVALID),
        (value_of(BLOCK, replace(DUTY, validator_index=B)), Reason.DUTY_VALIDATOR_INDEX),
    ],
)
def test_a_decided_value_that_fails_the_own_check_leads_to_silence(value: bytes, reason: Reason) -> None:
    machine = proposing()
    assert refusal(machine, Qbft(machine.message_id, value).decided()) is reason
    assert machine.missed_reason(A) is MissedReason.VALUE_REFUSED
    assert refusal(machine, partial(machine, 2, block_root(), POST)) is Reason.NO_DECIDED_VALUE


def test_a_slashable_block_is_neither_proposed_nor_signed() -> None:
    machine = runner(seat(slashable=lambda slot: slot == CLOCK))
    fetch = asked(machine)
    with pytest.raises(ProtocolError) as caught:
        machine.step(FetchedBlock(fetch, BLOCK), AT)
    assert caught.value.reason is Reason.SLASHABLE_BLOCK
    assert machine.missed_reason(A) is MissedReason.VALUE_REFUSED


def test_block_signatures_must_be_over_the_decided_block() -> None:
    machine = decided()
    assert refusal(machine, partial(machine, 2, block_root(OTHER), POST)) is Reason.WRONG_SIGNING_ROOT
    assert refusal(machine, partial(machine, 2, block_root(), POST, times=2)) is Reason.WRONG_ROOTS_COUNT


def test_a_bad_block_signature_delays_but_does_not_lose_the_block() -> None:
    machine = decided()
    receive(machine, partial(machine, 2, block_root(), POST, good=False))
    receive(machine, partial(machine, 3, block_root(), POST))
    (report,) = combine_all(machine, receive(machine, partial(machine, 4, block_root(), POST)))
    assert isinstance(report, Report)
    assert report.operators == {2}
    submit, _ = combine_all(machine, receive(machine, partial(machine, 1, block_root(), POST)))
    assert isinstance(submit, Submit)


def test_what_comes_after_the_submission_is_refused() -> None:
    machine = decided()
    submitted(machine, block_root())
    assert refusal(machine, partial(machine, 1, block_root(), POST)) is Reason.DUTY_FINISHED
    assert refusal(machine, partial(machine, 1, REVEAL_ROOT, RANDAO)) is Reason.DUTY_FINISHED


@pytest.mark.parametrize("phase", [RANDAO, POST])
def test_a_refusal_of_the_signer_is_the_reason_of_a_missed_block(phase: PartialSignatureType) -> None:
    machine = runner() if phase is RANDAO else proposing()
    effects = (
        machine.start()
        if phase is RANDAO
        else receive(machine, Qbft(machine.message_id, value_of(BLOCK.blind())).decided())
    )
    (send,) = effects
    assert isinstance(send, Send)
    assert machine.step(Refused(send.draft, DenialReason.WAITING), AT) == []
    assert machine.missed_reason(A) is MissedReason.SIGNER_REFUSED


def test_a_duty_is_taken_up_after_its_decision() -> None:
    before = decided()
    instance = before.consensus.instance
    machine = runner()
    machine.resume(Progress(instance=instance, decided_value=value_of(BLOCK.blind())))
    (signed,) = submitted(machine, block_root()).proposals
    assert signed.proposal == BLOCK.blind(), "who has lost the full block submits the decided one"
