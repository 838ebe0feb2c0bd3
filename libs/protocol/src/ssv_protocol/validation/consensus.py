"""Consensus messages: what can be said of one without knowing the others (rules 26 to 38 and 43).

What justifies a proposal or a round change is decoded and not verified; the duty's consensus does that.

The full data is not signed, so anybody may strip it. What is of no use without it is ignored, lest it take the place of
the whole message, which would count as a repetition. The network has no such rule.

Source: ssvlabs/ssv message/validation (consensus messages: semantics, QBFT logic).
"""

from __future__ import annotations

from hashlib import sha256

from ssv_protocol.errors import ProtocolError
from ssv_protocol.qbft.timer import RoundTimes
from ssv_protocol.types.committee import quorum
from ssv_protocol.types.ids import NO_ROUND, Round
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import QbftMessageType, RunnerRole
from ssv_protocol.validation.incoming import Incoming
from ssv_protocol.validation.limits import LAST_ROUND
from ssv_protocol.validation.verdict import GossipReason, Refusal, refuse

_WITHOUT_CONSENSUS = frozenset({RunnerRole.VALIDATOR_REGISTRATION, RunnerRole.VOLUNTARY_EXIT})
_JUSTIFIED = frozenset({QbftMessageType.PROPOSAL, QbftMessageType.ROUND_CHANGE})


def open_consensus(signed: SignedSSVMessage) -> QbftMessage | Refusal:
    """Decode the content of a consensus envelope (26)."""
    try:
        return QbftMessage.decode(signed.ssv_message.data)
    except ProtocolError as error:
        return refuse(GossipReason.CONSENSUS_UNDECODABLE, error.detail)


def check_consensus(incoming: Incoming, message: QbftMessage) -> Refusal | None:
    """Check a consensus message against its envelope and its committee (27 to 38)."""
    signed = incoming.signed
    return (
        _check_signers(signed, message, len(incoming.committee.operator_ids))
        or _check_full_data(signed, message)
        or _check_form(incoming, message)
        or _check_justifications(message)
        or _check_leader(incoming, message)
        or _check_value_is_there(signed, message)
    )


def check_round_has_begun(incoming: Incoming, message: QbftMessage) -> Refusal | None:
    """Check that the round of a single signer's message is at most the next one (43).

    Counted from the slot's start whatever the role, and with rounds as short as any node's: early rather than late.
    """
    if len(incoming.signed.operator_ids) > 1:
        return None
    network, slot = incoming.network, incoming.slot
    times = RoundTimes(incoming.chain.slot_duration_s, network.quick_timeout_at(slot, incoming.role))
    latest = Round(times.estimated_round(incoming.at - incoming.chain.slot_start(slot)) + 1)
    return None if message.round <= latest else refuse(GossipReason.FUTURE_ROUND, f"{message.round} before {latest}")


def _check_signers(signed: SignedSSVMessage, message: QbftMessage, committee_size: int) -> Refusal | None:
    signers = len(signed.operator_ids)
    if signers > 1 and message.msg_type != QbftMessageType.COMMIT:
        return refuse(GossipReason.SEVERAL_SIGNERS, f"{signers} of kind {message.msg_type}")
    if 1 < signers < quorum(committee_size):
        return refuse(GossipReason.NO_QUORUM, f"{signers} of {committee_size}")
    return None


def _check_full_data(signed: SignedSSVMessage, message: QbftMessage) -> Refusal | None:
    if not signed.full_data:
        return None
    single_commit = message.msg_type == QbftMessageType.COMMIT and len(signed.operator_ids) == 1
    if message.msg_type == QbftMessageType.PREPARE or single_commit:
        return refuse(GossipReason.UNEXPECTED_FULL_DATA)
    if sha256(signed.full_data).digest() != message.root:
        return refuse(GossipReason.FULL_DATA_ROOT)
    return None


def _check_value_is_there(signed: SignedSSVMessage, message: QbftMessage) -> Refusal | None:
    proposes = message.msg_type == QbftMessageType.PROPOSAL
    prepared = message.msg_type == QbftMessageType.ROUND_CHANGE and message.prepared
    decides = len(signed.operator_ids) > 1
    missing = not signed.full_data and (proposes or prepared or decides)
    return refuse(GossipReason.NO_FULL_DATA, f"kind {message.msg_type}") if missing else None


def _check_form(incoming: Incoming, message: QbftMessage) -> Refusal | None:
    if message.msg_type > max(QbftMessageType):
        return refuse(GossipReason.CONSENSUS_TYPE, f"{message.msg_type}")
    if message.round == NO_ROUND:
        return refuse(GossipReason.ZERO_ROUND)
    role = incoming.role
    if role in _WITHOUT_CONSENSUS:
        return refuse(GossipReason.CONSENSUS_ROLE)
    if message.round > LAST_ROUND[role]:
        return refuse(GossipReason.LATE_ROUND, f"{message.round}")
    if message.identifier != incoming.signed.ssv_message.msg_id:
        return refuse(GossipReason.IDENTIFIER)
    return None


def _check_justifications(message: QbftMessage) -> Refusal | None:
    if message.prepare_justification and message.msg_type != QbftMessageType.PROPOSAL:
        return refuse(GossipReason.UNEXPECTED_JUSTIFICATION, "prepares")
    if message.round_change_justification and message.msg_type not in _JUSTIFIED:
        return refuse(GossipReason.UNEXPECTED_JUSTIFICATION, "round changes")
    try:
        message.prepare_messages()
        message.round_change_messages()
    except ProtocolError as error:
        return refuse(GossipReason.JUSTIFICATION_UNDECODABLE, error.detail)
    return None


def _check_leader(incoming: Incoming, message: QbftMessage) -> Refusal | None:
    if message.msg_type != QbftMessageType.PROPOSAL:
        return None
    leader = incoming.network.leader_at(incoming.slot)(message.height, message.round, incoming.committee.operator_ids)
    proposer = incoming.signed.operator_ids[0]
    return None if proposer == leader else refuse(GossipReason.LEADER, f"{proposer} instead of {leader}")
