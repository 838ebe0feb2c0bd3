"""A validator's duties: one lane for each role, a new duty in the place of the one before, never an older one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from libs.protocol.tests.runners.validator_world import AT, duty, seat
from libs.protocol.tests.runners.world import A, B, share_keys, validator_key
from libs.protocol.tests.signing.world import BOOLE_EPOCH, CHAIN, CLOCK, NETWORK, OPERATORS, keys

from ssv_protocol.effects import Combine, PreConsensusDraft, RandaoReveal, Send
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.runners.validator_duties import ValidatorDuties
from ssv_protocol.signing.objects import pre_consensus_root
from ssv_protocol.types.ids import BlsPublicKey, OperatorId, Slot
from ssv_protocol.types.message_id import validator_message_id
from ssv_protocol.types.messages import SignedSSVMessage, SSVMessage
from ssv_protocol.types.partial_signatures import PartialSignature, PartialSignatures
from ssv_protocol.types.roles import BeaconRole, MsgType, PartialSignatureType, RunnerRole

PUBKEY = validator_key(A).public_key()
RANDAO_ROOT = pre_consensus_root(CHAIN, CLOCK, RandaoReveal(A, PUBKEY, CHAIN.epoch_of(CLOCK)))


def randao(
    operator: int, *, role: RunnerRole = RunnerRole.PROPOSER, pubkey: BlsPublicKey = PUBKEY, signer: int | None = None
) -> SignedSSVMessage:
    """Return an operator's share of the RANDAO reveal; `signer` is whose RSA key signs it."""
    me = OperatorId(operator)
    item = PartialSignature(share_keys(A)[me].sign(RANDAO_ROOT), RANDAO_ROOT, me, A)
    content = PartialSignatures(PartialSignatureType.RANDAO, CLOCK, (item,))
    message_id = validator_message_id(NETWORK.domain_at(CLOCK), role, pubkey)
    message = SSVMessage(MsgType.PARTIAL_SIGNATURE, message_id, content.encode())
    return SignedSSVMessage((keys()[OperatorId(signer or operator)].sign(message),), (me,), message)


def refusal(duties: ValidatorDuties, signed: SignedSSVMessage) -> Reason:
    with pytest.raises(ProtocolError) as caught:
        duties.receive(signed, AT)
    return caught.value.reason


def refusal_to_start(duties: ValidatorDuties, role: BeaconRole, slot: Slot = CLOCK) -> Reason:
    with pytest.raises(ProtocolError) as caught:
        duties.start(duty(role, slot))
    return caught.value.reason


def test_a_proposal_begins_on_its_lane_and_takes_in_its_messages() -> None:
    duties = ValidatorDuties(seat())
    lane, effects = duties.start(duty(BeaconRole.PROPOSER))
    (send,) = effects
    assert isinstance(send, Send)
    assert isinstance(send.draft, PreConsensusDraft)
    assert send.draft.type is PartialSignatureType.RANDAO
    assert duties.lanes == {RunnerRole.PROPOSER: lane}
    for operator in OPERATORS[:2]:
        assert duties.receive(randao(operator), AT) == (lane, [])
    found, effects = duties.receive(randao(OPERATORS[2]), AT)
    assert found is lane
    assert isinstance(effects[0], Combine)


def test_a_later_duty_takes_the_place_of_an_unfinished_one() -> None:
    duties = ValidatorDuties(seat())
    lane, _ = duties.start(duty(BeaconRole.PROPOSER))
    before = lane.runner
    later = Slot(CLOCK + 1)
    again, _ = duties.start(duty(BeaconRole.PROPOSER, later))
    assert again is lane
    assert again.consensus is lane.consensus
    assert lane.runner is not before
    assert refusal(duties, randao(2)) == Reason.PARTIAL_SIGNATURE_PAST_SLOT


@pytest.mark.parametrize("role", [BeaconRole.VALIDATOR_REGISTRATION, BeaconRole.VOLUNTARY_EXIT])
def test_a_duty_without_consensus_is_of_a_later_slot_than_the_one_before(role: BeaconRole) -> None:
    duties = ValidatorDuties(seat())
    duties.start(duty(role))
    assert refusal_to_start(duties, role) == Reason.DUTY_ALREADY_PASSED
    assert refusal_to_start(duties, role, Slot(CLOCK - 1)) == Reason.DUTY_ALREADY_PASSED
    duties.start(duty(role, Slot(CLOCK + 1)))


def test_a_slot_that_consensus_has_passed_begins_no_duty() -> None:
    duties = ValidatorDuties(seat())
    lane, _ = duties.start(duty(BeaconRole.PROPOSER))
    assert lane.consensus is not None
    before = lane.runner
    lane.consensus.controller.height = type(lane.consensus.controller.height)(CLOCK)
    assert refusal_to_start(duties, BeaconRole.PROPOSER) == Reason.DUTY_ALREADY_PASSED
    assert lane.runner is before


def test_a_committee_s_duty_is_none_of_a_validator() -> None:
    duties = ValidatorDuties(seat())
    assert refusal_to_start(duties, BeaconRole.ATTESTER) == Reason.DUTY_ROLE
    assert refusal_to_start(duties, BeaconRole.UNKNOWN) == Reason.DUTY_ROLE
    duties.start(duty(BeaconRole.AGGREGATOR))


def test_boole_has_no_aggregations_of_single_validators_and_checks_duties() -> None:
    duties, slot = ValidatorDuties(seat()), CHAIN.first_slot(BOOLE_EPOCH)
    aggregator = replace(duty(BeaconRole.AGGREGATOR, slot), committee_length=1)
    with pytest.raises(ProtocolError) as caught:
        duties.start(aggregator)
    assert caught.value.reason is Reason.DUTY_ROLE
    with pytest.raises(ProtocolError) as caught:
        duties.start(replace(duty(BeaconRole.PROPOSER, slot), pubkey=BlsPublicKey(bytes(48))))
    assert caught.value.reason is Reason.DUTY_INVALID


def test_a_fork_begins_a_new_lane() -> None:
    duties = ValidatorDuties(seat())
    alan, _ = duties.start(duty(BeaconRole.PROPOSER))
    boole, _ = duties.start(duty(BeaconRole.PROPOSER, CHAIN.first_slot(BOOLE_EPOCH)))
    assert alan.consensus is not None
    assert boole.consensus is not None
    assert alan.consensus.controller.identifier != boole.consensus.controller.identifier


def test_messages_are_refused_in_the_specification_s_order() -> None:
    duties = ValidatorDuties(seat())
    stranger = validator_key(B).public_key()
    assert refusal(duties, randao(2, signer=3, role=RunnerRole.COMMITTEE)) == Reason.ENVELOPE_SIGNATURE
    assert refusal(duties, randao(2, role=RunnerRole.COMMITTEE, pubkey=stranger)) == Reason.MESSAGE_ROLE
    assert refusal(duties, randao(2, pubkey=stranger)) == Reason.DUTY_VALIDATOR_PUBKEY
    assert refusal(duties, randao(2)) == Reason.NO_RUNNING_DUTY
