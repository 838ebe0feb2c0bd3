"""The committee runner (role 0): attestations and sync committee messages of a committee in one slot.

    start      → FetchAttestationData
    fetched    → the vote is proposed or awaited: QBFT on one BeaconVote for all validators
    decided    → one batch of partial signatures, derived by the signer from the decided vote
    quorum     → Combine, all validators that are ready in one batch
    combined   → Submit; bad shares are thrown out and the next good one tries again

Invariants: nothing is sent for a vote that this operator's own check refuses, even a decided one; each
validator is submitted once; a bad share of one validator delays no other.
Not guaranteed: that every duty ends. What is missing at the deadline is asked by `missed`.

Source: ssv-spec ssv/committee_runner.go, ssv/runner.go.
"""

from __future__ import annotations

from collections import defaultdict

from ssv_protocol.effects import (
    Combined,
    CombinedAll,
    Effect,
    Event,
    FetchAttestationData,
    FetchedAttestationData,
    FetchFailed,
    Finish,
    PostConsensusDraft,
    Received,
    Refused,
    Report,
    Send,
    TimerFired,
)
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.qbft.received import ReceivedMessage
from ssv_protocol.runners.beacon_vote_check import BeaconVoteCheck, decode_vote
from ssv_protocol.runners.consensus_phase import ConsensusLane, ConsensusPhase
from ssv_protocol.runners.ledger import MissedReason
from ssv_protocol.runners.missed import undecided_reason, unsigned_reason
from ssv_protocol.runners.partial_signature_container import SignatureKey
from ssv_protocol.runners.runner import Progress
from ssv_protocol.runners.seats import CommitteeSeat
from ssv_protocol.runners.signature_phase import SignaturePhase
from ssv_protocol.runners.submission import submission_of
from ssv_protocol.signing.objects import CommitteeObject, committee_objects
from ssv_protocol.types.beacon_vote import BeaconVote
from ssv_protocol.types.duty import CommitteeDuty
from ssv_protocol.types.ids import Height, Instant, OperatorId, Round, ValidatorIndex
from ssv_protocol.types.message_id import committee_message_id
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.partial_signatures import PartialSignatures
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import BeaconRole, PartialSignatureType, RunnerRole

__all__ = ["CommitteeRunner", "CommitteeSeat"]


class CommitteeRunner:
    """One committee duty of one slot, from its start to its last submission."""

    pre_consensus = None

    def __init__(self, seat: CommitteeSeat, duty: CommitteeDuty, lane: ConsensusLane | None = None) -> None:
        """Take the duty, without the validators that this operator has no share of.

        Raises:
            ProtocolError: NO_BEACON_DUTIES, NO_VALIDATOR_SHARES, and those of `CommitteeDuty.validate`.
        """
        if not duty.validator_duties:
            raise ProtocolError(Reason.NO_BEACON_DUTIES)
        own = tuple(d for d in duty.validator_duties if d.validator_index in seat.shares)
        if not own:
            raise ProtocolError(Reason.NO_VALIDATOR_SHARES, f"{len(duty.validator_duties)} duties")
        self.duty = CommitteeDuty(duty.slot, own)
        self.duty.validate()
        self.member = seat.member
        self.message_id = committee_message_id(
            seat.network.domain_at(duty.slot), RunnerRole.COMMITTEE, seat.member.committee_id
        )
        self.vote: BeaconVote | None = None
        self.finished = False
        lane = lane or ConsensusLane(self.message_id, seat.member, seat.network, seat.cutoff_round)
        self.consensus = ConsensusPhase(lane, duty.slot, self._check_value)
        self.post_consensus = SignaturePhase(seat.member, seat.shares)
        self._seat = seat
        self._check: BeaconVoteCheck | None = None
        self._refused: set[tuple[int, ValidatorIndex]] = set()
        self._expected: dict[SignatureKey, CommitteeObject] = {}
        self._late_signers: dict[ValidatorIndex, set[OperatorId]] = defaultdict(set)

    @property
    def height(self) -> Height:
        """The QBFT height: the duty's slot."""
        return self.consensus.height

    @property
    def round(self) -> Round:
        """The round that consensus is in; 0 before it began."""
        return self.consensus.round

    @property
    def decided(self) -> SignedSSVMessage | None:
        """The decision, once this operator's own check accepts it."""
        return self.consensus.decided

    def start(self) -> list[Effect]:
        """Begin the duty: ask what to attest."""
        return [FetchAttestationData(self.duty.slot)]

    def resume(self, progress: Progress) -> None:
        """Take up the duty in mid-course; see `Runner.resume`."""
        self.consensus.resume(progress.instance, progress.decided_value)
        for message in progress.post_consensus:
            self.post_consensus.container.add(message)
        start_value = progress.instance.state.start_value if progress.instance is not None else None
        if progress.decided_value or start_value:
            own = decode_vote(progress.decided_value or start_value or b"").attestation_data(self.duty.slot, 0)
            self._check = BeaconVoteCheck(self.duty.slot, own, self._seat.same_roots, self._seat.slashable)
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
            case FetchedAttestationData(data):
                self._check = BeaconVoteCheck(self.duty.slot, data, self._seat.same_roots, self._seat.slashable)
                vote = BeaconVote(data.beacon_block_root, data.source, data.target)
                return self.consensus.start(vote.encode(), at)
            case FetchFailed(FetchAttestationData(), detail):
                return [Report(Reason.FETCH_FAILED, detail)]
            case TimerFired(round_):
                return self.consensus.timed_out(round_, at)
            case Received(signed, content):
                if isinstance(content, QbftMessage):
                    return self._consensus(ReceivedMessage(signed, content), at)
                return self._share_signatures(content)
            case CombinedAll(results):
                return self._combined(results)
            case Refused(draft, _, validator_index, duty_type):
                if isinstance(draft, PostConsensusDraft):
                    self._refused.update(
                        (duty.type, duty.validator_index)
                        for duty in draft.duties
                        if validator_index in (None, duty.validator_index) and duty_type in (None, duty.type)
                    )
        return []

    def participants(self, validator_index: ValidatorIndex) -> frozenset[OperatorId]:
        """Return the operators that the decided message or a share signature for the validator shows at work."""
        decided_by = self.decided.operator_ids if self.decided is not None else ()
        signed_by = (
            operator_id
            for key in self._expected
            if key[0] == validator_index
            for operator_id in self.post_consensus.container.signatures(*key)
        )
        return frozenset((*decided_by, *signed_by, *self._late_signers[validator_index]))

    def share_signers(self, validator_index: ValidatorIndex, duty_type: BeaconRole) -> frozenset[OperatorId]:
        """Return whose share signatures came for what was put together, nobody while it is not."""
        return frozenset(
            operator_id
            for key in self.post_consensus.done
            if key[0] == validator_index and self._expected[key].duty.type == duty_type
            for operator_id in self.post_consensus.container.signatures(*key)
        )

    def missed_reason(
        self, validator_index: ValidatorIndex, duty_type: BeaconRole | None = BeaconRole.ATTESTER
    ) -> MissedReason | None:
        """Return what keeps a validator's attestation, or its sync committee message, from being submitted.

        None when it has been handed over.
        """
        if self._check is None:
            return MissedReason.NO_ATTESTATION_DATA
        if self.vote is None:
            return undecided_reason(self.consensus, self._seat.cutoff_round) or MissedReason.NO_ATTESTATION_DATA
        key = next(
            (key for key, item in self._expected.items() if key[0] == validator_index and item.duty.type == duty_type),
            None,
        )
        if key is None:
            return MissedReason.NO_SHARE
        return unsigned_reason(self.post_consensus, key, refused=(duty_type, validator_index) in self._refused)

    # consensus

    def _check_value(self, value: bytes) -> None:
        if self._check is None:
            raise ProtocolError(Reason.NO_RUNNING_DUTY)
        self._check(value)

    def _consensus(self, message: ReceivedMessage, at: Instant) -> list[Effect]:
        if self.finished:
            self.consensus.lane.process(message)
            return []
        if self._check is None:
            raise ProtocolError(Reason.NO_RUNNING_DUTY)
        effects, decides = self.consensus.receive(message, at)
        if decides and self.decided is not None:
            self._expect(self.decided.full_data)
            duties = self.duty.validator_duties
            effects.append(Send(PostConsensusDraft(self.message_id, self.duty.slot, self.decided, duties)))
        return effects

    def _expect(self, decided_value: bytes) -> None:
        self.vote = decode_vote(decided_value)
        objects = committee_objects(self._seat.network.chain, self.duty.slot, self.vote, self.duty.validator_duties)
        self._expected = {(o.duty.validator_index, o.signing_root): o for o in objects}

    # share signatures

    def _share_signatures(self, partials: PartialSignatures) -> list[Effect]:
        if partials.type != PartialSignatureType.POST_CONSENSUS:
            raise ProtocolError(Reason.MESSAGE_TYPE, f"partial signatures of type {partials.type}")
        if self.finished:
            for message in partials.messages:
                self._late_signers[message.validator_index].add(message.signer)
            raise ProtocolError(Reason.DUTY_FINISHED)
        self.consensus.check_decided()
        self.post_consensus.check(partials, self.duty.slot)
        reached = self.post_consensus.store(partials)
        return self.post_consensus.combine(sorted(key for key in reached if key in self._expected))

    def _combined(self, results: tuple[Combined, ...]) -> list[Effect]:
        good, effects = self.post_consensus.combined(results)
        if good:
            complete = [(self._expected[key], signature) for key, signature in good.items()]
            fork = self._seat.network.beacon_fork_at(self.duty.slot)
            effects.insert(0, submission_of(complete, fork))
            if self.post_consensus.done >= set(self._expected):
                self.finished = True
                effects.append(Finish())
        return effects
