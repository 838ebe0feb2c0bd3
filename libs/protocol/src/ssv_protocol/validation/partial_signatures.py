"""Batches of partial signatures: what can be said of one without knowing the others (rules 49 to 56, 61 to 63).

The BLS signatures themselves are not verified here, nor whether a committee's batch is for its own validators; the
duty's runner does that.

Source: ssvlabs/ssv message/validation (partial signature messages: semantics, counts).
"""

from __future__ import annotations

from collections import Counter

from ssv_protocol.errors import ProtocolError
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.partial_signatures import PartialSignatures
from ssv_protocol.types.roles import PartialSignatureType, RunnerRole
from ssv_protocol.validation.incoming import Incoming
from ssv_protocol.validation.limits import AGGREGATION_SUBNETS, MAX_CONTRIBUTION_BATCH, SYNC_SUBCOMMITTEE_SEATS
from ssv_protocol.validation.verdict import GossipReason, Refusal, refuse

_POST = PartialSignatureType.POST_CONSENSUS
_TYPES: dict[RunnerRole, frozenset[PartialSignatureType]] = {
    RunnerRole.COMMITTEE: frozenset({_POST}),
    RunnerRole.AGGREGATOR: frozenset({_POST, PartialSignatureType.SELECTION_PROOF}),
    RunnerRole.PROPOSER: frozenset({_POST, PartialSignatureType.RANDAO}),
    RunnerRole.SYNC_COMMITTEE_CONTRIBUTION: frozenset({_POST, PartialSignatureType.CONTRIBUTION_PROOFS}),
    RunnerRole.VALIDATOR_REGISTRATION: frozenset({PartialSignatureType.VALIDATOR_REGISTRATION}),
    RunnerRole.VOLUNTARY_EXIT: frozenset({PartialSignatureType.VOLUNTARY_EXIT}),
    RunnerRole.AGGREGATOR_COMMITTEE: frozenset({_POST, PartialSignatureType.AGGREGATOR_COMMITTEE}),
}
_KNOWN_TYPES = frozenset(PartialSignatureType)
_SYNC_SIGNATURES = {RunnerRole.COMMITTEE: 1, RunnerRole.AGGREGATOR_COMMITTEE: AGGREGATION_SUBNETS}
"""Partial signatures that one validator's seats in the sync committee can ask for, by committee role."""


def open_partials(signed: SignedSSVMessage) -> PartialSignatures | Refusal:
    """Decode the content of an envelope of partial signatures (49)."""
    try:
        return PartialSignatures.decode(signed.ssv_message.data)
    except ProtocolError as error:
        return refuse(GossipReason.PARTIALS_UNDECODABLE, error.detail)


def check_partials(incoming: Incoming, partials: PartialSignatures) -> Refusal | None:
    """Check a batch against its envelope (50 to 56)."""
    signed = incoming.signed
    if len(signed.operator_ids) != 1:
        return refuse(GossipReason.SEVERAL_SIGNERS, f"{len(signed.operator_ids)}")
    if signed.full_data:
        return refuse(GossipReason.UNEXPECTED_FULL_DATA)
    if partials.type not in _KNOWN_TYPES:
        return refuse(GossipReason.PARTIALS_TYPE, f"{partials.type}")
    if partials.type not in _TYPES[incoming.role]:
        return refuse(GossipReason.PARTIALS_OF_OTHER_ROLE, f"{partials.type} for role {incoming.role}")
    if not partials.messages:
        return refuse(GossipReason.PARTIALS_EMPTY)
    if any(partial.signer != signed.operator_ids[0] for partial in partials.messages):
        return refuse(GossipReason.PARTIALS_SIGNER)
    if incoming.validator is not None:
        known = incoming.beacon.validators.get(incoming.validator.public_key)
        if known is not None and any(partial.validator_index != known.index for partial in partials.messages):
            return refuse(GossipReason.OTHER_INDEX, f"not all for {known.index}")
    return None


def check_count(incoming: Incoming, partials: PartialSignatures) -> Refusal | None:
    """Check that a batch has no more than its duty can need (61 to 63)."""
    count = len(partials.messages)
    sync = _SYNC_SIGNATURES.get(incoming.role)
    if sync is None:
        most = MAX_CONTRIBUTION_BATCH if incoming.role is RunnerRole.SYNC_COMMITTEE_CONTRIBUTION else 1
        return refuse(GossipReason.PARTIALS_TOO_MANY, f"{count}, at most {most}") if count > most else None
    validators = len(incoming.committee.validators)
    most = min((1 + sync) * validators, validators + sync * SYNC_SUBCOMMITTEE_SEATS)
    if count > most:
        return refuse(GossipReason.PARTIALS_TOO_MANY, f"{count}, at most {most}")
    ((index, times),) = Counter(partial.validator_index for partial in partials.messages).most_common(1)
    return refuse(GossipReason.PARTIALS_REPEATED, f"{times} for {index}") if times > 1 + sync else None
