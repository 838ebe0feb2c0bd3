"""The aggregator committee runner (role 6, Boole): aggregates and contributions of a committee's validators in a slot.

    start      → one batch of partial signatures: the selection proofs of all validators
    quorum     → Combine, all proofs that are ready in one batch
    combined   → who is selected? nobody: wait for more proofs. Otherwise fetch what the selected are to send
    fetched    → the value is proposed or awaited: QBFT on one value for all validators
    decided    → one batch of partial signatures, derived by the signer from the decided value
    quorum     → Combine → Submit; bad shares are thrown out and the next good one tries again

Operators may know different sets of validators, so unknown validators and roots are stored and left alone. Liveness
goes before completeness: the first batch of proofs that selects somebody is what this operator proposes, and whoever
comes later must be in another leader's value. When all operators were heard, or all proofs looked at, and nobody was
selected, the duty ends without consensus.

Invariants: nothing is signed for a value that the own check refuses; each object is submitted once; a bad share or a
failed fetch of one validator costs no other its place.
Not guaranteed: that a decision counts without an own value; before that is fetched, consensus messages come too early.
Nor that `finished` is ever reached. As in the specification it means that every validator had its object
in the decision; `Finish` comes as soon as those that had one are done.

Source: ssv-spec ssv/aggregator_committee.go; SIP "aggregator committee consensus".
"""

from __future__ import annotations

from ssv_protocol.effects import (
    Combined,
    CombinedAll,
    Effect,
    Event,
    Finish,
    PostConsensusDraft,
    PreConsensusDraft,
    Received,
    Refused,
    Report,
    Send,
    SlotSelection,
    SyncSelection,
    TimerFired,
)
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.qbft.received import ReceivedMessage
from ssv_protocol.runners.aggregate_collection import AggregateCollection, Candidate, Selected
from ssv_protocol.runners.aggregation import submission_of
from ssv_protocol.runners.aggregator_data_check import check_aggregator_data, decode_aggregator_data
from ssv_protocol.runners.consensus_phase import ConsensusLane, ConsensusPhase
from ssv_protocol.runners.ledger import MissedReason
from ssv_protocol.runners.missed import undecided_reason, unsigned_reason
from ssv_protocol.runners.partial_signature_container import SignatureKey
from ssv_protocol.runners.runner import Progress
from ssv_protocol.runners.seats import CommitteeSeat
from ssv_protocol.runners.signature_phase import SignaturePhase
from ssv_protocol.signing.objects import AggregatorCommitteeObject, aggregator_committee_objects, pre_consensus_root
from ssv_protocol.types.duty import AggregatorCommitteeDuty, ValidatorDuty
from ssv_protocol.types.ids import BlsSignature, Instant, OperatorId, Root, ValidatorIndex
from ssv_protocol.types.message_id import committee_message_id
from ssv_protocol.types.partial_signatures import PartialSignatures
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import BeaconRole, PartialSignatureType, RunnerRole


class AggregatorCommitteeRunner:
    """One such duty of one slot, from its selection proofs to its last submission."""

    def __init__(self, seat: CommitteeSeat, duty: AggregatorCommitteeDuty, lane: ConsensusLane | None = None) -> None:
        """Take the duty, without the validators that this operator has no share of.

        Raises:
            ProtocolError: NO_BEACON_DUTIES, NO_VALIDATOR_SHARES, DUTY_INVALID.
        """
        if not duty.validator_duties:
            raise ProtocolError(Reason.NO_BEACON_DUTIES)
        own = tuple(d for d in duty.validator_duties if d.validator_index in seat.shares)
        if not own:
            raise ProtocolError(Reason.NO_VALIDATOR_SHARES, f"{len(duty.validator_duties)} duties")
        for validator_duty in own:
            validator_duty.validate()
        self.duty = AggregatorCommitteeDuty(duty.slot, own)
        self.message_id = committee_message_id(
            seat.network.domain_at(duty.slot), RunnerRole.AGGREGATOR_COMMITTEE, seat.member.committee_id
        )
        self.finished = False
        lane = lane or ConsensusLane(self.message_id, seat.member, seat.network, seat.cutoff_round)
        self.pre_consensus = SignaturePhase(seat.member, seat.shares)
        self.consensus = ConsensusPhase(lane, duty.slot, check_aggregator_data)
        self.post_consensus = SignaturePhase(seat.member, seat.shares, failure=Reason.POST_CONSENSUS_INVALID_SIGNATURES)
        self._seat = seat
        self._candidates = {key: one for duty in own for key, one in self._candidates_of(duty).items()}
        self._checked: set[SignatureKey] = set()
        self._selected: set[SignatureKey] = set()
        self._collection: AggregateCollection | None = None
        self._heard: set[OperatorId] = set()
        self._expected: dict[SignatureKey, AggregatorCommitteeObject] = {}
        self._refused: set[tuple[PartialSignatureType, int, ValidatorIndex]] = set()

    def start(self) -> list[Effect]:
        """Begin the duty: sign all selection proofs.

        Raises:
            ProtocolError: AGGREGATOR_COMMITTEE_DUTY_INVALID.
        """
        self.duty.validate(self._seat.shares)
        items = tuple(candidate.item for candidate in self._candidates.values())
        if not items:
            self.finished = True
            return [Finish()]
        kind = PartialSignatureType.AGGREGATOR_COMMITTEE
        return [Send(PreConsensusDraft(self.message_id, self.duty.slot, kind, items))]

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
            ProtocolError: a message was refused; state changes of a refused message are those of the
                specification.
        """
        match event:
            case TimerFired(round_):
                return self.consensus.timed_out(round_, at)
            case Received(signed, content):
                if isinstance(content, QbftMessage):
                    return self._consensus(ReceivedMessage(signed, content), at)
                if content.type == PartialSignatureType.AGGREGATOR_COMMITTEE:
                    return self._proofs(content)
                if content.type == PartialSignatureType.POST_CONSENSUS:
                    return self._share_signatures(content)
                raise ProtocolError(Reason.MESSAGE_TYPE, f"partial signatures of type {content.type}")
            case CombinedAll(results):
                return self._proofs_combined(results) + self._objects_combined(results)
            case Refused(draft, _, validator_index, duty_type):
                if isinstance(draft, PreConsensusDraft | PostConsensusDraft):
                    self._on_refused(draft, validator_index, duty_type)
                return []
        return self._fetched(event, at)

    def missed_reason(
        self, validator_index: ValidatorIndex, duty_type: BeaconRole | None = None
    ) -> MissedReason | None:
        """Return what keeps a validator's objects from being submitted; None when all were, or it was not selected."""

        def is_asked_for(duty: ValidatorDuty) -> bool:
            return duty.validator_index == validator_index and duty_type in (None, duty.type)

        mine = [key for key, candidate in self._candidates.items() if is_asked_for(candidate.duty)]
        if self.finished or (self._checked >= set(mine) and not self._selected.intersection(mine)):
            return None
        reasons = [
            self._unsigned_reason(self.post_consensus, key, PartialSignatureType.POST_CONSENSUS, item.duty)
            for key, item in self._expected.items()
            if is_asked_for(item.duty)
        ]
        if not reasons and self.consensus.decided_value:
            reasons = [MissedReason.LEFT_OUT]
        elif not reasons and self.consensus.started:
            reasons = [undecided_reason(self.consensus, self._seat.cutoff_round)]
        elif not reasons:
            kind = PartialSignatureType.AGGREGATOR_COMMITTEE
            reasons = [self._unsigned_reason(self.pre_consensus, key, kind, self._candidates[key].duty) for key in mine]
            reasons.append(MissedReason.NO_AGGREGATE)
        return next((reason for reason in reasons if reason is not None), None)

    def _unsigned_reason(
        self, phase: SignaturePhase, key: SignatureKey, kind: PartialSignatureType, duty: ValidatorDuty
    ) -> MissedReason | None:
        refused = (kind, duty.type, duty.validator_index) in self._refused
        return unsigned_reason(phase, key, refused=refused)

    def _on_refused(
        self,
        draft: PreConsensusDraft | PostConsensusDraft,
        validator_index: ValidatorIndex | None,
        duty_type: BeaconRole | None,
    ) -> None:
        kind = draft.type if isinstance(draft, PreConsensusDraft) else PartialSignatureType.POST_CONSENSUS
        self._refused.update(
            (kind, duty.type, duty.validator_index)
            for duty in self.duty.validator_duties
            if validator_index in (None, duty.validator_index) and duty_type in (None, duty.type)
        )

    # selection

    def _candidates_of(self, duty: ValidatorDuty) -> dict[SignatureKey, Candidate]:
        index, slot = duty.validator_index, duty.slot
        items: list[SlotSelection | SyncSelection] = [SlotSelection(index, duty.pubkey, slot)]
        if duty.type == BeaconRole.SYNC_COMMITTEE_CONTRIBUTION:
            seats = map(self._seat.selection.subcommittee_of, duty.validator_sync_committee_indices)
            items = [SyncSelection(index, duty.pubkey, slot, subcommittee) for subcommittee in dict.fromkeys(seats)]
        chain = self._seat.network.chain
        return {(index, pre_consensus_root(chain, slot, item)): Candidate(duty, item) for item in items}

    def _proofs(self, partials: PartialSignatures) -> list[Effect]:
        if self.consensus.started or self._collection is not None:
            return []
        self._heard.update(message.signer for message in partials.messages[:1])
        if self.finished:
            raise ProtocolError(Reason.DUTY_FINISHED)
        self.pre_consensus.check(partials, self.duty.slot)
        reached = self.pre_consensus.store(partials)
        known = sorted((key for key in reached if key in self._candidates), key=_by_root)
        return self.pre_consensus.combine(known) or self._end_if_hopeless()

    def _proofs_combined(self, results: tuple[Combined, ...]) -> list[Effect]:
        good, effects = self.pre_consensus.combined(results)
        if self.finished or self.consensus.started or self._collection is not None:
            return effects
        selected: list[Selected] = []
        for key, proof in good.items():
            candidate = self._candidates[key]
            if self._is_selected(candidate, proof):
                selected.append(Selected(key, candidate, proof))
            else:
                self._checked.add(key)
        if not selected:
            return effects + self._end_if_hopeless()
        self._selected.update(one.key for one in selected)
        self._collection = AggregateCollection(self._seat.network, self.duty.slot, selected)
        return [*effects, *self._collection.start()]

    def _is_selected(self, candidate: Candidate, proof: BlsSignature) -> bool:
        selection = self._seat.selection
        if isinstance(candidate.item, SyncSelection):
            return selection.is_sync_aggregator(proof)
        return selection.is_aggregator(candidate.duty, proof)

    def _fetched(self, event: Event, at: Instant) -> list[Effect]:
        collection = self._collection
        if collection is None or collection.complete:
            return []
        questions = collection.answer(event)
        if not collection.complete:
            return [*questions]
        found = {one.key for one in collection.selected if collection.found(one)}
        self._checked |= found
        effects: list[Effect] = [
            Report(Reason.FETCH_FAILED, f"root {one.key[1].hex()}", one.key[0])
            for one in collection.selected
            if one.key not in found
        ]
        if found:
            return effects + self.consensus.start(collection.value().encode(), at)
        self._collection = None
        return effects + self._end_if_hopeless()

    def _end_if_hopeless(self) -> list[Effect]:
        """End a duty of which no further proof can come, or of which none selects anybody."""
        heard_all = self._heard >= set(self._seat.member.operator_ids)
        checked_all = self._checked >= self._candidates.keys()
        if self.pre_consensus.combining or not (heard_all or checked_all):
            return []
        self.finished = True
        return [Finish()]

    # consensus

    def _consensus(self, message: ReceivedMessage, at: Instant) -> list[Effect]:
        if self.finished:
            self.consensus.lane.process(message)
            return []
        effects, decides = self.consensus.receive(message, at)
        decided = self.consensus.decided
        if decides and decided is not None:
            self._expect(decided.full_data)
            if not self._expected:
                return [*effects, Finish()]
            duties = self.duty.validator_duties
            effects.append(Send(PostConsensusDraft(self.message_id, self.duty.slot, decided, duties)))
        return effects

    def _expect(self, decided_value: bytes) -> None:
        chain, duty, value = self._seat.network.chain, self.duty, decode_aggregator_data(decided_value)
        objects = aggregator_committee_objects(chain, duty.slot, value, duty.validator_duties)
        self._expected = {(item.duty.validator_index, item.signing_root): item for item in objects}

    # share signatures

    def _share_signatures(self, partials: PartialSignatures) -> list[Effect]:
        if self.finished:
            raise ProtocolError(Reason.DUTY_FINISHED)
        self.consensus.check_decided()
        self.post_consensus.check(partials, self.duty.slot)
        reached = self.post_consensus.store(partials)
        return self.post_consensus.combine(sorted((key for key in reached if key in self._expected), key=_by_root))

    def _objects_combined(self, results: tuple[Combined, ...]) -> list[Effect]:
        good, effects = self.post_consensus.combined(results)
        if not good:
            return effects
        effects.insert(0, submission_of((self._expected[key], signature) for key, signature in good.items()))
        if self.post_consensus.done >= self._expected.keys():
            served = {(item.duty.type, item.duty.validator_index) for item in self._expected.values()}
            self.finished = all((duty.type, duty.validator_index) in served for duty in self.duty.validator_duties)
            effects.append(Finish())
        return effects


def _by_root(key: SignatureKey) -> tuple[Root, ValidatorIndex]:
    validator_index, root = key
    return root, validator_index
