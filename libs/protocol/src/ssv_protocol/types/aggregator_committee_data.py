"""The value a committee agrees on for aggregates and sync committee contributions (Boole).

Each beacon committee's aggregate and each subnet's contribution is carried once, however many validators
send it.

Source: ssv-spec types/consensus_data.go; SIP "aggregator committee consensus".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from ssz.sedes import ByteList, List, bytes96, uint64

from ssv_protocol.beacon_chain import BeaconFork
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.types.beacon.attestation import (
    AggregateAndProof,
    ElectraAggregateAndProof,
    ElectraAttestation,
    Phase0AggregateAndProof,
    Phase0Attestation,
)
from ssv_protocol.types.beacon.preset import MAX_COMMITTEES_PER_SLOT, SYNC_COMMITTEE_SUBNET_COUNT
from ssv_protocol.types.beacon.sync_committee import ContributionAndProof, SyncCommitteeContribution
from ssv_protocol.types.fast_codec import FastSszContainer
from ssv_protocol.types.ids import BlsSignature, ValidatorIndex
from ssv_protocol.types.ssz import list_of

MAX_AGGREGATORS = 3_000
MAX_CONTRIBUTORS = 2_048
MAX_ATTESTATION_BYTES = 131_308
"""Far above the longest attestation: the specification counts the bits of an aggregate as bytes."""


@dataclass(frozen=True, slots=True)
class AssignedAggregator(FastSszContainer):
    """A validator that was selected. `committee_index` is a beacon committee, or for contributors a subnet."""

    validator_index: Annotated[ValidatorIndex, uint64]
    selection_proof: Annotated[BlsSignature, bytes96]
    committee_index: Annotated[int, uint64]


@dataclass(frozen=True, slots=True)
class AggregatorCommitteeConsensusData(FastSszContainer):
    """Who aggregates what. `version` is a `BeaconFork`.

    `aggregated_attestations` are encoded, one for each of `aggregator_committee_indexes`, in their order.
    What is derived from a value presumes that `validate` has passed.
    """

    version: Annotated[int, uint64]
    aggregators: Annotated[tuple[AssignedAggregator, ...], list_of(AssignedAggregator, MAX_AGGREGATORS)]
    aggregator_committee_indexes: Annotated[tuple[int, ...], List(uint64, MAX_COMMITTEES_PER_SLOT)]
    aggregated_attestations: Annotated[
        tuple[bytes, ...], List(ByteList(MAX_ATTESTATION_BYTES), MAX_COMMITTEES_PER_SLOT)
    ]
    contributors: Annotated[tuple[AssignedAggregator, ...], list_of(AssignedAggregator, MAX_CONTRIBUTORS)]
    sync_committee_contributions: Annotated[
        tuple[SyncCommitteeContribution, ...],
        list_of(SyncCommitteeContribution, SYNC_COMMITTEE_SUBNET_COUNT),
    ]

    def validate(self) -> None:
        """Check that aggregators and aggregates, contributors and contributions fit, nothing left over.

        Raises:
            ProtocolError: in this order AGGREGATOR_DATA_EMPTY, AGGREGATOR_INDEX_COUNT,
                AGGREGATOR_INDEX_DUPLICATE, AGGREGATOR_INDEX_UNLISTED, AGGREGATOR_INDEX_UNUSED,
                AGGREGATOR_ATTESTATION_DECODE, CONTRIBUTION_SUBNET_DUPLICATE, CONTRIBUTION_SUBNET_UNLISTED,
                CONTRIBUTION_SUBNET_UNUSED.
        """
        if not self.aggregators and not self.contributors:
            raise ProtocolError(Reason.AGGREGATOR_DATA_EMPTY)
        if len(self.aggregator_committee_indexes) != len(self.aggregated_attestations):
            raise ProtocolError(
                Reason.AGGREGATOR_INDEX_COUNT,
                f"{len(self.aggregator_committee_indexes)} indexes, {len(self.aggregated_attestations)} attestations",
            )
        _check_one_to_one(
            self.aggregator_committee_indexes,
            self.aggregators,
            duplicate=Reason.AGGREGATOR_INDEX_DUPLICATE,
            unlisted=Reason.AGGREGATOR_INDEX_UNLISTED,
            unused=Reason.AGGREGATOR_INDEX_UNUSED,
        )
        attestation_type = ElectraAttestation if self.version >= BeaconFork.ELECTRA else Phase0Attestation
        for encoded in self.aggregated_attestations:
            try:
                attestation_type.decode(encoded)
            except ProtocolError as error:
                raise ProtocolError(Reason.AGGREGATOR_ATTESTATION_DECODE, error.detail) from None
        _check_one_to_one(
            [contribution.subcommittee_index for contribution in self.sync_committee_contributions],
            self.contributors,
            duplicate=Reason.CONTRIBUTION_SUBNET_DUPLICATE,
            unlisted=Reason.CONTRIBUTION_SUBNET_UNLISTED,
            unused=Reason.CONTRIBUTION_SUBNET_UNUSED,
        )

    def aggregates_and_proofs(self) -> tuple[AggregateAndProof, ...]:
        """Return what each of `aggregators` is to sign, in their order.

        Raises:
            ProtocolError: AGGREGATOR_INDEX_UNLISTED, SSZ_DECODE, UNKNOWN_BLOCK_VERSION.
        """
        if self.aggregators and self.version not in frozenset(BeaconFork):
            raise ProtocolError(Reason.UNKNOWN_BLOCK_VERSION, str(self.version))
        encoded_by_index = dict(zip(self.aggregator_committee_indexes, self.aggregated_attestations, strict=False))
        objects: list[AggregateAndProof] = []
        for aggregator in self.aggregators:
            encoded = encoded_by_index.get(aggregator.committee_index)
            if encoded is None:
                raise ProtocolError(Reason.AGGREGATOR_INDEX_UNLISTED, f"committee {aggregator.committee_index}")
            index, proof = aggregator.validator_index, aggregator.selection_proof
            if self.version >= BeaconFork.ELECTRA:
                objects.append(ElectraAggregateAndProof(index, ElectraAttestation.decode(encoded), proof))
            else:
                objects.append(Phase0AggregateAndProof(index, Phase0Attestation.decode(encoded), proof))
        return tuple(objects)

    def contributions_and_proofs(self) -> tuple[ContributionAndProof, ...]:
        """Return what each of `contributors` is to sign, in their order.

        Raises:
            ProtocolError: CONTRIBUTION_SUBNET_UNLISTED.
        """
        by_subnet = {item.subcommittee_index: item for item in self.sync_committee_contributions}
        objects: list[ContributionAndProof] = []
        for contributor in self.contributors:
            contribution = by_subnet.get(contributor.committee_index)
            if contribution is None:
                raise ProtocolError(Reason.CONTRIBUTION_SUBNET_UNLISTED, f"subnet {contributor.committee_index}")
            objects.append(ContributionAndProof(contributor.validator_index, contribution, contributor.selection_proof))
        return tuple(objects)


def _check_one_to_one(
    listed: Iterable[int],
    assigned: Iterable[AssignedAggregator],
    *,
    duplicate: Reason,
    unlisted: Reason,
    unused: Reason,
) -> None:
    """Check that the listed indexes are distinct and are exactly those that the validators use."""
    indexes: set[int] = set()
    for index in listed:
        if index in indexes:
            raise ProtocolError(duplicate, str(index))
        indexes.add(index)
    used = {aggregator.committee_index for aggregator in assigned}
    if used - indexes:
        raise ProtocolError(unlisted, str(min(used - indexes)))
    if indexes - used:
        raise ProtocolError(unused, str(min(indexes - used)))
