"""The door in front of the state machines: envelope, whose duty, RSA signatures, content.

Invariant: nothing enters a machine that has not passed here, whoever delivered it.

Source: ssv-spec ssv/committee.go (ProcessMessage), types/messages.go.
"""

from __future__ import annotations

from collections.abc import Container

from ssv_protocol.crypto import rsa
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.forks import Network
from ssv_protocol.signing import message_id as canonical
from ssv_protocol.signing.verdict import DenialReason
from ssv_protocol.types.ids import BlsPublicKey, MessageId, Slot
from ssv_protocol.types.message_id import COMMITTEE_ROLES, belongs_to_committee, duty_executor, message_role
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.operator import CommitteeMember
from ssv_protocol.types.partial_signatures import PartialSignatures
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import MsgType


def admit(member: CommitteeMember, signed: SignedSSVMessage) -> QbftMessage | PartialSignatures:
    """Verify a committee's message and return what it carries.

    Raises:
        ProtocolError: ENVELOPE_SIGNATURE, COMMITTEE_ID_MISMATCH, COMMITTEE_ROLE, MESSAGE_TYPE, ONE_SIGNER_ONLY,
            SSZ_DECODE, and those of the contents' own validation.
    """
    signed.validate()
    if not rsa.verify_envelope(member, signed):
        raise ProtocolError(Reason.ENVELOPE_SIGNATURE, f"signers {list(signed.operator_ids)}")
    message_id = signed.ssv_message.msg_id
    if not belongs_to_committee(message_id, member.committee_id):
        raise ProtocolError(Reason.COMMITTEE_ID_MISMATCH)
    if message_role(message_id) not in COMMITTEE_ROLES:
        raise ProtocolError(Reason.COMMITTEE_ROLE, f"role {message_role(message_id)}")
    return open_content(signed)


def admit_any(
    network: Network, member: CommitteeMember, validators: Container[BlsPublicKey], signed: SignedSSVMessage
) -> QbftMessage | PartialSignatures:
    """Verify a message of any role, of the committee or of one of its `validators`, and return what it carries.

    Raises:
        ProtocolError: COMMITTEE_ID_MISMATCH, DUTY_VALIDATOR_PUBKEY, ENVELOPE_SIGNATURE, those of `open_content` and of
            `check_message_id`.
    """
    signed.validate()
    message_id = signed.ssv_message.msg_id
    if message_role(message_id) in COMMITTEE_ROLES:
        if not belongs_to_committee(message_id, member.committee_id):
            raise ProtocolError(Reason.COMMITTEE_ID_MISMATCH)
    elif duty_executor(message_id) not in validators:
        raise ProtocolError(Reason.DUTY_VALIDATOR_PUBKEY, duty_executor(message_id).hex())
    content = open_content(signed)
    check_message_id(network, message_id, duty_slot(content))
    if not rsa.verify_envelope(member, signed):
        raise ProtocolError(Reason.ENVELOPE_SIGNATURE, f"signers {list(signed.operator_ids)}")
    return content


def check_message_id(network: Network, message_id: MessageId, slot: Slot) -> None:
    """Refuse an id that is not the one of its duty: domain and role of the slot's rule set, no padding.

    Belonging looks at neither, and partial signatures name their duty nowhere else.

    Raises:
        ProtocolError: MESSAGE_ROLE for a role that the rule set does not have, otherwise MESSAGE_IDENTIFIER.
    """
    denied = canonical.check(network, message_id, slot)
    if denied is not None:
        wrong_role = denied.reason is DenialReason.WRONG_ROLE
        raise ProtocolError(Reason.MESSAGE_ROLE if wrong_role else Reason.MESSAGE_IDENTIFIER, denied.detail)


def open_content(signed: SignedSSVMessage) -> QbftMessage | PartialSignatures:
    """Decode and validate what an envelope carries, without looking at signatures.

    Raises:
        ProtocolError: SSZ_DECODE, MESSAGE_TYPE, ONE_SIGNER_ONLY, and those of the contents' own validation.
    """
    if signed.ssv_message.msg_type == MsgType.CONSENSUS:
        message = QbftMessage.decode(signed.ssv_message.data)
        message.validate()
        return message
    if signed.ssv_message.msg_type == MsgType.PARTIAL_SIGNATURE:
        partials = PartialSignatures.decode(signed.ssv_message.data)
        if len(signed.operator_ids) != 1:
            raise ProtocolError(Reason.ONE_SIGNER_ONLY, "partial signatures")
        partials.validate_for_signer(signed.operator_ids[0])
        return partials
    raise ProtocolError(Reason.MESSAGE_TYPE, f"message type {signed.ssv_message.msg_type} has no runner")


def duty_slot(content: QbftMessage | PartialSignatures) -> Slot:
    """Return the slot of the duty that a message belongs to; a QBFT height is a slot."""
    return Slot(content.height) if isinstance(content, QbftMessage) else content.slot
