"""The registration runner; operator 1 of 4 is ours."""

from dataclasses import replace

from libs.protocol.tests.runners.validator_world import (
    AT,
    Qbft,
    combine_all,
    duty,
    partial,
    receive,
    refusal,
    seat,
)
from libs.protocol.tests.runners.world import A, share, validator_key
from libs.protocol.tests.signing.world import CHAIN, CLOCK

from ssv_protocol.crypto import bls
from ssv_protocol.effects import Finish, PreConsensusDraft, Refused, Registration, Report, Send, Submit
from ssv_protocol.errors import Reason
from ssv_protocol.runners.ledger import MissedReason
from ssv_protocol.runners.one_signature import OneSignatureRunner
from ssv_protocol.runners.runner import Progress
from ssv_protocol.runners.validator_registration import registration_of, registration_runner
from ssv_protocol.signing.objects import pre_consensus_root
from ssv_protocol.signing.verdict import DenialReason
from ssv_protocol.types.beacon.registration import ValidatorRegistration
from ssv_protocol.types.ids import ExecutionAddress, OperatorId, Slot
from ssv_protocol.types.partial_signatures import PartialSignatures
from ssv_protocol.types.roles import BeaconRole, PartialSignatureType

DUTY = duty(BeaconRole.VALIDATOR_REGISTRATION)
KIND = PartialSignatureType.VALIDATOR_REGISTRATION
SEAT = replace(seat(gas_limit=36_000_123), share=replace(share(A), fee_recipient=ExecutionAddress(b"\x0f" * 20)))
EPOCH_START_S = int(CHAIN.slot_start(CHAIN.first_slot(CHAIN.epoch_of(CLOCK))))
EXPECTED = ValidatorRegistration(
    ExecutionAddress(b"\x0f" * 20), 36_000_123, EPOCH_START_S, validator_key(A).public_key()
)
ROOT = pre_consensus_root(CHAIN, CLOCK, Registration(A, EXPECTED))


def runner() -> OneSignatureRunner:
    return registration_runner(SEAT, DUTY)


def test_all_slots_of_an_epoch_register_the_same() -> None:
    first = CHAIN.first_slot(CHAIN.epoch_of(CLOCK))
    made = {registration_of(SEAT, replace(DUTY, slot=Slot(first + i))) for i in range(CHAIN.slots_per_epoch)}
    assert made == {EXPECTED}
    assert registration_of(SEAT, replace(DUTY, slot=Slot(first - 1))).timestamp < EPOCH_START_S


def test_it_begins_with_one_partial_signature() -> None:
    machine = runner()
    draft = PreConsensusDraft(machine.message_id, CLOCK, KIND, (Registration(A, EXPECTED),))
    assert machine.start() == [Send(draft)]
    assert machine.step(Refused(draft, DenialReason.WAITING), AT) == []
    assert machine.missed_reason(A) is MissedReason.SIGNER_REFUSED


def test_a_quorum_submits_the_signed_registration_once() -> None:
    machine = runner()
    for operator in (1, 2):
        assert receive(machine, partial(machine, operator, ROOT, KIND)) == []
    assert machine.missed_reason(A) is MissedReason.NO_PARTIAL_QUORUM
    submit, finish = combine_all(machine, receive(machine, partial(machine, 3, ROOT, KIND)))
    assert isinstance(submit, Submit)
    assert isinstance(finish, Finish)
    (signed,) = submit.registrations
    assert signed.message == EXPECTED
    assert bls.verify(validator_key(A).public_key(), ROOT, signed.signature)
    assert machine.missed_reason(A) is None
    assert refusal(machine, partial(machine, 4, ROOT, KIND)) is Reason.DUTY_FINISHED


def test_an_operator_with_another_gas_limit_is_refused() -> None:
    machine = runner()
    other = pre_consensus_root(CHAIN, CLOCK, Registration(A, replace(EXPECTED, gas_limit=30_000_000)))
    assert refusal(machine, partial(machine, 2, other, KIND)) is Reason.WRONG_SIGNING_ROOT


def test_a_bad_share_is_named_and_the_next_good_one_tries_again() -> None:
    machine = runner()
    receive(machine, partial(machine, 1, ROOT, KIND))
    receive(machine, partial(machine, 2, ROOT, KIND, good=False))
    (report,) = combine_all(machine, receive(machine, partial(machine, 3, ROOT, KIND)))
    assert isinstance(report, Report)
    assert report.operators == {2}
    assert machine.missed_reason(A) is MissedReason.RECONSTRUCTION_FAILED
    submit, _ = combine_all(machine, receive(machine, partial(machine, 4, ROOT, KIND)))
    assert isinstance(submit, Submit)


def test_there_is_no_consensus_and_nothing_after_it() -> None:
    machine = runner()
    assert refusal(machine, Qbft(machine.message_id, b"value").decided()) is Reason.NO_CONSENSUS_PHASE
    after = partial(machine, 2, ROOT, PartialSignatureType.POST_CONSENSUS)
    assert refusal(machine, after) is Reason.NO_POST_CONSENSUS_PHASE


def test_it_is_taken_up_in_mid_course() -> None:
    machine = runner()
    stored = [
        PartialSignatures.decode(partial(machine, operator, ROOT, KIND).ssv_message.data).messages[0]
        for operator in (OperatorId(2), OperatorId(3))
    ]
    machine.resume(Progress(pre_consensus=tuple(stored)))
    submit, _ = combine_all(machine, receive(machine, partial(machine, 1, ROOT, KIND)))
    assert isinstance(submit, Submit)
