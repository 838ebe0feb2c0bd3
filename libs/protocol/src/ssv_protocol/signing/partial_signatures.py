"""May the operator send this batch of share signatures? One batch per duty and phase.

The first batch on record for (message id, slot, type) is the only one: whatever is asked later, it is the answer.
Peers count one message of each kind from an operator, so a second, different one would be dropped and held
against it.

Not judged here: whether each signature in the batch may be made; see `attestation`, `block`, `post_consensus`.

Source: architecture §5.2; ssv-spec types/partial_sig_message.go; ssvlabs/ssv message validation.
"""

from __future__ import annotations

from collections.abc import Collection

from ssv_protocol.forks import Network
from ssv_protocol.signing import message_id as message_ids
from ssv_protocol.signing import window
from ssv_protocol.signing.records import PartialSignaturesRecord
from ssv_protocol.signing.verdict import Approved, DenialReason, Denied
from ssv_protocol.types.ids import BlsPublicKey, MessageId, Slot
from ssv_protocol.types.message_id import message_role
from ssv_protocol.types.partial_signatures import MAX_PARTIAL_SIGNATURES
from ssv_protocol.types.roles import PartialSignatureType, RunnerRole

_TYPES: dict[RunnerRole, frozenset[PartialSignatureType]] = {
    RunnerRole.COMMITTEE: frozenset({PartialSignatureType.POST_CONSENSUS}),
    RunnerRole.AGGREGATOR: frozenset({PartialSignatureType.SELECTION_PROOF, PartialSignatureType.POST_CONSENSUS}),
    RunnerRole.PROPOSER: frozenset({PartialSignatureType.RANDAO, PartialSignatureType.POST_CONSENSUS}),
    RunnerRole.SYNC_COMMITTEE_CONTRIBUTION: frozenset(
        {PartialSignatureType.CONTRIBUTION_PROOFS, PartialSignatureType.POST_CONSENSUS}
    ),
    RunnerRole.VALIDATOR_REGISTRATION: frozenset({PartialSignatureType.VALIDATOR_REGISTRATION}),
    RunnerRole.VOLUNTARY_EXIT: frozenset({PartialSignatureType.VOLUNTARY_EXIT}),
    RunnerRole.AGGREGATOR_COMMITTEE: frozenset(
        {PartialSignatureType.AGGREGATOR_COMMITTEE, PartialSignatureType.POST_CONSENSUS}
    ),
}
NEVER_TOO_OLD = frozenset({PartialSignatureType.VALIDATOR_REGISTRATION, PartialSignatureType.VOLUNTARY_EXIT})
"""What may be signed for a slot whose record was pruned: a second one with other content is no offence."""


def check_duty(
    network: Network, message_id: MessageId, slot: Slot, kind: PartialSignatureType, clock: Slot
) -> Denied | None:
    """Refuse a duty for which no such batch may be sent now; `clock` is the signer's slot."""
    denied = message_ids.check(network, message_id, slot)
    if denied is not None:
        return denied
    role = RunnerRole(message_role(message_id))
    if kind not in _TYPES[role]:
        return Denied(DenialReason.WRONG_ROLE, f"role {role.name} sends no {kind.name}")
    return window.check(network.chain, slot, clock, may_be_old=kind in NEVER_TOO_OLD)


def check_repeat(sent: PartialSignaturesRecord, held: Collection[BlsPublicKey]) -> Denied | None:
    """Refuse to make a recorded message again with fewer shares: that would be a second, different one."""
    gone = [item.validator_index for item in sent.items if item.share_pubkey not in held]
    return Denied(DenialReason.SHARE_REMOVED, f"validators {gone}") if gone else None


def check(
    network: Network,
    record: PartialSignaturesRecord | None,
    message_id: MessageId,
    wanted: PartialSignaturesRecord,
    clock: Slot,
) -> Approved[PartialSignaturesRecord] | Denied:
    """Judge a batch against the record of its (message id, slot, type).

    The approved record is the batch to sign: the wanted one, or the one that was there before.
    """
    denied = check_duty(network, message_id, wanted.slot, wanted.type, clock)
    if denied is not None:
        return denied
    if record is not None:
        return Approved(record)
    if not wanted.items:
        return Denied(DenialReason.NOTHING_TO_SIGN)
    if len(wanted.items) > MAX_PARTIAL_SIGNATURES:
        return Denied(DenialReason.MALFORMED, f"{len(wanted.items)} signatures in one message")
    return Approved(wanted)
