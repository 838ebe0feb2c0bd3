"""The contribution runner (role 3, Alan): what one validator aggregates of its sync subcommittees.

A validator signs one proof for each of its seats in the sync committee, so two seats in one subcommittee give the same
proof twice; peers expect exactly that. It contributes once to each subcommittee that its proof selects it for.
Machine and invariants: `selected_duty`.

Source: ssv-spec v1.2.2 ssv/sync_committee_aggregator.go; consensus-specs altair/validator.md (Sync committee
contributions).
"""

from __future__ import annotations

from collections.abc import Mapping

from ssv_protocol.effects import (
    Effect,
    Event,
    FetchBlockRoot,
    FetchContribution,
    FetchContributions,
    FetchedBlockRoot,
    FetchedContributions,
    Report,
    SyncSelection,
)
from ssv_protocol.errors import Reason
from ssv_protocol.runners.aggregation import AGGREGATES_ARE_DUE, BLOCK_ROOT_IS_DUE
from ssv_protocol.runners.consensus_phase import ConsensusLane
from ssv_protocol.runners.seats import ValidatorSeat
from ssv_protocol.runners.selected_duty import SelectedDutyRunner
from ssv_protocol.signing.objects import ContributionObject, contribution_objects
from ssv_protocol.types.contributions import encode_contributions
from ssv_protocol.types.duty import ValidatorDuty
from ssv_protocol.types.ids import BlsSignature, Root
from ssv_protocol.types.roles import BeaconRole, PartialSignatureType, RunnerRole
from ssv_protocol.types.validator_data import ValidatorConsensusData


class SyncContributionRunner(SelectedDutyRunner):
    """The contributions of one validator in one slot."""

    ROLE = RunnerRole.SYNC_COMMITTEE_CONTRIBUTION
    BEACON_ROLE = BeaconRole.SYNC_COMMITTEE_CONTRIBUTION
    PROOFS = PartialSignatureType.CONTRIBUTION_PROOFS

    def __init__(self, seat: ValidatorSeat, duty: ValidatorDuty, lane: ConsensusLane | None = None) -> None:
        super().__init__(seat, duty, lane)
        self._selected: dict[int, BlsSignature] = {}
        """The subcommittees to contribute to, in the order of the validator's seats, with their proofs."""

    def _selections(self) -> tuple[SyncSelection, ...]:
        duty, pubkey, subcommittee_of = self.duty, self.seat.share.validator_pubkey, self.seat.selection.subcommittee_of
        return tuple(
            SyncSelection(duty.validator_index, pubkey, duty.slot, subcommittee_of(position))
            for position in duty.validator_sync_committee_indices
        )

    def _collect(self, proofs: Mapping[Root, BlsSignature]) -> list[Effect]:
        is_selected = self.seat.selection.is_sync_aggregator
        for item, root in zip(self._selections(), self.selection_roots, strict=True):
            if is_selected(proofs[root]):
                self._selected[item.subcommittee_index] = proofs[root]
        if not self._selected:
            return []
        return [FetchBlockRoot(self.duty.slot, self.chain.in_slot(self.duty.slot, BLOCK_ROOT_IS_DUE))]

    def _fetched(self, event: Event) -> ValidatorConsensusData | list[Effect]:
        match event:
            case FetchedBlockRoot(_, block_root):
                slot, due = self.duty.slot, self.chain.in_slot(self.duty.slot, AGGREGATES_ARE_DUE)
                questions = tuple(FetchContribution(slot, index, block_root, due) for index in self._selected)
                return [FetchContributions(questions, tuple(self._selected.values()))]
            case FetchedContributions(_, (), _):
                return [Report(Reason.FETCH_FAILED, "no contributions", self.duty.validator_index)]
            case FetchedContributions(_, contributions, version):
                return ValidatorConsensusData(self.duty, version, encode_contributions(contributions))
        return []

    def _objects(self, value: ValidatorConsensusData) -> tuple[ContributionObject, ...]:
        return contribution_objects(self.chain, self.duty.slot, value.contributions(), self.duty)
