"""A message among those that the same peer has brought of the same signers (rules 39 to 42, 44, 57, 59).

An operator that says two things to two peers makes an honest third one, which hears each from another peer, forward
both. Rules 40, 41 and 59 therefore blame only authors (`rules.py`), and are asked again with ourselves in the peer's
place before a message is forwarded.

Source: ssvlabs/ssv message/validation (QBFT logic, duty logic, signer state).
"""

from __future__ import annotations

from ssv_protocol.types.partial_signatures import PartialSignatures
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import PartialSignatureType, QbftMessageType
from ssv_protocol.validation.history import MessageHistory
from ssv_protocol.validation.incoming import Incoming
from ssv_protocol.validation.verdict import GossipReason, Refusal, refuse


def check_repetition(incoming: Incoming, message: QbftMessage, past: MessageHistory) -> Refusal | None:
    """Check a consensus message against the signer's round, proposal and messages in it (39 to 42)."""
    signers = incoming.signed.operator_ids
    if len(signers) > 1:
        seen = signers in past.decisions.get(incoming.slot, ())
        return refuse(GossipReason.DUPLICATE_DECISION, f"{list(signers)}") if seen else None
    record = past.record(signers[0], incoming.slot)
    if record is None:
        return None
    if message.round < record.round:
        return refuse(GossipReason.PAST_ROUND, f"{message.round} after {record.round}")
    if message.round > record.round:
        return None
    if message.msg_type == QbftMessageType.PROPOSAL and record.proposal not in (None, message.root):
        return refuse(GossipReason.OTHER_PROPOSAL, f"by {signers[0]} in round {message.round}")
    if record.has_said(message.msg_type):
        return refuse(GossipReason.DUPLICATE, f"kind {message.msg_type} by {signers[0]} in round {message.round}")
    return None


def check_slot_is_not_past(incoming: Incoming, past: MessageHistory) -> Refusal | None:
    """Check that no signer has been at a later slot of a single validator's duty (44, 57)."""
    if incoming.validator is None:
        return None
    for signer in incoming.signed.operator_ids:
        newest = max(past.slots_of(signer), default=incoming.slot)
        if incoming.slot < newest:
            return refuse(GossipReason.PAST_SLOT, f"{signer} has been at {newest}")
    return None


def check_batch_is_first(incoming: Incoming, partials: PartialSignatures, past: MessageHistory) -> Refusal | None:
    """Check that the signer has not sent such a batch for the slot (59)."""
    record = past.record(incoming.signed.operator_ids[0], incoming.slot)
    post = partials.type == PartialSignatureType.POST_CONSENSUS
    if record is not None and record.has_sent(post):
        return refuse(GossipReason.DUPLICATE_BATCH, f"type {partials.type}")
    return None
