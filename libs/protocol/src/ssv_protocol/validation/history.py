"""What accepted messages have said, kept by the peer that brought them and by message id.

By peer, so that what one peer brings cannot make another look like a liar; under US, what we have brought to others.
Bounds: of a signer as many slots as a message can be late, of a peer `RECORDS_OF_PEER` slots, in all `RECORDS`; what
was not touched for longest goes first, of the peer with the most. A signer that was forgotten is only one that is not
caught when it repeats itself.

Only what passed every check, signatures included, may be remembered.

Source: ssvlabs/ssv message/validation (consensus state, signer state).
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from ssv_protocol.types.ids import NO_ROUND, Instant, MessageId, OperatorId, Root, Round, Slot
from ssv_protocol.types.partial_signatures import PartialSignatures
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import PartialSignatureType, QbftMessageType

RECORDS_OF_PEER = 65_536
RECORDS = 262_144

US = b""
"""In the place of a peer's id."""

Signers = tuple[OperatorId, ...]


@dataclass(slots=True)
class SlotRecord:
    """What a signer has said of a slot: its round, in that round the proposal and the kinds; kinds of batches."""

    round: Round = NO_ROUND
    proposal: Root | None = None
    kinds: int = 0
    batches: int = 0

    def has_said(self, kind: int) -> bool:
        """Tell whether the signer has sent this kind of consensus message in its round."""
        return bool(self.kinds >> kind & 1)

    def has_sent(self, post_consensus: bool) -> bool:
        """Tell whether the signer has sent its partial signatures of before, or after, consensus."""
        return bool(self.batches >> post_consensus & 1)

    def _enter(self, round_: Round) -> None:
        if round_ > self.round:
            self.round, self.proposal, self.kinds = round_, None, 0


@dataclass(slots=True)
class MessageHistory:
    """One message id's: slots by signer, and which signer sets have come with a decision."""

    slots: dict[OperatorId, dict[Slot, SlotRecord]] = field(default_factory=dict)
    decisions: dict[Slot, set[Signers]] = field(default_factory=dict)
    touched: Instant | None = None
    records: int = 0

    def record(self, signer: OperatorId, slot: Slot) -> SlotRecord | None:
        """Return what a signer has said of a slot."""
        return self.slots.get(signer, _NOTHING).get(slot)

    def slots_of(self, signer: OperatorId) -> frozenset[Slot]:
        """Return the slots that a signer is remembered for."""
        return frozenset(self.slots.get(signer, _NOTHING))

    def note_consensus(self, signers: Signers, message: QbftMessage, keep_slots: int) -> None:
        """Remember a consensus message; of a signer, the `keep_slots` up to its newest slot are kept."""
        slot = Slot(message.height)
        records = [self._open(signer, slot, keep_slots) for signer in signers]
        if len(signers) > 1:
            self._note_decision(slot, signers, keep_slots)
            return
        (record,) = records
        record._enter(message.round)
        if message.round == record.round:
            record.kinds |= 1 << message.msg_type
            if message.msg_type == QbftMessageType.PROPOSAL:
                record.proposal = message.root

    def note_batch(self, signer: OperatorId, partials: PartialSignatures, keep_slots: int) -> None:
        """Remember a batch of partial signatures."""
        record = self._open(signer, partials.slot, keep_slots)
        record.batches |= 1 << (partials.type == PartialSignatureType.POST_CONSENSUS)

    def _note_decision(self, slot: Slot, signers: Signers, keep_slots: int) -> None:
        known = self.decisions.setdefault(slot, set())
        self.records += signers not in known
        known.add(signers)
        for old in [each for each in self.decisions if each <= max(self.decisions) - keep_slots]:
            self.records -= len(self.decisions.pop(old))

    def _open(self, signer: OperatorId, slot: Slot, keep_slots: int) -> SlotRecord:
        slots = self.slots.setdefault(signer, {})
        record = slots.get(slot)
        if record is None:
            record = slots[slot] = SlotRecord()
            newest = max(slots)
            for old in [each for each in slots if each <= newest - keep_slots]:
                del slots[old]
                self.records -= 1
            self.records += 1
        return record


class PeerHistory:
    """What one peer has brought, by message id."""

    def __init__(self) -> None:
        self.by_id: OrderedDict[MessageId, MessageHistory] = OrderedDict()
        self.records = 0
        self.counted = 0
        """How many of these are in the sum over all peers."""

    def of(self, message_id: MessageId) -> MessageHistory:
        """Return a message id's history to read; an empty one when there is none."""
        return self.by_id.get(message_id) or MessageHistory()

    def begin(self, message_id: MessageId, at: Instant) -> MessageHistory:
        """Return a message id's history to write at `at`; `end` must follow."""
        history = self.by_id.get(message_id)
        if history is None:
            history = self.by_id[message_id] = MessageHistory()
        self.by_id.move_to_end(message_id)
        history.touched = at
        self.records -= history.records
        return history

    def end(self, history: MessageHistory) -> None:
        """Count what was written."""
        self.records += history.records

    def forget_oldest(self) -> None:
        """Forget the message id that was not touched for longest."""
        _, history = self.by_id.popitem(last=False)
        self.records -= history.records


class Histories:
    """The histories of all peers, within bounds."""

    def __init__(self, records_of_peer: int = RECORDS_OF_PEER, records: int = RECORDS) -> None:
        self.by_peer: dict[bytes, PeerHistory] = {}
        self._records_of_peer = records_of_peer
        self._records = records
        self.records = 0
        """How many slots of signers are remembered, of all peers."""

    def of(self, peer: bytes) -> PeerHistory:
        """Return a peer's history."""
        return self.by_peer.setdefault(peer, PeerHistory())

    def keep_bounds(self, peer: bytes) -> None:
        """Forget what is over the bounds, after a message of `peer` was remembered."""
        brought = self.by_peer[peer]
        while brought.records > self._records_of_peer:
            brought.forget_oldest()
        self._count(brought)
        while self.records > self._records:
            largest = max(self.by_peer.values(), key=lambda history: history.records)
            largest.forget_oldest()
            self._count(largest)

    def forget_before(self, at: Instant) -> None:
        """Forget message ids that were not touched since `at`, and peers of which nothing is left."""
        for peer, history in list(self.by_peer.items()):
            while history.by_id and (next(iter(history.by_id.values())).touched or at) < at:
                history.forget_oldest()
            self._count(history)
            if not history.by_id:
                del self.by_peer[peer]

    def _count(self, history: PeerHistory) -> None:
        self.records += history.records - history.counted
        history.counted = history.records


_NOTHING: dict[Slot, SlotRecord] = {}
