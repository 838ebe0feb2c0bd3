from dataclasses import replace

import pytest
from libs.protocol.tests.runners.world import A, attester, batch, objects, partials, qbft, runner, seat
from libs.protocol.tests.signing.world import (
    BOOLE_EPOCH,
    CHAIN,
    CLOCK,
    NETWORK,
    OPERATORS,
    Decision,
    keys,
    member,
    message_id,
    vote_for,
)

from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.runners.admission import admit, admit_any, duty_slot, open_content
from ssv_protocol.types.ids import BlsPublicKey, BlsSignature, MessageId, OperatorId, Root, RsaSignature, Slot
from ssv_protocol.types.message_id import validator_message_id
from ssv_protocol.types.messages import SignedSSVMessage, SSVMessage
from ssv_protocol.types.partial_signatures import PartialSignature, PartialSignatures
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import MsgType, PartialSignatureType, QbftMessageType, RunnerRole

VOTE = vote_for(CLOCK)
PREPARE = qbft(2, QbftMessageType.PREPARE, VOTE.encode())


def envelope(message: SSVMessage, *signers: int) -> SignedSSVMessage:
    ids = tuple(map(OperatorId, signers))
    return SignedSSVMessage(tuple(keys()[oid].sign(message) for oid in ids), ids, message)


def share_batch(operator: int = 2) -> SignedSSVMessage:
    wanted = objects(runner(attester(A)), VOTE)
    return batch(operator, partials(operator, wanted))


def reason_of(signed: SignedSSVMessage) -> Reason:
    with pytest.raises(ProtocolError) as caught:
        admit(member(), signed)
    return caught.value.reason


def test_admits_what_a_member_signed_and_names_the_slot() -> None:
    consensus, shares, decided = PREPARE, share_batch(), Decision(VOTE.encode()).signed()
    for signed, kind in ((consensus, QbftMessage), (shares, PartialSignatures), (decided, QbftMessage)):
        content = admit(member(), signed)
        assert isinstance(content, kind)
        assert content == open_content(signed)
        assert duty_slot(content) == CLOCK


def test_refuses_a_signature_by_somebody_else() -> None:
    assert reason_of(replace(PREPARE, operator_ids=(OperatorId(3),))) == Reason.ENVELOPE_SIGNATURE
    assert reason_of(replace(PREPARE, operator_ids=(OperatorId(9),))) == Reason.ENVELOPE_SIGNATURE
    outsider = envelope(PREPARE.ssv_message, 9)
    assert reason_of(outsider) == Reason.ENVELOPE_SIGNATURE


def test_refuses_when_one_signature_of_several_is_bad() -> None:
    decided = Decision(VOTE.encode(), signers=(1, 2, 3), sign_as=(1, 2, 2)).signed()
    assert reason_of(decided) == Reason.ENVELOPE_SIGNATURE


def test_refuses_a_changed_content() -> None:
    changed = replace(PREPARE.ssv_message, data=bytes(len(PREPARE.ssv_message.data)))
    assert reason_of(replace(PREPARE, ssv_message=changed)) == Reason.ENVELOPE_SIGNATURE


def test_refuses_a_malformed_envelope_before_anything_else() -> None:
    assert reason_of(replace(PREPARE, operator_ids=())) == Reason.NO_SIGNERS
    assert reason_of(replace(PREPARE, signatures=(RsaSignature(b""),))) == Reason.EMPTY_SIGNATURE


def test_refuses_other_roles_and_committees() -> None:
    proposer = replace(PREPARE.ssv_message, msg_id=message_id(RunnerRole.PROPOSER))
    assert reason_of(envelope(proposer, 2)) == Reason.COMMITTEE_ROLE
    other = MessageId(message_id()[:-1] + b"\xff")
    assert reason_of(envelope(replace(PREPARE.ssv_message, msg_id=other), 2)) == Reason.COMMITTEE_ID_MISMATCH


def test_refuses_contents_that_do_not_decode_or_have_no_runner() -> None:
    assert reason_of(envelope(SSVMessage(MsgType.CONSENSUS, message_id(), b"x"), 2)) == Reason.SSZ_DECODE
    assert reason_of(envelope(SSVMessage(MsgType.PARTIAL_SIGNATURE, message_id(), b"x"), 2)) == Reason.SSZ_DECODE
    assert reason_of(envelope(SSVMessage(MsgType.DKG, message_id(), b""), 2)) == Reason.MESSAGE_TYPE


def test_share_signatures_have_one_signer_who_is_the_one_inside() -> None:
    message = share_batch().ssv_message
    assert reason_of(envelope(message, *OPERATORS[:3])) == Reason.ONE_SIGNER_ONLY
    assert reason_of(envelope(message, 3)) == Reason.PARTIAL_SIGNATURE_SIGNER


DUTY_SEAT = seat()
VALIDATORS = frozenset(share.validator_pubkey for share in DUTY_SEAT.shares.values())
OUR_KEY = DUTY_SEAT.shares[A].validator_pubkey


def admitted(signed: SignedSSVMessage) -> QbftMessage | PartialSignatures:
    return admit_any(NETWORK, member(), VALIDATORS, signed)


def of_validator(
    role: RunnerRole, *, pubkey: BlsPublicKey = OUR_KEY, slot: Slot = CLOCK, domain_slot: Slot = CLOCK
) -> SignedSSVMessage:
    """A share signature of operator 2 under the id of a validator's duty."""
    item = PartialSignature(BlsSignature(bytes(96)), Root(bytes(32)), OperatorId(2), A)
    content = PartialSignatures(PartialSignatureType.RANDAO, slot, (item,)).encode()
    message_id = validator_message_id(NETWORK.domain_at(domain_slot), role, pubkey)
    return envelope(SSVMessage(MsgType.PARTIAL_SIGNATURE, message_id, content), 2)


def reason_of_any(signed: SignedSSVMessage) -> Reason:
    with pytest.raises(ProtocolError) as caught:
        admitted(signed)
    return caught.value.reason


@pytest.mark.parametrize(
    "role",
    [
        RunnerRole.AGGREGATOR,
        RunnerRole.PROPOSER,
        RunnerRole.SYNC_COMMITTEE_CONTRIBUTION,
        RunnerRole.VALIDATOR_REGISTRATION,
        RunnerRole.VOLUNTARY_EXIT,
    ],
)
def test_a_seats_messages_are_its_committees_and_its_validators(role: RunnerRole) -> None:
    assert admitted(PREPARE) == admit(member(), PREPARE)
    signed = of_validator(role)
    assert admitted(signed) == open_content(signed)
    assert reason_of_any(of_validator(role, pubkey=BlsPublicKey(b"\x01" * 48))) is Reason.DUTY_VALIDATOR_PUBKEY


def test_a_seats_messages_have_the_role_and_the_domain_of_their_slot() -> None:
    boole = CHAIN.first_slot(BOOLE_EPOCH)
    aggregator = of_validator(RunnerRole.AGGREGATOR, slot=boole, domain_slot=boole)
    assert reason_of_any(aggregator) is Reason.MESSAGE_ROLE
    proposer = of_validator(RunnerRole.PROPOSER, slot=boole, domain_slot=boole)
    assert admitted(proposer) == open_content(proposer)
    assert reason_of_any(of_validator(RunnerRole.PROPOSER, slot=boole)) is Reason.MESSAGE_IDENTIFIER
    assert reason_of_any(of_validator(RunnerRole.PROPOSER, domain_slot=boole)) is Reason.MESSAGE_IDENTIFIER


def test_a_seat_admits_nothing_that_a_committee_would_refuse() -> None:
    other = MessageId(message_id()[:-1] + b"\xff")
    assert reason_of_any(envelope(replace(PREPARE.ssv_message, msg_id=other), 2)) == Reason.COMMITTEE_ID_MISMATCH
    assert reason_of_any(replace(PREPARE, operator_ids=(OperatorId(3),))) is Reason.ENVELOPE_SIGNATURE
    assert reason_of_any(replace(of_validator(RunnerRole.PROPOSER), operator_ids=(OperatorId(3),))) is (
        Reason.PARTIAL_SIGNATURE_SIGNER
    )
    padded = MessageId(message_id()[:8] + b"\x01" + message_id()[9:])
    assert reason_of_any(envelope(replace(PREPARE.ssv_message, msg_id=padded), 2)) is Reason.MESSAGE_IDENTIFIER
