"""Did the committee really decide this? The proof that a post-consensus request must bring.

The signer believes nobody, its own workers included: it signs what 2f + 1 operators committed to, and verifies
their signatures with the keys that the registry gave it.

Source: architecture §5.4; ssv-spec qbft/decided.go.
"""

from __future__ import annotations

from hashlib import sha256

from ssv_protocol.crypto import rsa
from ssv_protocol.errors import ProtocolError
from ssv_protocol.signing.verdict import DenialReason, Denied
from ssv_protocol.types.committee import committee_id
from ssv_protocol.types.ids import MessageId, Slot
from ssv_protocol.types.message_id import COMMITTEE_ROLES, committee_of, message_role
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.operator import CommitteeMember
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import MsgType, QbftMessageType


def decided_value(
    member: CommitteeMember, message_id: MessageId, slot: Slot, decided: SignedSSVMessage
) -> bytes | Denied:
    """Return the value that the committee of `message_id` decided in `slot`; `member` brings its keys.

    Which committee a validator has, the message id does not say: for validator roles `member` is the caller's choice.
    """
    # COMMITTEE
    is_named = message_role(message_id) in COMMITTEE_ROLES
    if is_named and committee_id(member.operator_ids) != committee_of(message_id):
        return Denied(DenialReason.EVIDENCE_OTHER_COMMITTEE, committee_of(message_id).hex())
    # MESSAGE
    try:
        decided.validate()
        message = QbftMessage.decode(decided.ssv_message.data)
        message.validate()
    except ProtocolError as error:
        return Denied(DenialReason.EVIDENCE_MALFORMED, str(error))
    if decided.ssv_message.msg_type != MsgType.CONSENSUS or message.msg_type != QbftMessageType.COMMIT:
        return Denied(DenialReason.EVIDENCE_NOT_COMMIT, f"type {message.msg_type}")
    if not decided.ssv_message.msg_id == message.message_id == message_id:
        return Denied(DenialReason.EVIDENCE_OTHER_DUTY, "another message id")
    if Slot(message.height) != slot:
        return Denied(DenialReason.EVIDENCE_OTHER_DUTY, f"height {message.height} for slot {slot}")
    if sha256(decided.full_data).digest() != message.root:
        return Denied(DenialReason.EVIDENCE_VALUE, "its hash is not the committed root")
    # SIGNERS
    if not set(decided.operator_ids) <= set(member.operator_ids):
        return Denied(DenialReason.EVIDENCE_SIGNATURE, f"signers {list(decided.operator_ids)}")
    if len(decided.operator_ids) < member.quorum:
        return Denied(DenialReason.EVIDENCE_NO_QUORUM, f"{len(decided.operator_ids)} of {member.quorum}")
    try:
        genuine = rsa.verify_envelope(member, decided)
    except ProtocolError as error:
        return Denied(DenialReason.EVIDENCE_SIGNATURE, str(error))
    return decided.full_data if genuine else Denied(DenialReason.EVIDENCE_SIGNATURE)
