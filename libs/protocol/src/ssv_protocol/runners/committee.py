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

from collections.abc import Mapping
from dataclasses import dataclass

from ssv_protocol.crypto import bls
from ssv_protocol.effects import (
    Combine,
    Combined,
    CombinedAll,
    Effect,
    Event,
    FetchAttestationData,
    FetchedAttestationData,
    Finish,
    PostConsensusDraft,
    Publish,
    Received,
    Refused,
    Send,
    SetTimer,
    ShareSignatures,
    TimerFired,
)
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.forks import Network
from ssv_protocol.qbft.config import CUTOFF_ROUND, QbftConfig
from ssv_protocol.qbft.controller import Controller
from ssv_protocol.qbft.outputs import CutOffReached, Decided, Output, StartTimer
from ssv_protocol.qbft.received import ReceivedMessage
from ssv_protocol.qbft.timer import RoundTimes
from ssv_protocol.runners.beacon_vote_check import BeaconVoteCheck, decode_vote
from ssv_protocol.runners.ledger import MissedReason
from ssv_protocol.runners.partial_signature_container import PartialSignatureContainer, SignatureKey
from ssv_protocol.runners.submission import submission_of
from ssv_protocol.signing.objects import AttestationObject, CommitteeObject, committee_objects
from ssv_protocol.types.beacon_vote import BeaconVote
from ssv_protocol.types.duty import CommitteeDuty
from ssv_protocol.types.ids import (
    BlsPublicKey,
    BlsSignature,
    Height,
    Instant,
    OperatorId,
    Round,
    ValidatorIndex,
)
from ssv_protocol.types.message_id import committee_message_id
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.operator import CommitteeMember
from ssv_protocol.types.partial_signatures import PartialSignature, PartialSignatures
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import PartialSignatureType, RunnerRole
from ssv_protocol.types.share import Share


@dataclass(frozen=True, slots=True)
class CommitteeSeat:
    """What an operator brings to its committee's duties: its seat, its shares, the rules that hold."""

    member: CommitteeMember
    shares: Mapping[ValidatorIndex, Share]
    network: Network
    same_roots: bool = False
    cutoff_round: Round = CUTOFF_ROUND


class CommitteeRunner:
    """One committee duty of one slot, from its start to its last submission."""

    def __init__(self, seat: CommitteeSeat, duty: CommitteeDuty) -> None:
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
        self.decided: SignedSSVMessage | None = None
        self.vote: BeaconVote | None = None
        self.round = Round(0)
        self.post_consensus = PartialSignatureContainer(seat.member.quorum)
        self._seat = seat
        self._check: BeaconVoteCheck | None = None
        self._value_refused = False
        self._refused: set[ValidatorIndex] = set()
        self._expected: dict[SignatureKey, CommitteeObject] = {}
        self._combining: set[SignatureKey] = set()
        self._failed: set[SignatureKey] = set()
        self._had_bad_shares: set[SignatureKey] = set()
        self._done: set[SignatureKey] = set()
        config = QbftConfig(seat.member, seat.network.leader_at(duty.slot), self._check_value, seat.cutoff_round)
        self._controller = Controller(self.message_id, lambda height: config)
        self._round_times = RoundTimes(seat.network.chain.slot_duration_s, seat.network.ssv.quick_timeout_s)

    @property
    def height(self) -> Height:
        """The QBFT height: the duty's slot."""
        return Height(self.duty.slot)

    @property
    def finished(self) -> bool:
        """Whether everything that the decided vote asks for has been submitted."""
        return self.vote is not None and self._done >= set(self._expected)

    def start(self) -> list[Effect]:
        """Begin the duty: ask what to attest."""
        return [FetchAttestationData(self.duty.slot)]

    def step(self, event: Event, at: Instant) -> list[Effect]:
        """Take one event and return what is to be done.

        Raises:
            ProtocolError: a message was refused; state changes of a refused message are those of the
                specification.
        """
        match event:
            case FetchedAttestationData(data):
                self._check = BeaconVoteCheck(self.duty.slot, data, self._seat.same_roots)
                vote = BeaconVote(data.beacon_block_root, data.source, data.target)
                return self._perform(self._controller.start(self.height, vote.encode()), at)
            case TimerFired(round_):
                return self._timed_out(round_, at)
            case Received(signed, content):
                if isinstance(content, QbftMessage):
                    return self._consensus(ReceivedMessage(signed, content), at)
                return self._share_signatures(content)
            case CombinedAll(results):
                return self._combined(results)
            case Refused(draft, _, validator_index):
                if validator_index is not None:
                    self._refused.add(validator_index)
                elif isinstance(draft, PostConsensusDraft):
                    self._refused.update(duty.validator_index for duty in draft.duties)
                return []

    def participants(self, validator_index: ValidatorIndex) -> frozenset[OperatorId]:
        """Return the operators that the decided message or a share signature for the validator shows at work."""
        decided_by = self.decided.operator_ids if self.decided is not None else ()
        signed_by = (
            operator_id
            for key in self._expected
            if key[0] == validator_index
            for operator_id in self.post_consensus.signatures(*key)
        )
        return frozenset((*decided_by, *signed_by))

    def missed_reason(self, validator_index: ValidatorIndex) -> MissedReason | None:
        """Return what keeps a validator's attestation from being submitted; None when it has been handed over."""
        if self._check is None:
            return MissedReason.NO_ATTESTATION_DATA
        if self.vote is None:
            return self._undecided_reason()
        key = next(
            (
                key
                for key, item in self._expected.items()
                if key[0] == validator_index and isinstance(item, AttestationObject)
            ),
            None,
        )
        if key is None:
            return MissedReason.NO_SHARE
        if key in self._done:
            return None
        if key in self._combining:
            return MissedReason.LATE
        if key in self._failed or key in self._had_bad_shares:
            return MissedReason.RECONSTRUCTION_FAILED
        return MissedReason.SIGNER_REFUSED if validator_index in self._refused else MissedReason.NO_PARTIAL_QUORUM

    # consensus

    def _check_value(self, value: bytes) -> None:
        if self._check is None:
            raise ProtocolError(Reason.NO_RUNNING_DUTY)
        try:
            self._check(value)
        except ProtocolError:
            self._value_refused = True
            raise

    def _consensus(self, message: ReceivedMessage, at: Instant) -> list[Effect]:
        if self._check is None:
            raise ProtocolError(Reason.NO_RUNNING_DUTY)
        if self.decided is not None:
            raise ProtocolError(Reason.CONSENSUS_FINISHED)
        try:
            return self._perform(self._controller.process_received(message), at)
        except CutOffReached as end:
            return self._perform(end.outputs, at)

    def _timed_out(self, round_: Round, at: Instant) -> list[Effect]:
        instance = self._controller.instance(self.height)
        if round_ != self.round or instance is None or instance.state.decided:
            return []
        try:
            return self._perform(self._controller.on_timeout(self.height), at)
        except CutOffReached as end:
            return self._perform(end.outputs, at)

    def _undecided_reason(self) -> MissedReason:
        if self._value_refused:
            return MissedReason.VALUE_REFUSED
        if self.round >= self._seat.cutoff_round:
            return MissedReason.ROUNDS_EXHAUSTED
        instance = self._controller.instance(self.height)
        if instance is None:
            return MissedReason.NO_ATTESTATION_DATA
        state = instance.state
        if state.last_prepared_value is not None:
            return MissedReason.NO_COMMIT_QUORUM
        return MissedReason.NO_PREPARE_QUORUM if state.proposals.by_round else MissedReason.NO_PROPOSAL

    def _perform(self, outputs: list[Output], at: Instant) -> list[Effect]:
        effects: list[Effect] = []
        for output in outputs:
            match output:
                case Send():
                    effects.append(output)
                case StartTimer(round_):
                    self.round = round_
                    slot_start = self._seat.network.chain.slot_start(self.duty.slot)
                    deadline = self._round_times.deadline(RunnerRole.COMMITTEE, slot_start, round_, at)
                    effects.append(SetTimer(round_, deadline))
                case Decided(commit, announce):
                    if announce:
                        effects.append(Publish(commit))
                    effects += self._on_decided(commit)
        return effects

    def _on_decided(self, commit: SignedSSVMessage) -> list[Effect]:
        self._check_value(commit.full_data)
        self.decided = commit
        self.vote = decode_vote(commit.full_data)
        objects = committee_objects(self._seat.network.chain, self.duty.slot, self.vote, self.duty.validator_duties)
        self._expected = {(o.duty.validator_index, o.signing_root): o for o in objects}
        return [Send(PostConsensusDraft(self.message_id, self.duty.slot, commit, self.duty.validator_duties))]

    # share signatures

    def _share_signatures(self, partials: PartialSignatures) -> list[Effect]:
        if partials.type != PartialSignatureType.POST_CONSENSUS:
            raise ProtocolError(Reason.MESSAGE_TYPE, f"partial signatures of type {partials.type}")
        if self.vote is None:
            raise ProtocolError(Reason.NO_DECIDED_VALUE)
        if partials.slot < self.duty.slot:
            raise ProtocolError(Reason.PARTIAL_SIGNATURE_PAST_SLOT, f"slot {partials.slot}")
        if partials.slot > self.duty.slot:
            raise ProtocolError(Reason.PARTIAL_SIGNATURE_FUTURE_SLOT, f"slot {partials.slot}")
        for message in partials.messages:
            self._store(message)
        return self._combine({(m.validator_index, m.signing_root) for m in partials.messages} & self._expected.keys())

    def _store(self, message: PartialSignature) -> None:
        """Store a share signature; of two by one signer the one that verifies stays."""
        stored = self.post_consensus.stored(message)
        if stored is None:
            self.post_consensus.add(message)
        elif stored != message.signature:
            share_pubkey = self._share_pubkeys(message.validator_index).get(message.signer)
            if share_pubkey is None or bls.verify(share_pubkey, message.signing_root, stored):
                return
            if bls.verify(share_pubkey, message.signing_root, message.signature):
                self.post_consensus.replace(message)

    def _combine(self, keys: set[SignatureKey]) -> list[Effect]:
        """Reconstruct what has a quorum and is neither done nor under way."""
        ready = sorted(
            key for key in keys - self._combining - self._done - self._failed if self.post_consensus.has_quorum(*key)
        )
        if not ready:
            return []
        self._combining.update(ready)
        return [Combine(tuple(self._share_signatures_of(key) for key in ready))]

    def _share_signatures_of(self, key: SignatureKey) -> ShareSignatures:
        validator_index, root = key
        return ShareSignatures(
            validator_index,
            self._seat.shares[validator_index].validator_pubkey,
            root,
            dict(self.post_consensus.signatures(validator_index, root)),
            self._share_pubkeys(validator_index),
        )

    def _share_pubkeys(self, validator_index: ValidatorIndex) -> dict[OperatorId, BlsPublicKey]:
        share = self._seat.shares.get(validator_index)
        return {m.signer: m.share_pubkey for m in share.committee} if share is not None else {}

    def _combined(self, results: tuple[Combined, ...]) -> list[Effect]:
        complete: list[tuple[CommitteeObject, BlsSignature]] = []
        again: set[SignatureKey] = set()
        for result in results:
            key = result.validator_index, result.root
            self._combining.discard(key)
            if result.signature is not None:
                self._done.add(key)
                complete.append((self._expected[key], result.signature))
            elif result.bad_operators:
                self.post_consensus.remove(*key, result.bad_operators)
                self._had_bad_shares.add(key)
                again.add(key)
            else:  # every share verifies, but the whole does not: the registered share keys are wrong
                self._failed.add(key)
        effects: list[Effect] = (
            [submission_of(complete, self._seat.network.beacon_fork_at(self.duty.slot))] if complete else []
        )
        effects += self._combine(again)
        if self.finished:
            effects.append(Finish())
        return effects
