"""Messages: from their first copy through validation to delivery and forwarding.

Invariants: a message is marked as seen before it is validated, so it is validated and delivered once; nothing of others
is forwarded before Accept; it never goes to its author or to whom it came from. Validation holds `max_validating`
messages; what comes beyond is dropped and not marked as seen.
Source: GossipSub v1.0, "Message Processing"; v1.1, "Extended Validators", "Explicit Peering Agreements", "Score
Thresholds" (publish); flood publishing is off.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from itertools import chain
from typing import NamedTuple

from ssv_gossipsub.counts import Counts
from ssv_gossipsub.envelope import EnvelopeCheck
from ssv_gossipsub.fanout import Fanout
from ssv_gossipsub.gossip import Gossip
from ssv_gossipsub.ids import MessageId, MessageIdFunction, PeerId
from ssv_gossipsub.mesh import Mesh
from ssv_gossipsub.message_cache import CachedMessage
from ssv_gossipsub.neighbours import Members, Neighbours
from ssv_gossipsub.parameters import RouterParameters
from ssv_gossipsub.peer import Peer
from ssv_gossipsub.score.deliveries import Deliveries
from ssv_gossipsub.seen import SeenCache
from ssv_gossipsub.verdict import Verdict
from ssv_gossipsub.wire import encode
from ssv_gossipsub.wire.message import Message

_MAX_LONELY = 4096
"""Own messages that reached nobody, which may be published again."""


class Received(NamedTuple):
    """A message to validate, or one that was accepted."""

    message_id: MessageId
    message: Message
    peer: PeerId
    """Who brought it first."""
    at: float


class Published(NamedTuple):
    """What became of an own message."""

    message_id: MessageId
    peers: int
    """How many peers' queues took it."""
    known: bool
    """Whether it had been published, or received, before; then it was not sent again."""


class Messages:
    """All messages on their way."""

    def __init__(
        self,
        own: PeerId,
        p: RouterParameters,
        neighbours: Neighbours,
        mesh: Mesh,
        fanout: Fanout,
        gossip: Gossip,
        message_id: MessageIdFunction,
        check: EnvelopeCheck,
        counts: Counts,
    ) -> None:
        self._own = own
        self._p = p
        self._neighbours = neighbours
        self._mesh = mesh
        self._fanout = fanout
        self._gossip = gossip
        self._message_id = message_id
        self._check = check
        self._counts = counts
        self.direct: Members = {}
        self.seen = SeenCache(p.seen_ttl_s, p.max_seen)
        self.deliveries = Deliveries(neighbours.scores, p.max_deliveries, p.seen_ttl_s)
        self._validating: dict[MessageId, Received] = {}
        self._lonely: dict[MessageId, None] = {}

    @property
    def validating(self) -> int:
        """How many messages wait for a verdict."""
        return len(self._validating)

    def receive(self, peer: Peer, messages: Iterable[Message], now: float) -> list[Received]:
        """Take messages of a peer; return those to validate."""
        fresh = []
        for message in messages:
            self._counts.received += 1
            message_id = self._message_id(message)
            if message.topic not in self._mesh:
                self._counts.foreign_topic += 1
                self._gossip.promises.kept(message_id)  # we left the topic after asking
            elif message_id in self.seen:
                self._counts.duplicates += 1
                self.deliveries.copy(message_id, message.topic, peer.id, now)
            elif self._admit(peer, message, message_id):
                received = Received(message_id, message, peer.id, now)
                self._validating[message_id] = received
                self.deliveries.first(message_id, peer.id)
                self._gossip.tell_unwanted(message_id, len(message.data), self._mesh.members(message.topic), peer)
                fresh.append(received)
        return fresh

    def decide(self, message_id: MessageId, verdict: Verdict, now: float) -> Received | None:
        """End a validation: return the message when it is to be delivered, None otherwise.

        An id that is not, or no longer, validated changes nothing.
        """
        received = self._validating.pop(message_id, None)
        if received is None:
            return None
        message = received.message
        senders = self.deliveries.decided(message_id, message.topic, verdict, now)
        if verdict is Verdict.ACCEPT:
            self._counts.accepted += 1
            to = chain(self._mesh.members(message.topic).values(), self._direct_in(message.topic))
            frame = encode.message_frame(message.encoded)
            reached = self._send(message_id, frame, to, {message.author, *senders})
            self._gossip.cache.put(message_id, CachedMessage(message.topic, frame, reached))
            return received
        if verdict is Verdict.REJECT:
            self._counts.rejected += 1
        else:
            self._counts.ignored += 1
        return None

    def publish(self, message: Message, now: float) -> Published:
        """Send an own message, without validation, unless it reached somebody before."""
        message_id = self._message_id(message)
        if message_id in self.seen and message_id not in self._lonely:
            cached = self._gossip.cache.get(message_id)
            return Published(message_id, cached.reached if cached else 0, known=True)
        if message_id not in self.seen:
            self._counts.published += 1
            self.seen.add(message_id)
            self.deliveries.own(message_id, message.topic, now)
            self._gossip.promises.kept(message_id)
        frame = encode.message_frame(message.encoded)
        reached = self._send(message_id, frame, self._publish_to(message.topic, now), {self._own})
        self._gossip.cache.put(message_id, CachedMessage(message.topic, frame, reached))
        if reached:
            self._lonely.pop(message_id, None)
        else:
            self._lonely[message_id] = None
            if len(self._lonely) > _MAX_LONELY:
                del self._lonely[next(iter(self._lonely))]
        return Published(message_id, reached, known=False)

    def expire(self, now: float) -> None:
        """Forget what is over, and ignore what nobody has judged in time."""
        self.seen.advance(now)
        self.deliveries.expire(now)
        while self._validating:
            oldest = next(iter(self._validating.values()))
            if oldest.at + self._p.max_validation_s > now:
                break
            self._counts.validation_late += 1
            self.decide(oldest.message_id, Verdict.IGNORE, now)

    def _admit(self, peer: Peer, message: Message, message_id: MessageId) -> bool:
        """Look at a first copy from outside; mark it as seen when it is to be validated."""
        verdict = self._check(message)
        if verdict is not Verdict.ACCEPT:
            self._counts.bad_envelope += 1
            if verdict is Verdict.REJECT:
                self._neighbours.scores.invalid_delivery(peer.record, message.topic)
            return False
        self._gossip.promises.kept(message_id)
        if message.author == self._own:  # from before a restart
            self._counts.own_returned += 1
            self.seen.add(message_id)
            return False
        if len(self._validating) >= self._p.max_validating:
            self._counts.validation_full += 1
            return False
        self.seen.add(message_id)
        return True

    def _publish_to(self, topic: str, now: float) -> Iterable[Peer]:
        """Return mesh or fanout, and others to make up for a mesh that is not `d` yet."""
        if topic not in self._mesh:
            return chain(self._fanout.publish(topic, now).values(), self._direct_in(topic))
        members = self._mesh.members(topic)
        more = self._neighbours.choose(topic, self._p.d - len(members), members, self._may_publish_to)
        return chain(filter(self._may_publish_to, members.values()), more, self._direct_in(topic))

    def _may_publish_to(self, peer: Peer) -> bool:
        scores = self._neighbours.scores
        return scores.score(peer.record) >= scores.parameters.thresholds.publish

    def _direct_in(self, topic: str) -> list[Peer]:
        return [peer for peer in self.direct.values() if topic in peer.topics] if self.direct else []

    def _send(self, message_id: MessageId, frame: bytes, to: Iterable[Peer], but: Container[bytes]) -> int:
        reached = 0
        for peer in to:
            if peer.id in but or message_id in peer.unwanted:
                continue
            if peer.outbox.message(frame):
                reached += 1
            else:
                self._counts.dropped += 1
        self._counts.sent += reached
        return reached
