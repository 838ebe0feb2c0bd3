"""The proposer runner (role 2): one block of one validator.

    start      → the RANDAO reveal of the epoch, signed by every operator
    quorum     → Combine; the reveal is what a beacon node needs to build a block
    combined   → FetchBlock, after the operator's proposer delay
    fetched    → the block is proposed or awaited: QBFT on one block, full or blinded
    decided    → a share signature over the block root
    quorum     → Combine → Submit

Production proposes blinded blocks (`ValidatorSeat.propose_blinded`), because a full block with its blobs is large. The
full block stays here, and whoever finds that the decision is the block that its own beacon node built submits it in
full: the leader, or the leader of an earlier round whose value won later. Root and signature of both forms are the
same. The others submit what was decided.

Invariants: nothing is signed for a value that the own check refuses, even a decided one; the decided block is of this
duty's slot; it is submitted once.
Not guaranteed: that a decision counts without an own block; before that is fetched, consensus messages come too early.

Source: ssv-spec ssv/proposer.go; ssvlabs/ssv protocol/v2/ssv/runner/proposer.go for blinding and delay.
"""

from __future__ import annotations

from ssv_protocol.drafts import PostConsensusDraft, PreConsensusDraft, RandaoReveal
from ssv_protocol.effects import (
    Combined,
    CombinedAll,
    Effect,
    Event,
    FetchBlock,
    FetchedBlock,
    FetchFailed,
    Finish,
    Received,
    Refused,
    Report,
    Send,
    Submit,
    TimerFired,
)
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.qbft.received import ReceivedMessage
from ssv_protocol.runners.consensus_phase import ConsensusLane, ConsensusPhase
from ssv_protocol.runners.ledger import MissedReason
from ssv_protocol.runners.missed import undecided_reason, unsigned_reason
from ssv_protocol.runners.partial_signature_container import SignatureKey
from ssv_protocol.runners.proposer_check import ProposerCheck, decode_value
from ssv_protocol.runners.runner import Progress
from ssv_protocol.runners.seats import ValidatorSeat
from ssv_protocol.runners.signature_phase import SignaturePhase
from ssv_protocol.signing.objects import BlockObject, block_object, pre_consensus_root
from ssv_protocol.types.beacon.block_proposal import BlockProposal, SignedProposal
from ssv_protocol.types.duty import ValidatorDuty
from ssv_protocol.types.ids import Epoch, Instant, ValidatorIndex
from ssv_protocol.types.message_id import validator_message_id
from ssv_protocol.types.partial_signatures import PartialSignatures
from ssv_protocol.types.proposer_data import ProposerConsensusData
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import BeaconRole, PartialSignatureType, RunnerRole


class ProposerRunner:
    """One proposal of one validator, from its RANDAO reveal to its submission."""

    def __init__(self, seat: ValidatorSeat, duty: ValidatorDuty, lane: ConsensusLane | None = None) -> None:
        network, share = seat.network, seat.share
        self.duty = duty
        self.message_id = validator_message_id(
            network.domain_at(duty.slot), RunnerRole.PROPOSER, share.validator_pubkey
        )
        self.finished = False
        lane = lane or ConsensusLane(self.message_id, seat.member, network, seat.cutoff_round)
        self.pre_consensus = SignaturePhase(seat.member, seat.shares)
        self.consensus = ConsensusPhase(lane, duty.slot, self._check_value)
        self.post_consensus = SignaturePhase(seat.member, seat.shares)
        self._seat = seat
        self._chain = network.chain
        self._randao = RandaoReveal(duty.validator_index, share.validator_pubkey, network.chain.epoch_of(duty.slot))
        self._randao_root = pre_consensus_root(network.chain, duty.slot, self._randao)
        self._check = ProposerCheck(
            share.validator_pubkey,
            share.validator_index,
            network.ssv_fork_at(duty.slot),
            network.chain,
            self._current_epoch,
            seat.slashable,
        )
        self._at = network.chain.slot_start(duty.slot)
        self._own: BlockProposal | None = None
        self._expected: dict[SignatureKey, BlockObject] = {}
        self._refused: set[PartialSignatureType] = set()

    def start(self) -> list[Effect]:
        """Begin the duty: sign the epoch's RANDAO reveal."""
        kind = PartialSignatureType.RANDAO
        return [Send(PreConsensusDraft(self.message_id, self.duty.slot, kind, (self._randao,)))]

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
            ProtocolError: a message or a fetched block was refused; state changes of a refused message are those of
                the specification.
        """
        self._at = at
        match event:
            case FetchedBlock(FetchBlock(slot), proposal) if slot == self.duty.slot:
                return self._propose(proposal, at)
            case FetchFailed(FetchBlock(slot), detail) if slot == self.duty.slot:
                return [Report(Reason.FETCH_FAILED, detail, self.duty.validator_index)]
            case TimerFired(round_):
                return self.consensus.timed_out(round_, at)
            case Received(signed, content):
                if isinstance(content, QbftMessage):
                    return self._consensus(ReceivedMessage(signed, content), at)
                if content.type == PartialSignatureType.POST_CONSENSUS:
                    return self._block_signatures(content)
                return self._randao_signatures(content)
            case CombinedAll(results):
                return self._randao_combined(results) + self._block_combined(results)
            case Refused(draft, _, _):
                if isinstance(draft, PreConsensusDraft):
                    self._refused.add(PartialSignatureType.RANDAO)
                elif isinstance(draft, PostConsensusDraft):
                    self._refused.add(PartialSignatureType.POST_CONSENSUS)
        return []

    def missed_reason(
        self, validator_index: ValidatorIndex, duty_type: BeaconRole | None = None
    ) -> MissedReason | None:
        """Return what keeps the block from being submitted; None when it has been handed over."""
        if self.finished:
            return None
        refused = PartialSignatureType.POST_CONSENSUS in self._refused
        for key in self._expected:
            return unsigned_reason(self.post_consensus, key, refused=refused)
        undecided = undecided_reason(self.consensus, self._seat.cutoff_round)
        if undecided is not None:
            return undecided
        refused = PartialSignatureType.RANDAO in self._refused
        reason = unsigned_reason(self.pre_consensus, (validator_index, self._randao_root), refused=refused)
        return reason or MissedReason.NO_BLOCK

    # before consensus

    def _randao_signatures(self, partials: PartialSignatures) -> list[Effect]:
        if self.finished:
            raise ProtocolError(Reason.DUTY_FINISHED)
        self.pre_consensus.check_exactly(partials, self.duty.slot, [self._randao_root])
        return self.pre_consensus.combine(self.pre_consensus.store(partials))

    def _randao_combined(self, results: tuple[Combined, ...]) -> list[Effect]:
        good, effects = self.pre_consensus.combined(results)
        not_before = Instant(self._chain.slot_start(self.duty.slot) + self._seat.proposer_delay_s)
        for reveal in good.values():
            effects.append(FetchBlock(self.duty.slot, reveal, self._seat.share.graffiti, not_before))
        return effects

    # consensus

    def _propose(self, proposal: BlockProposal, at: Instant) -> list[Effect]:
        if self.consensus.started:
            return []
        proposed = proposal
        if self._seat.propose_blinded:
            self._own, proposed = proposal, proposal.blind()
        value = ProposerConsensusData(self.duty, proposed.fork, proposed.encode())
        return self.consensus.start(value.encode(), at)

    def _current_epoch(self) -> Epoch:
        return self._chain.epoch_of(self._chain.slot_at(self._at))

    def _check_value(self, value: bytes) -> None:
        self._check(value)
        data = decode_value(value)
        slots = {data.duty.slot, data.proposal().block.slot} if self._seat.same_slot else {data.duty.slot}
        if slots != {self.duty.slot}:
            raise ProtocolError(Reason.VALUE_INVALID, f"slots {sorted(slots)} in slot {self.duty.slot}")

    def _consensus(self, message: ReceivedMessage, at: Instant) -> list[Effect]:
        if self.finished:
            self.consensus.lane.process(message)
            return []
        effects, decides = self.consensus.receive(message, at)
        decided = self.consensus.decided
        if decides and decided is not None:
            self._expect(decided.full_data)
            effects.append(Send(PostConsensusDraft(self.message_id, self.duty.slot, decided, (self.duty,))))
        return effects

    def _expect(self, decided_value: bytes) -> None:
        proposal = decode_value(decided_value).proposal()
        item = block_object(self._chain, self.duty.slot, proposal, self.duty)
        self._expected = {(self.duty.validator_index, item.signing_root): item}

    # after consensus

    def _block_signatures(self, partials: PartialSignatures) -> list[Effect]:
        if self.finished:
            raise ProtocolError(Reason.DUTY_FINISHED)
        self.consensus.check_decided()
        self.post_consensus.check_exactly(partials, self.duty.slot, [root for _, root in self._expected])
        return self.post_consensus.combine(self.post_consensus.store(partials))

    def _block_combined(self, results: tuple[Combined, ...]) -> list[Effect]:
        good, effects = self.post_consensus.combined(results)
        for key, signature in good.items():
            self.finished = True
            block = self._best_form(self._expected[key].proposal)
            effects += [Submit(proposals=(SignedProposal(block, signature),)), Finish()]
        return effects

    def _best_form(self, decided: BlockProposal) -> BlockProposal:
        """Return the decided block, in full when this operator has it; both have the same root."""
        own = self._own
        if own is None or not decided.blinded or own.fork != decided.fork or own.root() != decided.root():
            return decided
        return own
