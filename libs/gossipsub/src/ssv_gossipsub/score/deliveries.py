"""Who brought which message: copies of it count for or against those who sent them.

While a message is validated its senders wait for the verdict. Afterwards copies of a rejected one count against their
senders, copies of an accepted one for mesh members within the window; each peer once per message.
Memory: at most `capacity` messages of each kind, the oldest go first.
Source: GossipSub v1.1, "P3 and P3b", "P4", "Extended Validators".
"""

from __future__ import annotations

from ssv_gossipsub.ids import MessageId, PeerId
from ssv_gossipsub.score.engine import Scores
from ssv_gossipsub.verdict import Verdict


class Deliveries:
    """Turns deliveries and verdicts into scores."""

    def __init__(self, scores: Scores, capacity: int, rejected_ttl_s: float) -> None:
        self._scores = scores
        self._capacity = capacity
        self._rejected_ttl_s = rejected_ttl_s
        self._waiting: dict[MessageId, dict[PeerId, None]] = {}
        self._accepted: dict[MessageId, tuple[float, dict[PeerId, None]]] = {}  # until when copies count, from whom
        self._rejected: dict[MessageId, tuple[float, dict[PeerId, None]]] = {}  # until when we know, who has paid

    def first(self, message_id: MessageId, peer: PeerId) -> None:
        """A message came that nobody brought before; validation begins."""
        self._waiting[message_id] = {peer: None}

    def own(self, message_id: MessageId, topic: str, now: float) -> None:
        """We published a message; copies within the window count for mesh members."""
        window_s = self._scores.mesh_delivery_window_s(topic)
        if window_s is not None:
            _keep(self._accepted, message_id, (now + window_s, {}), self._capacity)

    def copy(self, message_id: MessageId, topic: str, peer: PeerId, now: float) -> None:
        """A message came again."""
        waiting = self._waiting.get(message_id)
        if waiting is not None:
            waiting[peer] = None
        elif self._rejected and (rejected := self._rejected.get(message_id)):
            if peer not in rejected[1]:
                rejected[1][peer] = None
                self._invalid(peer, topic)
        elif self._accepted and (accepted := self._accepted.get(message_id)):
            until, counted = accepted
            if now <= until and peer not in counted:
                counted[peer] = None
                self._near_first(peer, topic)

    def decided(self, message_id: MessageId, topic: str, verdict: Verdict, now: float) -> dict[PeerId, None]:
        """Validation ended; return who has sent the message so far, the first one first."""
        senders = self._waiting.pop(message_id, {})
        if verdict is Verdict.REJECT:
            for peer in senders:
                self._invalid(peer, topic)
            _keep(self._rejected, message_id, (now + self._rejected_ttl_s, senders), self._capacity)
        elif verdict is Verdict.ACCEPT:
            self._accept(message_id, topic, senders, now)
        return senders

    def expire(self, now: float) -> None:
        """Forget what no longer counts."""
        for kept in (self._accepted, self._rejected):
            while kept and next(iter(kept.values()))[0] < now:
                del kept[next(iter(kept))]

    def _accept(self, message_id: MessageId, topic: str, senders: dict[PeerId, None], now: float) -> None:
        window_s = self._scores.mesh_delivery_window_s(topic)
        for position, peer in enumerate(senders):
            record = self._scores.record(peer)
            if record is None:
                continue
            if position == 0:
                self._scores.first_delivery(record, topic)
            elif window_s is not None:
                self._scores.near_first_delivery(record, topic)
        if window_s is not None:
            _keep(self._accepted, message_id, (now + window_s, senders), self._capacity)

    def _invalid(self, peer: PeerId, topic: str) -> None:
        if record := self._scores.record(peer):
            self._scores.invalid_delivery(record, topic)

    def _near_first(self, peer: PeerId, topic: str) -> None:
        if record := self._scores.record(peer):
            self._scores.near_first_delivery(record, topic)

    def __len__(self) -> int:
        return len(self._waiting) + len(self._accepted) + len(self._rejected)


def _keep(
    kept: dict[MessageId, tuple[float, dict[PeerId, None]]],
    message_id: MessageId,
    value: tuple[float, dict[PeerId, None]],
    capacity: int,
) -> None:
    kept[message_id] = value
    if len(kept) > capacity:
        del kept[next(iter(kept))]
