"""Consensus messages: what can be said of one without knowing the others.

Rules that need the history of a duty (rounds, duplicates, leaders) or the beacon chain's duties are not here.

Source: ssvlabs/ssv message/validation (consensus messages, semantics).
"""

from __future__ import annotations

from hashlib import sha256

from ssv_protocol.errors import ProtocolError
from ssv_protocol.types.committee import quorum
from ssv_protocol.types.ids import NO_ROUND
from ssv_protocol.types.message_id import message_role
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import QbftMessageType, RunnerRole
from ssv_protocol.validation.verdict import GossipReason, Refusal, Reject

_WITHOUT_CONSENSUS = frozenset({RunnerRole.VALIDATOR_REGISTRATION, RunnerRole.VOLUNTARY_EXIT})
_JUSTIFIED = frozenset({QbftMessageType.PROPOSAL, QbftMessageType.ROUND_CHANGE})


def open_consensus(signed: SignedSSVMessage) -> QbftMessage | Refusal:
    """Decode the content of a consensus envelope."""
    try:
        return QbftMessage.decode(signed.ssv_message.data)
    except ProtocolError as error:
        return Reject(GossipReason.CONSENSUS_UNDECODABLE, error.detail)


def check_consensus(signed: SignedSSVMessage, message: QbftMessage, committee_size: int) -> Refusal | None:
    """Check a consensus message against its envelope and its committee's size."""
    if message_role(signed.ssv_message.msg_id) in _WITHOUT_CONSENSUS:
        return Reject(GossipReason.CONSENSUS_ROLE)
    if message.msg_type > max(QbftMessageType):
        return Reject(GossipReason.CONSENSUS_TYPE, f"{message.msg_type}")
    if message.round == NO_ROUND:
        return Reject(GossipReason.ZERO_ROUND)
    if message.identifier != signed.ssv_message.msg_id:
        return Reject(GossipReason.IDENTIFIER)
    return _signers(signed, message, committee_size) or _full_data(signed, message) or _justifications(message)


def _signers(signed: SignedSSVMessage, message: QbftMessage, committee_size: int) -> Refusal | None:
    signers = len(signed.operator_ids)
    if signers > 1 and message.msg_type != QbftMessageType.COMMIT:
        return Reject(GossipReason.SEVERAL_SIGNERS, f"{signers} of kind {message.msg_type}")
    if 1 < signers < quorum(committee_size):
        return Reject(GossipReason.NO_QUORUM, f"{signers} of {committee_size}")
    return None


def _full_data(signed: SignedSSVMessage, message: QbftMessage) -> Refusal | None:
    if not signed.full_data:
        return None
    single_commit = message.msg_type == QbftMessageType.COMMIT and len(signed.operator_ids) == 1
    if message.msg_type == QbftMessageType.PREPARE or single_commit:
        return Reject(GossipReason.UNEXPECTED_FULL_DATA)
    if sha256(signed.full_data).digest() != message.root:
        return Reject(GossipReason.FULL_DATA_ROOT)
    return None


def _justifications(message: QbftMessage) -> Refusal | None:
    if message.prepare_justification and message.msg_type != QbftMessageType.PROPOSAL:
        return Reject(GossipReason.UNEXPECTED_JUSTIFICATION, "prepares")
    if message.round_change_justification and message.msg_type not in _JUSTIFIED:
        return Reject(GossipReason.UNEXPECTED_JUSTIFICATION, "round changes")
    try:
        message.prepare_messages()
        message.round_change_messages()
    except ProtocolError as error:
        return Reject(GossipReason.JUSTIFICATION_UNDECODABLE, error.detail)
    return None
