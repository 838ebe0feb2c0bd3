"""The envelope: bytes, signers, signatures as shapes, kind and role. Needs nothing but the message.

Source: ssvlabs/ssv message/validation (pubsub, signed message, SSV message).
"""

from __future__ import annotations

from itertools import pairwise

from ssv_protocol.errors import ProtocolError
from ssv_protocol.types.message_id import message_role
from ssv_protocol.types.messages import RSA_SIGNATURE_BYTES, SignedSSVMessage
from ssv_protocol.types.roles import MsgType, RunnerRole
from ssv_protocol.validation.limits import MAX_MESSAGE_BYTES
from ssv_protocol.validation.verdict import GossipReason, Ignore, Refusal, Reject

_TYPES = frozenset({MsgType.CONSENSUS, MsgType.PARTIAL_SIGNATURE})
_ROLES = frozenset(RunnerRole) - {RunnerRole.UNKNOWN}


def open_envelope(data: bytes) -> SignedSSVMessage | Refusal:
    """Decode a message and check the shape of its envelope."""
    if not data:
        return Reject(GossipReason.EMPTY)
    if len(data) > MAX_MESSAGE_BYTES:
        return Ignore(GossipReason.TOO_LARGE, f"{len(data)} bytes")
    try:
        signed = SignedSSVMessage.decode(data)
    except ProtocolError as error:
        return Reject(GossipReason.UNDECODABLE, error.detail)
    return _signers(signed) or _content(signed) or signed


def _signers(signed: SignedSSVMessage) -> Refusal | None:
    signers = signed.operator_ids
    if not signers:
        return Reject(GossipReason.NO_SIGNERS)
    if not signed.signatures:
        return Reject(GossipReason.NO_SIGNATURES)
    if any(len(signature) != RSA_SIGNATURE_BYTES for signature in signed.signatures):
        return Reject(GossipReason.SIGNATURE_SIZE)
    if len(signers) != len(signed.signatures):
        return Reject(GossipReason.SIGNATURE_COUNT, f"{len(signed.signatures)} for {len(signers)}")
    if 0 in signers:
        return Reject(GossipReason.ZERO_SIGNER)
    if len(set(signers)) != len(signers):
        return Reject(GossipReason.DUPLICATE_SIGNER, f"{list(signers)}")
    if any(left > right for left, right in pairwise(signers)):
        return Reject(GossipReason.SIGNER_ORDER, f"{list(signers)}")
    return None


def _content(signed: SignedSSVMessage) -> Refusal | None:
    message = signed.ssv_message
    if not message.data:
        return Reject(GossipReason.NO_DATA)
    if message.msg_type not in _TYPES:
        return Reject(GossipReason.MESSAGE_TYPE, f"{message.msg_type}")
    if message_role(message.msg_id) not in _ROLES:
        return Reject(GossipReason.UNKNOWN_ROLE, f"{message_role(message.msg_id)}")
    return None
