"""The envelope: bytes, signers, signatures as shapes, kind (rules 1 to 10, 13 to 15). Needs nothing but the message.

Source: ssvlabs/ssv message/validation (pubsub, signed message, SSV message).
"""

from __future__ import annotations

from itertools import pairwise

from ssv_protocol.errors import ProtocolError
from ssv_protocol.types.messages import RSA_SIGNATURE_BYTES, SignedSSVMessage, SSVMessage
from ssv_protocol.types.roles import MsgType
from ssv_protocol.validation.limits import MAX_MESSAGE_BYTES
from ssv_protocol.validation.verdict import GossipReason, Refusal, refuse

_TYPES = frozenset({MsgType.CONSENSUS, MsgType.PARTIAL_SIGNATURE})
_EVENT = 200
"""A kind that the Go node uses inside of itself."""


def open_envelope(data: bytes) -> SignedSSVMessage | Refusal:
    """Decode a message and check its signers (1 to 10)."""
    if not data:
        return refuse(GossipReason.EMPTY)
    if len(data) > MAX_MESSAGE_BYTES:
        return refuse(GossipReason.TOO_LARGE, f"{len(data)} bytes")
    try:
        signed = SignedSSVMessage.decode(data)
    except ProtocolError as error:
        return refuse(GossipReason.UNDECODABLE, error.detail)
    return _check_signers(signed) or signed


def check_kind(message: SSVMessage) -> Refusal | None:
    """Check that there is content of a kind that is gossip (13, 15)."""
    if not message.data:
        return refuse(GossipReason.NO_DATA)
    if message.msg_type == _EVENT:
        return refuse(GossipReason.EVENT_MESSAGE)
    if message.msg_type not in _TYPES:
        return refuse(GossipReason.MESSAGE_TYPE, f"{message.msg_type}")
    return None


def _check_signers(signed: SignedSSVMessage) -> Refusal | None:
    signers = signed.operator_ids
    if not signers:
        return refuse(GossipReason.NO_SIGNERS)
    if not signed.signatures:
        return refuse(GossipReason.NO_SIGNATURES)
    if any(len(signature) != RSA_SIGNATURE_BYTES for signature in signed.signatures):
        return refuse(GossipReason.SIGNATURE_SIZE)
    if any(left > right for left, right in pairwise(signers)):
        return refuse(GossipReason.SIGNER_ORDER, f"{list(signers)}")
    if len(signers) != len(signed.signatures):
        return refuse(GossipReason.SIGNATURE_COUNT, f"{len(signed.signatures)} for {len(signers)}")
    if 0 in signers:
        return refuse(GossipReason.ZERO_SIGNER)
    if len(set(signers)) != len(signers):
        return refuse(GossipReason.DUPLICATE_SIGNER, f"{list(signers)}")
    return None
