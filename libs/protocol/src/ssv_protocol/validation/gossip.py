"""Validation of one gossip message, all 64 rules of the network in their order, RSA last.

Pure: what is known and what has come before are arguments, and only what passes every check is remembered. Own messages
are judged without a past and without the beacon chain's duties: the signer is who holds them to one word, they may be
published again, and what the own node has not learned yet must not silence it.

Not checked: what justifies proposals and round changes, BLS signatures, whether a committee's batch is for its own
validators. Workers check all that, and what is checked here again.

Source: ssvlabs/ssv message/validation; architecture §5.7.
"""

from __future__ import annotations

from ssv_protocol.crypto import rsa
from ssv_protocol.types.ids import Instant
from ssv_protocol.types.message_id import message_role
from ssv_protocol.types.partial_signatures import PartialSignatures
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import MsgType, PartialSignatureType, RunnerRole
from ssv_protocol.validation.consensus import check_consensus, check_round_has_begun, open_consensus
from ssv_protocol.validation.duty_rules import check_count_in_epoch, check_duty, check_validator
from ssv_protocol.validation.envelope import check_kind, open_envelope
from ssv_protocol.validation.history import US, Histories, MessageHistory
from ssv_protocol.validation.incoming import Incoming, Knowledge, claimed_slot
from ssv_protocol.validation.partial_signatures import check_count, check_partials, open_partials
from ssv_protocol.validation.past_rules import check_batch_is_first, check_repetition, check_slot_is_not_past
from ssv_protocol.validation.slot_rules import check_message, check_time, check_topic, life_slots
from ssv_protocol.validation.verdict import (
    Accept,
    GossipReason,
    GossipVerdict,
    Ignore,
    Refusal,
    Reject,
    refuse,
    spare_forwarder,
    spare_if_stale,
)

_Refused = (Ignore, Reject)
Content = QbftMessage | PartialSignatures


def validate(
    knowledge: Knowledge | None,
    histories: Histories,
    peer: bytes,
    topic: str,
    data: bytes,
    at: Instant,
    *,
    is_author: bool = True,
) -> GossipVerdict:
    """Say what to do with `data`, which `peer` brought on `topic` at `at`, and remember it if it is accepted.

    `knowledge` is None while no registry is known; `is_author` tells whether the peer published the message itself.
    """
    if knowledge is None:
        return refuse(GossipReason.NO_REGISTRY)
    incoming = _open(knowledge, topic, data, at)
    if isinstance(incoming, _Refused):
        return _softened(knowledge, incoming)
    past = histories.of(peer).of(incoming.signed.ssv_message.msg_id)
    content = _check(incoming, past)
    if isinstance(content, _Refused):
        return _softened(knowledge, content if is_author else spare_forwarder(content))
    forward = not _contradicts(incoming, content, histories.of(US).of(incoming.signed.ssv_message.msg_id))
    for who in (peer, US) if forward else (peer,):
        _remember(histories, who, incoming, content)
    return Accept(incoming.committee.committee_id, incoming.slot, forward)


def validate_own(
    knowledge: Knowledge | None, histories: Histories, topic: str, data: bytes, at: Instant
) -> GossipVerdict:
    """Say whether an own message may be published on `topic`, and remember it as brought by us if so."""
    if knowledge is None:
        return refuse(GossipReason.NO_REGISTRY)
    incoming = _open(knowledge, topic, data, at, own=True)
    if isinstance(incoming, _Refused):
        return incoming
    content = _check(incoming, None)
    if isinstance(content, _Refused):
        return content
    _remember(histories, US, incoming, content)
    return Accept(incoming.committee.committee_id, incoming.slot)


def _open(knowledge: Knowledge, topic: str, data: bytes, at: Instant, *, own: bool = False) -> Incoming | Refusal:
    """Check all that can be checked before the content is decoded (1 to 25)."""
    signed = open_envelope(data)
    if isinstance(signed, _Refused):
        return signed
    network, directory, message = knowledge.network, knowledge.directory, signed.ssv_message
    for signer in signed.operator_ids:
        if signer not in directory.operator_keys:
            return refuse(GossipReason.UNKNOWN_OPERATOR, f"{signer}")
    claimed = claimed_slot(message.data)
    slot = network.chain.slot_at(at) if claimed is None else claimed  # without one, it will not decode
    refusal = check_kind(message) or check_message(network, message, slot)
    if refusal is not None:
        return refusal
    executor = directory.executor(message.msg_id)
    if isinstance(executor, _Refused):
        return executor
    incoming = Incoming(knowledge, signed, executor, slot, at, RunnerRole(message_role(message.msg_id)))
    return (
        (None if own else check_validator(incoming))
        or _check_members(incoming)
        or check_topic(network, slot, executor.committee, topic)
        or incoming
    )


def _check(incoming: Incoming, past: MessageHistory | None) -> Content | Refusal:
    """Decode the content and check it (26 to 64); without a `past` it is an own message."""
    if incoming.signed.ssv_message.msg_type == MsgType.CONSENSUS:
        content: Content | Refusal = open_consensus(incoming.signed)
    else:
        content = open_partials(incoming.signed)
    if isinstance(content, _Refused):
        return content
    if isinstance(content, QbftMessage):
        refusal = _check_consensus(incoming, content, past)
    else:
        refusal = _check_partials(incoming, content, past)
    return refusal or _check_signatures(incoming) or content


def _check_consensus(incoming: Incoming, message: QbftMessage, past: MessageHistory | None) -> Refusal | None:
    return (
        check_consensus(incoming, message)
        or (None if past is None else check_repetition(incoming, message, past))
        or check_round_has_begun(incoming, message)
        or (None if past is None else check_slot_is_not_past(incoming, past))
        or (None if past is None else check_duty(incoming, randao=False))
        or check_time(incoming.chain, incoming.role, incoming.slot, incoming.at)
        or (None if past is None else check_count_in_epoch(incoming, past))
    )


def _check_partials(incoming: Incoming, partials: PartialSignatures, past: MessageHistory | None) -> Refusal | None:
    randao = partials.type == PartialSignatureType.RANDAO
    return (
        check_partials(incoming, partials)
        or (None if past is None else check_slot_is_not_past(incoming, past))
        or (None if past is None else check_duty(incoming, randao=randao))
        or (None if past is None else check_batch_is_first(incoming, partials, past))
        or check_time(incoming.chain, incoming.role, incoming.slot, incoming.at)
        or (None if past is None else check_count_in_epoch(incoming, past))
        or check_count(incoming, partials)
    )


def _contradicts(incoming: Incoming, content: Content, ours: MessageHistory) -> bool:
    """Tell whether peers could hold a message against what we have brought them (39 to 42, 59)."""
    if isinstance(content, QbftMessage):
        return check_repetition(incoming, content, ours) is not None
    return check_batch_is_first(incoming, content, ours) is not None


def _check_members(incoming: Incoming) -> Refusal | None:
    for signer in incoming.signed.operator_ids:
        if signer not in incoming.committee.operator_ids:
            return refuse(GossipReason.SIGNER_NOT_IN_COMMITTEE, f"{signer}")
    return None


def _check_signatures(incoming: Incoming) -> Refusal | None:
    signed, keys = incoming.signed, incoming.knowledge.directory.operator_keys
    encoded = signed.ssv_message.encode()
    for signer, signature in zip(signed.operator_ids, signed.signatures, strict=True):
        key = keys[signer]
        if key is None or not rsa.verify(key, encoded, signature):
            return refuse(GossipReason.SIGNATURE, f"{signer}")
    return None


def _softened(knowledge: Knowledge, refusal: Refusal) -> Refusal:
    return refusal if knowledge.registry_is_fresh else spare_if_stale(refusal)


def _remember(histories: Histories, peer: bytes, incoming: Incoming, content: Content) -> None:
    signers = incoming.signed.operator_ids
    keep_slots = life_slots(incoming.chain, incoming.role)
    brought = histories.of(peer)
    history = brought.begin(incoming.signed.ssv_message.msg_id, incoming.at)
    if isinstance(content, QbftMessage):
        history.note_consensus(signers, content, keep_slots)
    else:
        history.note_batch(signers[0], content, keep_slots)
    brought.end(history)
    histories.keep_bounds(peer)
