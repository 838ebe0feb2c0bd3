"""Validation of one gossip message, cheapest rules first, RSA last.

Pure and without memory: what depends on earlier messages or on the beacon chain's duties is not checked, so an
operator of a committee can still send many well-formed messages of its own duties. Workers check what they use again.

Source: ssvlabs/ssv message/validation; architecture §5.7.
"""

from __future__ import annotations

from ssv_protocol.crypto import rsa
from ssv_protocol.forks import Network
from ssv_protocol.types.ids import Instant, Slot
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.partial_signatures import PartialSignatures
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import MsgType
from ssv_protocol.validation.consensus import check_consensus, open_consensus
from ssv_protocol.validation.directory import Directory, KnownCommittee
from ssv_protocol.validation.envelope import open_envelope
from ssv_protocol.validation.partial_signatures import check_partials, open_partials
from ssv_protocol.validation.slot_rules import check_slot
from ssv_protocol.validation.verdict import Accept, GossipReason, GossipVerdict, Ignore, Refusal, Reject

_Refused = (Ignore, Reject)


def validate(network: Network, directory: Directory | None, topic: str, data: bytes, at: Instant) -> GossipVerdict:
    """Say what to do with `data`, which came on `topic` at `at`; `directory` is None while no registry is known."""
    if directory is None:
        return Ignore(GossipReason.NO_REGISTRY)
    signed = open_envelope(data)
    if isinstance(signed, _Refused):
        return signed
    committee = directory.committee(signed.ssv_message.msg_id)
    if isinstance(committee, Ignore):
        return committee
    content = _open(signed)
    if isinstance(content, _Refused):
        return content
    slot = Slot(content.height) if isinstance(content, QbftMessage) else content.slot
    return (
        check_slot(network, signed, slot, committee, topic=topic, at=at)
        or _check_signers(directory, committee, signed)
        or _check_content(network, committee, signed, content, slot)
        or _check_signatures(directory, signed)
        or Accept(committee.committee_id, slot)
    )


def _open(signed: SignedSSVMessage) -> QbftMessage | PartialSignatures | Refusal:
    return open_consensus(signed) if signed.ssv_message.msg_type == MsgType.CONSENSUS else open_partials(signed)


def _check_signers(directory: Directory, committee: KnownCommittee, signed: SignedSSVMessage) -> Refusal | None:
    for signer in signed.operator_ids:
        if signer not in directory.operator_keys:
            return Ignore(GossipReason.UNKNOWN_OPERATOR, f"{signer}")
        if signer not in committee.operator_ids:
            return Reject(GossipReason.SIGNER_NOT_IN_COMMITTEE, f"{signer}")
    return None


def _check_content(
    network: Network,
    committee: KnownCommittee,
    signed: SignedSSVMessage,
    content: QbftMessage | PartialSignatures,
    slot: Slot,
) -> Refusal | None:
    if isinstance(content, QbftMessage):
        return check_consensus(signed, content, len(committee.operator_ids))
    return check_partials(signed, content, network.ssv_fork_at(slot))


def _check_signatures(directory: Directory, signed: SignedSSVMessage) -> Refusal | None:
    encoded = signed.ssv_message.encode()
    for signer, signature in zip(signed.operator_ids, signed.signatures, strict=True):
        key = directory.operator_keys[signer]
        if key is None or not rsa.verify(key, encoded, signature):
            return Reject(GossipReason.SIGNATURE, f"{signer}")
    return None
