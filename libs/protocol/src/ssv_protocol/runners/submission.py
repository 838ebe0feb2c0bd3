"""The beacon objects that a committee duty ends with, in the shape their fork wants.

Source: EIP-7549 and consensus-specs electra/validator.md (SingleAttestation); phase0/validator.md.
"""

from __future__ import annotations

from collections.abc import Sequence

from ssv_protocol.beacon_chain import BeaconFork
from ssv_protocol.effects import Submit
from ssv_protocol.signing.objects import AttestationObject, CommitteeObject
from ssv_protocol.types.beacon.attestation import Phase0Attestation, SingleAttestation
from ssv_protocol.types.beacon.sync_committee import SyncCommitteeMessage
from ssv_protocol.types.ids import BlsSignature


def submission_of(complete: Sequence[tuple[CommitteeObject, BlsSignature]], fork: BeaconFork) -> Submit:
    """Return everything that is signed, attestations apart from sync committee messages."""
    attestations = [(item, sig) for item, sig in complete if isinstance(item, AttestationObject)]
    return Submit(
        attesters=tuple(item.duty.validator_index for item, _ in attestations),
        attestations=tuple(_attestation(item, signature, fork) for item, signature in attestations),
        sync_messages=tuple(
            SyncCommitteeMessage(item.duty.slot, item.block_root, item.duty.validator_index, signature)
            for item, signature in complete
            if not isinstance(item, AttestationObject)
        ),
    )


def _attestation(
    item: AttestationObject, signature: BlsSignature, fork: BeaconFork
) -> SingleAttestation | Phase0Attestation:
    duty = item.duty
    if fork >= BeaconFork.ELECTRA:
        return SingleAttestation(duty.committee_index, duty.validator_index, item.data, signature)
    bits = tuple(position == duty.validator_committee_index for position in range(duty.committee_length))
    return Phase0Attestation(bits, item.data, signature)
