"""The aggregator runner (role 1, Alan): the aggregate of one validator's beacon committee.

The proof of selection is a signature over the slot. Machine and invariants: `selected_duty`.

Source: ssv-spec v1.2.2 ssv/aggregator.go; consensus-specs phase0/validator.md (Attestation aggregation), which also
says when a validator is no aggregator. The specification leaves that question to its beacon node.
"""

from __future__ import annotations

from collections.abc import Mapping

from ssv_protocol.effects import Effect, Event, FetchAggregateAndProof, FetchedAggregateAndProof, SlotSelection
from ssv_protocol.runners.aggregation import AGGREGATES_ARE_DUE
from ssv_protocol.runners.selected_duty import SelectedDutyRunner
from ssv_protocol.signing.objects import AggregateObject, aggregate_object
from ssv_protocol.types.ids import BlsSignature, Root
from ssv_protocol.types.roles import BeaconRole, PartialSignatureType, RunnerRole
from ssv_protocol.types.validator_data import ValidatorConsensusData


class AggregatorRunner(SelectedDutyRunner):
    """One aggregation of one validator."""

    ROLE = RunnerRole.AGGREGATOR
    BEACON_ROLE = BeaconRole.AGGREGATOR
    PROOFS = PartialSignatureType.SELECTION_PROOF

    def _selections(self) -> tuple[SlotSelection]:
        return (SlotSelection(self.duty.validator_index, self.seat.share.validator_pubkey, self.duty.slot),)

    def _collect(self, proofs: Mapping[Root, BlsSignature]) -> list[Effect]:
        duty, proof = self.duty, proofs[self.selection_roots[0]]
        if not self.seat.selection.is_aggregator(duty, proof):
            return []
        due = self.chain.in_slot(duty.slot, AGGREGATES_ARE_DUE)
        return [FetchAggregateAndProof(duty.slot, duty.committee_index, duty.validator_index, proof, due)]

    def _fetched(self, event: Event) -> ValidatorConsensusData | list[Effect]:
        if not isinstance(event, FetchedAggregateAndProof):
            return []
        version = self.seat.network.beacon_fork_at(self.duty.slot)
        return ValidatorConsensusData(self.duty, version, event.message.encode())

    def _objects(self, value: ValidatorConsensusData) -> tuple[AggregateObject]:
        return (aggregate_object(self.chain, self.duty.slot, value.aggregate_and_proof(), self.duty),)
