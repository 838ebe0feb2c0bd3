"""What Alan's aggregation duties have in common: selection proofs, consensus, signatures of one validator (roles 1, 3).

    start      → one partial signature for each selection proof
    quorum     → Combine
    combined   → nothing when no proof selects the validator; otherwise fetch what is to be proposed
    fetched    → the value is proposed or awaited: QBFT
    decided    → partial signatures over the decided objects
    quorum     → Combine → Submit

What is selected, fetched and signed is a role's own: `aggregator`, `sync_contribution`.

Invariants: the decided value is for this duty's slot; nothing is signed for a value that the own check refuses; each
object is submitted once. Consensus waits until every proof is there, whose roots are strict: a message that does not
carry exactly the expected ones is refused whole.
Not guaranteed: that a decision counts without an own value; before that is fetched, consensus messages come too early.

Source: ssv-spec v1.2.2 ssv/aggregator.go, ssv/sync_committee_aggregator.go, ssv/runner.go.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from ssv_protocol.drafts import SlotSelection, SyncSelection
from ssv_protocol.effects import (
    Combined,
    CombinedAll,
    Effect,
    Event,
    FetchFailed,
    Finish,
    PostConsensusDraft,
    PreConsensusDraft,
    Received,
    Refused,
    Report,
    Send,
    TimerFired,
)
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.qbft.received import ReceivedMessage
from ssv_protocol.runners.aggregation import submission_of
from ssv_protocol.runners.consensus_phase import ConsensusLane, ConsensusPhase
from ssv_protocol.runners.ledger import MissedReason
from ssv_protocol.runners.missed import undecided_reason, unsigned_reason
from ssv_protocol.runners.partial_signature_container import SignatureKey
from ssv_protocol.runners.runner import Progress
from ssv_protocol.runners.seats import ValidatorSeat
from ssv_protocol.runners.signature_phase import SignaturePhase
from ssv_protocol.runners.validator_data_check import ValidatorDataCheck
from ssv_protocol.signing.objects import AggregatorCommitteeObject, pre_consensus_root
from ssv_protocol.types.duty import ValidatorDuty
from ssv_protocol.types.ids import BlsSignature, Epoch, Instant, Root, ValidatorIndex
from ssv_protocol.types.message_id import validator_message_id
from ssv_protocol.types.partial_signatures import PartialSignatures
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import BeaconRole, PartialSignatureType, RunnerRole
from ssv_protocol.types.validator_data import ValidatorConsensusData


class SelectedDutyRunner(ABC):
    """One such duty of one validator, from its selection proofs to its submission."""

    ROLE: RunnerRole
    BEACON_ROLE: BeaconRole
    PROOFS: PartialSignatureType

    def __init__(self, seat: ValidatorSeat, duty: ValidatorDuty, lane: ConsensusLane | None = None) -> None:
        network, share = seat.network, seat.share
        self.duty = duty
        self.message_id = validator_message_id(network.domain_at(duty.slot), self.ROLE, share.validator_pubkey)
        self.finished = False
        self.seat = seat
        self.chain = network.chain
        self.selections = self._selections()
        self.selection_roots = tuple(pre_consensus_root(self.chain, duty.slot, item) for item in self.selections)
        """Of `selections`, in their order."""
        lane = lane or ConsensusLane(self.message_id, seat.member, network, seat.cutoff_round)
        self.pre_consensus = SignaturePhase(seat.member, seat.shares)
        self.consensus = ConsensusPhase(lane, duty.slot, self._check_value)
        self.post_consensus = SignaturePhase(seat.member, seat.shares)
        self._check = ValidatorDataCheck(
            self.BEACON_ROLE, share.validator_pubkey, share.validator_index, self.chain, self._current_epoch
        )
        self._at = self.chain.slot_start(duty.slot)
        self._proofs: dict[Root, BlsSignature] = {}
        self._expected: dict[SignatureKey, AggregatorCommitteeObject] = {}
        self._refused: set[PartialSignatureType] = set()

    # a role's own

    @abstractmethod
    def _selections(self) -> tuple[SlotSelection | SyncSelection, ...]:
        """Return what the validator signs to learn whether it is selected."""

    @abstractmethod
    def _collect(self, proofs: Mapping[Root, BlsSignature]) -> list[Effect]:
        """Return what is to be fetched under these proofs, which are complete; nothing when none of them selects."""

    @abstractmethod
    def _fetched(self, event: Event) -> ValidatorConsensusData | list[Effect]:
        """Return the value that an answer makes complete, or what is to be fetched besides."""

    @abstractmethod
    def _objects(self, value: ValidatorConsensusData) -> Sequence[AggregatorCommitteeObject]:
        """Return what the validator signs of a decided value."""

    # all of them

    def start(self) -> list[Effect]:
        """Begin the duty: sign the selection proofs."""
        return [Send(PreConsensusDraft(self.message_id, self.duty.slot, self.PROOFS, self.selections))]

    def resume(self, progress: Progress) -> None:
        """Take up the duty in mid-course; see `Runner.resume`."""
        for message in progress.pre_consensus:
            self.pre_consensus.container.add(message)
        self.consensus.resume(progress.instance, progress.decided_value)
        for message in progress.post_consensus:
            self.post_consensus.container.add(message)
        if progress.decided_value:
            self._expect(progress.decided_value)
        self.finished = progress.finished

    def step(self, event: Event, at: Instant) -> list[Effect]:
        """Take one event and return what is to be done.

        Raises:
            ProtocolError: a message or a fetched value was refused; state changes of a refused message are those of
                the specification.
        """
        self._at = at
        match event:
            case TimerFired(round_):
                return self.consensus.timed_out(round_, at)
            case Received(signed, content):
                if isinstance(content, QbftMessage):
                    return self._consensus(ReceivedMessage(signed, content), at)
                return self._share_signatures(content)
            case CombinedAll(results):
                return self._proofs_combined(results) + self._objects_combined(results)
            case FetchFailed(_, detail):
                return [Report(Reason.FETCH_FAILED, detail, self.duty.validator_index)]
            case Refused(PreConsensusDraft(), _, _):
                self._refused.add(self.PROOFS)
                return []
            case Refused(PostConsensusDraft(), _, _):
                self._refused.add(PartialSignatureType.POST_CONSENSUS)
                return []
        return self._propose(event, at)

    def missed_reason(
        self, validator_index: ValidatorIndex, duty_type: BeaconRole | None = None
    ) -> MissedReason | None:
        """Return what keeps the duty from being done; None when it is done, or the validator was not selected."""
        if self.finished:
            return None
        refused = PartialSignatureType.POST_CONSENSUS in self._refused
        reasons = [unsigned_reason(self.post_consensus, key, refused=refused) for key in self._expected]
        if not reasons and self.consensus.started:
            return undecided_reason(self.consensus, self.seat.cutoff_round)
        if not reasons:
            refused = self.PROOFS in self._refused
            keys = [(validator_index, root) for root in self.selection_roots]
            reasons = [unsigned_reason(self.pre_consensus, key, refused=refused) for key in keys]
            reasons.append(MissedReason.NO_AGGREGATE)
        return next((reason for reason in reasons if reason is not None), None)

    def _share_signatures(self, partials: PartialSignatures) -> list[Effect]:
        if self.finished:
            raise ProtocolError(Reason.DUTY_FINISHED)
        phase, roots = self.pre_consensus, list(self.selection_roots)
        if partials.type == PartialSignatureType.POST_CONSENSUS:
            self.consensus.check_decided()
            phase, roots = self.post_consensus, [root for _, root in self._expected]
        phase.check_exactly(partials, self.duty.slot, roots)
        return phase.combine(phase.store(partials))

    def _proofs_combined(self, results: tuple[Combined, ...]) -> list[Effect]:
        good, effects = self.pre_consensus.combined(results)
        self._proofs.update({root: proof for (_, root), proof in good.items()})
        if not good or not self._proofs.keys() >= set(self.selection_roots):
            return effects
        fetches = self._collect(self._proofs)
        if not fetches:
            self.finished = True
            fetches = [Finish()]
        return effects + fetches

    def _propose(self, event: Event, at: Instant) -> list[Effect]:
        if self.finished or self.consensus.started:
            return []
        value = self._fetched(event)
        return self.consensus.start(value.encode(), at) if isinstance(value, ValidatorConsensusData) else value

    def _current_epoch(self) -> Epoch:
        return self.chain.epoch_of(self.chain.slot_at(self._at))

    def _check_value(self, value: bytes) -> None:
        self._check(value)
        slot = ValidatorConsensusData.decode(value).duty.slot
        if slot != self.duty.slot:
            raise ProtocolError(Reason.VALUE_INVALID, f"slot {slot} in slot {self.duty.slot}")

    def _consensus(self, message: ReceivedMessage, at: Instant) -> list[Effect]:
        if self.finished:
            self.consensus.lane.process(message)
            return []
        effects, decides = self.consensus.receive(message, at)
        decided = self.consensus.decided
        if decides and decided is not None:
            self._expect(decided.full_data)
            if self._expected:
                effects.append(Send(PostConsensusDraft(self.message_id, self.duty.slot, decided, (self.duty,))))
        return effects

    def _expect(self, decided_value: bytes) -> None:
        objects = self._objects(ValidatorConsensusData.decode(decided_value))
        self._expected = {(self.duty.validator_index, item.signing_root): item for item in objects}

    def _objects_combined(self, results: tuple[Combined, ...]) -> list[Effect]:
        good, effects = self.post_consensus.combined(results)
        if good:
            effects.insert(0, submission_of([(self._expected[key], signature) for key, signature in good.items()]))
            if self.post_consensus.done >= self._expected.keys():
                self.finished = True
                effects.append(Finish())
        return effects
