"""Messages of the sync committee, unchanged since Altair.

The root that a member signs is the block root itself, and for its selection as an aggregator the root of
`SyncAggregatorSelectionData`.

Source: consensus-specs altair/beacon-chain.md, altair/validator.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ssz.sedes import Bitvector, bytes32, bytes96, uint64

from ssv_protocol.types.beacon.preset import SYNC_COMMITTEE_SIZE, SYNC_SUBCOMMITTEE_SIZE
from ssv_protocol.types.ids import BlsSignature, Root, Slot, ValidatorIndex
from ssv_protocol.types.ssz import SszContainer


@dataclass(frozen=True, slots=True)
class SyncCommitteeMessage(SszContainer):
    """One member's signature over the head block root."""

    slot: Annotated[Slot, uint64]
    beacon_block_root: Annotated[Root, bytes32]
    validator_index: Annotated[ValidatorIndex, uint64]
    signature: Annotated[BlsSignature, bytes96]


@dataclass(frozen=True, slots=True)
class SyncCommitteeContribution(SszContainer):
    """The aggregate of one subcommittee; one bit per member."""

    slot: Annotated[Slot, uint64]
    beacon_block_root: Annotated[Root, bytes32]
    subcommittee_index: Annotated[int, uint64]
    aggregation_bits: Annotated[tuple[bool, ...], Bitvector(SYNC_SUBCOMMITTEE_SIZE)]
    signature: Annotated[BlsSignature, bytes96]


@dataclass(frozen=True, slots=True)
class ContributionAndProof(SszContainer):
    """A contribution with the proof that its sender was selected."""

    aggregator_index: Annotated[ValidatorIndex, uint64]
    contribution: SyncCommitteeContribution
    selection_proof: Annotated[BlsSignature, bytes96]


@dataclass(frozen=True, slots=True)
class SignedContributionAndProof(SszContainer):
    """`ContributionAndProof` with the aggregator's signature."""

    message: ContributionAndProof
    signature: Annotated[BlsSignature, bytes96]


@dataclass(frozen=True, slots=True)
class SyncAggregatorSelectionData(SszContainer):
    """What a member signs to learn whether it aggregates its subcommittee."""

    slot: Annotated[Slot, uint64]
    subcommittee_index: Annotated[int, uint64]


@dataclass(frozen=True, slots=True)
class SyncAggregate(SszContainer):
    """The whole committee's signature in a block; one bit per member."""

    sync_committee_bits: Annotated[tuple[bool, ...], Bitvector(SYNC_COMMITTEE_SIZE)]
    sync_committee_signature: Annotated[BlsSignature, bytes96]
