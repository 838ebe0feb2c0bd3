"""Routers that talk over links with delays, in virtual time: the same seed gives the same run, event by event.

Frames travel as bytes and are decoded again. Everything lost, late or hostile is put in by the test.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from random import Random

from libs.gossipsub.tests.conftest import content_id

from ssv_gossipsub import (
    Framer,
    PeerId,
    Protocol,
    Received,
    Router,
    RouterParameters,
    RpcDecoder,
    ScoreParameters,
    ScoreThresholds,
    TopicScoreParameters,
    Verdict,
)

TOPIC = "ssv.v2.7"
PARAMETERS = RouterParameters(
    d=8,
    d_low=6,
    d_high=12,
    heartbeat_s=0.7,
    history_length=6,
    history_gossip=4,
    max_ihave_length=1500,
    max_ihave_messages=32,
    seen_ttl_s=385,
)
SCORES = ScoreParameters(
    thresholds=ScoreThresholds(gossip=-40, publish=-80, graylist=-160, opportunistic_graft=1),
    topics={
        TOPIC: TopicScoreParameters(
            topic_weight=0.5,
            time_in_mesh_weight=0.01,
            time_in_mesh_cap=100,
            first_message_deliveries_weight=1,
            first_message_deliveries_decay=0.9,
            first_message_deliveries_cap=20,
            invalid_message_deliveries_weight=-10,
            invalid_message_deliveries_decay=0.99,
        )
    },
    topic_score_cap=20,
    behaviour_penalty_weight=-5,
    behaviour_penalty_threshold=6,
    behaviour_penalty_decay=0.99,
    retain_score_s=600,
)
VALIDATION_S = 0.01


@dataclass
class Node:
    """A router, what its application got, and its links."""

    router: Router
    links: dict[PeerId, Framer] = field(default_factory=dict)
    delivered: Counter[bytes] = field(default_factory=Counter)
    online: bool = True


def invalid(data: bytes) -> bool:
    return data.startswith(b"bad")


class Network:
    """All nodes. `loses(sender, receiver, frames)` says which frames do not arrive."""

    def __init__(self, size: int, links: int, seed: int, parameters: RouterParameters = PARAMETERS) -> None:
        self.rng = Random(seed)
        self.now = 0.0
        self.p = parameters
        self.loses: Callable[[PeerId, PeerId], bool] = lambda _sender, _receiver: False
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._decoder = RpcDecoder()
        self.nodes: dict[PeerId, Node] = {}
        ids = [PeerId(b"node-%02d" % number) for number in range(size)]
        for known in ids:
            self._start(known)
        for position, known in enumerate(ids):
            for other in self.rng.sample(ids[:position], min(links, position)):
                self.connect(known, other)

    def _start(self, known: PeerId) -> None:
        rng = Random(self.rng.random())
        router = Router(known, self.p, SCORES, content_id, rng, self.now)
        self.nodes[known] = Node(router)
        router.subscribe(TOPIC, self.now)
        self.at(self.rng.random() * self.p.heartbeat_s, lambda: self._heartbeat(known, self.nodes[known]))

    def _heartbeat(self, known: PeerId, node: Node) -> None:
        if self.nodes[known] is node and node.online:
            node.router.heartbeat(self.now)
            self.flush(known)
            self.at(self.p.heartbeat_s, lambda: self._heartbeat(known, node))

    def connect(self, dialler: PeerId, other: PeerId) -> None:
        for known, peer in ((dialler, other), (other, dialler)):
            node = self.nodes[known]
            node.links[peer] = Framer(1 << 20)
            node.router.connected(peer, Protocol.V1_2, outbound=known == dialler, addresses=[peer.decode()])
            self.flush(known)

    def leave(self, known: PeerId) -> list[PeerId]:
        """Take a node off the network; return who it was connected to."""
        node = self.nodes[known]
        node.online = False
        peers = list(node.links)
        for peer in peers:
            del self.nodes[peer].links[known]
            self.nodes[peer].router.disconnected(known, self.now)
            self.flush(peer)
        node.links.clear()
        return peers

    def restart(self, known: PeerId, peers: list[PeerId]) -> None:
        """Begin anew, without memory, and dial these."""
        self._start(known)
        for peer in peers:
            self.connect(known, peer)

    def at(self, delay_s: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self.now + delay_s, next(self._order), event))

    def run(self, duration_s: float) -> None:
        end = self.now + duration_s
        while self._events and self._events[0][0] <= end:
            self.now, _, event = heapq.heappop(self._events)
            event()
        self.now = end

    def publish(self, known: PeerId, data: bytes) -> int:
        published = self.nodes[known].router.publish(TOPIC, data, self.now)
        self.flush(known)
        return published.peers

    def flush(self, known: PeerId) -> None:
        """Put what a node wants to send on its links."""
        router = self.nodes[known].router
        for peer in router.ready:
            frames = router.take(peer)
            self.send(known, peer, [frame for frame in frames if not self.loses(known, peer)])

    def send(self, sender: PeerId, receiver: PeerId, frames: list[bytes]) -> None:
        latency_s = 0.005 + 0.05 * self.rng.random()
        self.at(latency_s, lambda: self._arrive(sender, receiver, b"".join(frames)))

    def _arrive(self, sender: PeerId, receiver: PeerId, chunk: bytes) -> None:
        node = self.nodes[receiver]
        framer = node.links.get(sender)
        if framer is None:
            return
        for body in framer.feed(chunk):
            for received in node.router.receive(sender, self._decoder.decode(body), self.now):
                self.at(VALIDATION_S, partial(self._decide, receiver, node, received))
        self.flush(receiver)

    def _decide(self, known: PeerId, node: Node, received: Received) -> None:
        verdict = Verdict.REJECT if invalid(received.message.data) else Verdict.ACCEPT
        delivered = node.router.decide(received.message_id, verdict, self.now)
        if delivered:
            node.delivered[delivered.message.data] += 1
        if self.nodes[known] is node:
            self.flush(known)

    def online(self) -> list[PeerId]:
        return [known for known, node in self.nodes.items() if node.online]

    def mesh_sizes(self) -> list[int]:
        return [len(self.nodes[known].router.mesh.members(TOPIC)) for known in self.online()]

    def lowest_score(self, of: PeerId) -> float:
        """The worst that anybody online thinks of a node."""
        scores = (self.nodes[known].router.score(of) for known in self.online() if known != of)
        return min(score.total for score in scores if score)

    def check_bounds(self) -> None:
        """No router keeps more than its parameters allow."""
        for node in self.nodes.values():
            router, p = node.router, self.p
            assert router.messages.validating <= p.max_validating
            assert len(router.messages.seen) <= p.max_seen
            assert router.gossip.cache.stored_bytes <= p.max_cache_bytes
            assert len(router.gossip.promises) <= len(self.nodes) * p.max_ihave_messages * 6
            assert len(router.mesh.backoffs) <= p.max_backoffs
            assert router.scores.retained <= SCORES.max_retained
            for peer in router.peers.values():
                assert len(peer.outbox) <= p.max_outbox_messages
                assert len(peer.unwanted) <= p.max_unwanted
                assert len(peer.topics) <= p.max_subscriptions
