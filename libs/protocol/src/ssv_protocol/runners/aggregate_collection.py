"""From selection proofs to the value that a committee proposes for its aggregates and contributions (Boole).

Each beacon committee's aggregate and each subcommittee's contribution is asked for once, however many validators were
selected for it. Whatever fails costs those who needed it their place, and nobody else.

Invariants: validators stand in the value in the order in which they were selected; each aggregate and contribution
stands where its first validator does. An answer to a question that was not asked changes nothing.

Source: ssv-spec ssv/aggregator_committee.go (processAggregatorSelectionProof, processSyncCommitteeSelectionProof).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ssv_protocol.drafts import SlotSelection, SyncSelection
from ssv_protocol.events import Event, FetchedAggregate, FetchedBlockRoot, FetchedContribution, FetchFailed
from ssv_protocol.fetches import Fetch, FetchAggregate, FetchBlockRoot, FetchContribution
from ssv_protocol.forks import Network
from ssv_protocol.runners.aggregation import AGGREGATES_ARE_DUE, BLOCK_ROOT_IS_DUE
from ssv_protocol.runners.partial_signature_container import SignatureKey
from ssv_protocol.types.aggregator_committee_data import AggregatorCommitteeConsensusData, AssignedAggregator
from ssv_protocol.types.beacon.sync_committee import SyncCommitteeContribution
from ssv_protocol.types.duty import ValidatorDuty
from ssv_protocol.types.ids import BlsSignature, Slot


@dataclass(frozen=True, slots=True)
class Candidate:
    """A validator that may be selected, by what it signs to learn it."""

    duty: ValidatorDuty
    item: SlotSelection | SyncSelection


@dataclass(frozen=True, slots=True)
class Selected:
    """A candidate that was selected; `key` is where its share signatures are."""

    key: SignatureKey
    candidate: Candidate
    proof: BlsSignature

    @property
    def place(self) -> AssignedAggregator:
        """How the consensus value names it."""
        item, duty = self.candidate.item, self.candidate.duty
        index = item.subcommittee_index if isinstance(item, SyncSelection) else duty.committee_index
        return AssignedAggregator(duty.validator_index, self.proof, index)


class AggregateCollection:
    """The questions for one batch of selected validators, and the answers so far."""

    def __init__(self, network: Network, slot: Slot, selected: Sequence[Selected]) -> None:
        self.selected = tuple(selected)
        self._slot = slot
        self._version = network.beacon_fork_at(slot)
        self._due = network.chain.in_slot(slot, AGGREGATES_ARE_DUE)
        self._block_root_due = network.chain.in_slot(slot, BLOCK_ROOT_IS_DUE)
        self._aggregates: dict[int, bytes] = {}
        self._contributions: dict[int, SyncCommitteeContribution] = {}
        self._open: set[Fetch] = set()
        places = [(isinstance(one.candidate.item, SyncSelection), one.place.committee_index) for one in selected]
        self._committees = dict.fromkeys(index for contributes, index in places if not contributes)
        self._subcommittees = dict.fromkeys(index for contributes, index in places if contributes)

    @property
    def complete(self) -> bool:
        """Whether every question has its answer, or has failed."""
        return not self._open

    def start(self) -> list[Fetch]:
        """Return the first questions."""
        questions: list[Fetch] = [FetchAggregate(self._slot, index, self._due) for index in self._committees]
        if self._subcommittees:
            questions.append(FetchBlockRoot(self._slot, self._block_root_due))
        return self._ask(questions)

    def answer(self, event: Event) -> list[Fetch]:
        """Take an answer, or a failure, and return further questions."""
        match event:
            case FetchedAggregate(request, aggregate) if self._close(request):
                self._aggregates[request.committee_index] = aggregate.encode()
            case FetchedBlockRoot(request, root) if self._close(request):
                return self._ask(
                    [FetchContribution(self._slot, index, root, self._due) for index in self._subcommittees]
                )
            case FetchedContribution(request, contribution) if self._close(request):
                if contribution is not None:
                    self._contributions[request.subcommittee_index] = contribution
            case FetchFailed(request):
                self._close(request)
        return []

    def found(self, one: Selected) -> bool:
        """Tell whether there is something for a selected validator to send."""
        return one.place.committee_index in self._answers(one)

    def value(self) -> AggregatorCommitteeConsensusData:
        """Return the value for those for whom something was found."""
        found = [one for one in self.selected if self.found(one)]
        aggregators = tuple(one.place for one in found if self._answers(one) is self._aggregates)
        contributors = tuple(one.place for one in found if self._answers(one) is self._contributions)
        indexes = tuple(dict.fromkeys(place.committee_index for place in aggregators))
        subcommittees = dict.fromkeys(place.committee_index for place in contributors)
        return AggregatorCommitteeConsensusData(
            self._version,
            aggregators,
            indexes,
            tuple(self._aggregates[index] for index in indexes),
            contributors,
            tuple(self._contributions[index] for index in subcommittees),
        )

    def _answers(self, one: Selected) -> dict[int, bytes] | dict[int, SyncCommitteeContribution]:
        return self._contributions if isinstance(one.candidate.item, SyncSelection) else self._aggregates

    def _ask(self, questions: list[Fetch]) -> list[Fetch]:
        self._open.update(questions)
        return questions

    def _close(self, request: Fetch) -> bool:
        """Tell whether a question was open; it is no longer."""
        was_open = request in self._open
        self._open.discard(request)
        return was_open
