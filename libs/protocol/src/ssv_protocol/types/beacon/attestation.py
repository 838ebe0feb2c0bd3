"""Attestations and aggregates, in the shape before Electra and in the shape since.

EIP-7549 moved the committee out of the signed data: since Electra `AttestationData.index` is 0 and the
committees stand in `committee_bits`. Bits are tuples of bool.

Source: consensus-specs phase0/beacon-chain.md, phase0/validator.md, electra/beacon-chain.md,
electra/validator.md (SingleAttestation); EIP-7549.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ssz.sedes import Bitlist, Bitvector, bytes32, bytes96, uint64

from ssv_protocol.beacon_chain import BeaconFork
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.types.beacon.preset import MAX_COMMITTEES_PER_SLOT, MAX_VALIDATORS_PER_COMMITTEE
from ssv_protocol.types.fast_codec import FastSszContainer
from ssv_protocol.types.ids import BlsSignature, Epoch, Root, Slot, ValidatorIndex


@dataclass(frozen=True, slots=True)
class Checkpoint(FastSszContainer):
    """The first block of an epoch, as finality counts it."""

    epoch: Annotated[Epoch, uint64]
    root: Annotated[Root, bytes32]


@dataclass(frozen=True, slots=True)
class AttestationData(FastSszContainer):
    """What an attester signs; `index` is the committee before Electra and 0 since."""

    slot: Annotated[Slot, uint64]
    index: Annotated[int, uint64]
    beacon_block_root: Annotated[Root, bytes32]
    source: Checkpoint
    target: Checkpoint


@dataclass(frozen=True, slots=True)
class Phase0Attestation(FastSszContainer):
    """An attestation of one committee, before Electra; one bit per committee member."""

    aggregation_bits: Annotated[tuple[bool, ...], Bitlist(MAX_VALIDATORS_PER_COMMITTEE)]
    data: AttestationData
    signature: Annotated[BlsSignature, bytes96]


@dataclass(frozen=True, slots=True)
class ElectraAttestation(FastSszContainer):
    """An attestation since Electra: members of all committees whose bit is set, in committee order."""

    aggregation_bits: Annotated[tuple[bool, ...], Bitlist(MAX_VALIDATORS_PER_COMMITTEE * MAX_COMMITTEES_PER_SLOT)]
    data: AttestationData
    signature: Annotated[BlsSignature, bytes96]
    committee_bits: Annotated[tuple[bool, ...], Bitvector(MAX_COMMITTEES_PER_SLOT)]


@dataclass(frozen=True, slots=True)
class SingleAttestation(FastSszContainer):
    """One validator's attestation since Electra, as it is submitted."""

    committee_index: Annotated[int, uint64]
    attester_index: Annotated[ValidatorIndex, uint64]
    data: AttestationData
    signature: Annotated[BlsSignature, bytes96]


@dataclass(frozen=True, slots=True)
class Phase0AggregateAndProof(FastSszContainer):
    """An aggregate with the proof that its sender was selected, before Electra."""

    aggregator_index: Annotated[ValidatorIndex, uint64]
    aggregate: Phase0Attestation
    selection_proof: Annotated[BlsSignature, bytes96]

    def signed(self, signature: BlsSignature) -> SignedPhase0AggregateAndProof:
        """Return what is submitted."""
        return SignedPhase0AggregateAndProof(self, signature)


@dataclass(frozen=True, slots=True)
class SignedPhase0AggregateAndProof(FastSszContainer):
    """`Phase0AggregateAndProof` with the aggregator's signature."""

    message: Phase0AggregateAndProof
    signature: Annotated[BlsSignature, bytes96]


@dataclass(frozen=True, slots=True)
class ElectraAggregateAndProof(FastSszContainer):
    """An aggregate with the proof that its sender was selected, since Electra."""

    aggregator_index: Annotated[ValidatorIndex, uint64]
    aggregate: ElectraAttestation
    selection_proof: Annotated[BlsSignature, bytes96]

    def signed(self, signature: BlsSignature) -> SignedElectraAggregateAndProof:
        """Return what is submitted."""
        return SignedElectraAggregateAndProof(self, signature)


@dataclass(frozen=True, slots=True)
class SignedElectraAggregateAndProof(FastSszContainer):
    """`ElectraAggregateAndProof` with the aggregator's signature."""

    message: ElectraAggregateAndProof
    signature: Annotated[BlsSignature, bytes96]


Attestation = Phase0Attestation | ElectraAttestation
AggregateAndProof = Phase0AggregateAndProof | ElectraAggregateAndProof
SignedAggregateAndProof = SignedPhase0AggregateAndProof | SignedElectraAggregateAndProof


def aggregate_and_proof_type(
    version: int,
) -> type[Phase0AggregateAndProof] | type[ElectraAggregateAndProof]:
    """Return the container that a fork uses, given by its number on the wire.

    Raises:
        ProtocolError: UNKNOWN_VERSION.
    """
    if version not in frozenset(BeaconFork):
        raise ProtocolError(Reason.UNKNOWN_VERSION, str(version))
    return ElectraAggregateAndProof if version >= BeaconFork.ELECTRA else Phase0AggregateAndProof
