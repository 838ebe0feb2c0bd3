from dataclasses import replace

import pytest
from libs.protocol.tests.runners.world import A, attester, batch, objects, partials, qbft, runner
from libs.protocol.tests.signing.world import (
    CLOCK,
    OPERATORS,
    Decision,
    keys,
    member,
    message_id,
    vote_for,
)

from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.runners.admission import admit, duty_slot, open_content
from ssv_protocol.types.ids import MessageId, OperatorId, RsaSignature
from ssv_protocol.types.messages import SignedSSVMessage, SSVMessage
from ssv_protocol.types.partial_signatures import PartialSignatures
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import MsgType, QbftMessageType, RunnerRole

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
