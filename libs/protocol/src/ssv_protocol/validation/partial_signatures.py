"""Batches of partial signatures: what can be said of one without knowing the others.

The BLS signatures themselves are not verified here; the duty's runner does that.

Source: ssvlabs/ssv message/validation (partial signature messages, semantics).
"""

from __future__ import annotations

from ssv_protocol.errors import ProtocolError
from ssv_protocol.forks import SsvFork
from ssv_protocol.types.message_id import message_role
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.partial_signatures import PartialSignatures
from ssv_protocol.types.roles import PartialSignatureType, RunnerRole
from ssv_protocol.validation.limits import MAX_PARTIALS
from ssv_protocol.validation.verdict import GossipReason, Refusal, Reject

_POST = PartialSignatureType.POST_CONSENSUS
_TYPES: dict[int, frozenset[int]] = {
    RunnerRole.COMMITTEE: frozenset({_POST}),
    RunnerRole.AGGREGATOR: frozenset({_POST, PartialSignatureType.SELECTION_PROOF}),
    RunnerRole.PROPOSER: frozenset({_POST, PartialSignatureType.RANDAO}),
    RunnerRole.SYNC_COMMITTEE_CONTRIBUTION: frozenset({_POST, PartialSignatureType.CONTRIBUTION_PROOFS}),
    RunnerRole.VALIDATOR_REGISTRATION: frozenset({PartialSignatureType.VALIDATOR_REGISTRATION}),
    RunnerRole.VOLUNTARY_EXIT: frozenset({PartialSignatureType.VOLUNTARY_EXIT}),
    RunnerRole.AGGREGATOR_COMMITTEE: frozenset({_POST, PartialSignatureType.AGGREGATOR_COMMITTEE}),
}


def open_partials(signed: SignedSSVMessage) -> PartialSignatures | Refusal:
    """Decode the content of an envelope of partial signatures."""
    try:
        return PartialSignatures.decode(signed.ssv_message.data)
    except ProtocolError as error:
        return Reject(GossipReason.PARTIALS_UNDECODABLE, error.detail)


def check_partials(signed: SignedSSVMessage, partials: PartialSignatures, fork: SsvFork) -> Refusal | None:
    """Check a batch against its envelope."""
    if len(signed.operator_ids) != 1:
        return Reject(GossipReason.SEVERAL_SIGNERS, f"{len(signed.operator_ids)}")
    if signed.full_data:
        return Reject(GossipReason.UNEXPECTED_FULL_DATA)
    if partials.type not in _TYPES[message_role(signed.ssv_message.msg_id)]:
        return Reject(GossipReason.PARTIALS_TYPE, f"{partials.type}")
    if not partials.messages:
        return Reject(GossipReason.PARTIALS_EMPTY)
    if len(partials.messages) > MAX_PARTIALS[fork]:
        return Reject(GossipReason.PARTIALS_TOO_MANY, f"{len(partials.messages)}")
    if any(partial.signer != signed.operator_ids[0] for partial in partials.messages):
        return Reject(GossipReason.PARTIALS_SIGNER)
    return None
