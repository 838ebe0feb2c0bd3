"""The meshes of the topics that we subscribed: JOIN, LEAVE, GRAFT and PRUNE.

Invariants: a direct peer is never in a mesh; a peer that comes in or goes is told, unless it said so itself or left;
after each PRUNE, ours or theirs, there is a backoff; who comes in is a newcomer until the heartbeat. Outbound peers may
exceed `d_high` until then.
Source: GossipSub v1.0, "Topic Membership", "Control Messages"; v1.1, "PRUNE Backoff and Peer Exchange", "Outbound Mesh
Quotas", "Explicit Peering Agreements", "Spam Protection Measures". Peer exchange is off.
"""

from __future__ import annotations

from collections.abc import Iterable

from ssv_gossipsub.backoff import Backoffs
from ssv_gossipsub.neighbours import Members, Neighbours
from ssv_gossipsub.parameters import RouterParameters
from ssv_gossipsub.peer import Peer
from ssv_gossipsub.wire.rpc import Prune


class Mesh:
    """Members by topic."""

    def __init__(self, p: RouterParameters, neighbours: Neighbours) -> None:
        self._p = p
        self._neighbours = neighbours
        self.backoffs = Backoffs(p.backoff_slack_heartbeats * p.heartbeat_s, p.max_backoffs)
        self._topics: dict[str, Members] = {}
        self._newcomers: dict[str, Members] = {}

    @property
    def topics(self) -> Iterable[str]:
        """The topics that we subscribed."""
        return self._topics.keys()

    def __contains__(self, topic: object) -> bool:
        return topic in self._topics

    def members(self, topic: str) -> Members:
        """Return the mesh of a topic, empty where we did not subscribe; not to be changed."""
        return self._topics.get(topic, {})

    def take_newcomers(self) -> dict[str, Members]:
        """Return, once, the members that came in since the last time."""
        newcomers, self._newcomers = self._newcomers, {}
        return newcomers

    def join(self, topic: str, preferred: Iterable[Peer], now: float) -> None:
        """Subscribe: fill the mesh from the fanout, then at random (JOIN)."""
        members = self._topics.setdefault(topic, {})
        for peer in preferred:
            if len(members) < self._p.d and self.may_graft(topic, peer, now):
                self.graft(topic, peer, now)
        self.fill(topic, self._p.d, now)

    def leave(self, topic: str, now: float) -> None:
        """Unsubscribe: prune everybody, with a backoff short enough to come back soon (LEAVE)."""
        self._newcomers.pop(topic, None)
        for peer in list(self._topics.pop(topic, {}).values()):
            self._neighbours.scores.prune(peer.record, topic)
            self._dismiss(topic, peer, self._p.unsubscribe_backoff_s, now)

    def fill(self, topic: str, size: int, now: float) -> None:
        """Graft peers at random until the mesh has this size."""
        members = self._topics[topic]
        missing = size - len(members)
        for peer in self._neighbours.choose(topic, missing, members, lambda one: self.may_graft(topic, one, now)):
            self.graft(topic, peer, now)

    def may_graft(self, topic: str, peer: Peer, now: float) -> bool:
        """Tell whether we may take a peer in of our own will."""
        return not peer.direct and self._neighbours.score(peer) >= 0 and not self.backoffs.waits(topic, peer.id, now)

    def graft(self, topic: str, peer: Peer, now: float) -> None:
        """Take a peer in and tell it."""
        self._add(topic, peer, now)
        peer.outbox.graft(topic)

    def prune(self, topic: str, peer: Peer, now: float) -> None:
        """Drop a peer and tell it."""
        self.forget(topic, peer)
        self._dismiss(topic, peer, self._p.prune_backoff_s, now)

    def forget(self, topic: str, peer: Peer) -> None:
        """Drop a peer that left or said so itself."""
        if self._topics[topic].pop(peer.id, None):
            self._newcomers.get(topic, {}).pop(peer.id, None)
            self._neighbours.scores.prune(peer.record, topic)

    def forget_everywhere(self, peer: Peer) -> None:
        """Drop a peer that disconnected."""
        for topic, members in self._topics.items():
            if peer.id in members:
                self.forget(topic, peer)

    def on_graft(self, peer: Peer, topic: str, now: float) -> None:
        """A peer took us in: take it in too, or answer with PRUNE. Unknown topics are ignored (spam protection)."""
        members = self._topics.get(topic)
        if members is None or peer.id in members:
            return
        if self._refuses(peer, topic, now):
            self._dismiss(topic, peer, self._p.prune_backoff_s, now)
        else:
            self._add(topic, peer, now)

    def on_prune(self, peer: Peer, prune: Prune, now: float) -> None:
        """A peer dropped us: drop it and wait as long as it says."""
        if prune.topic not in self._topics:
            return
        self.forget(prune.topic, peer)
        backoff_s = min(prune.backoff_s or self._p.prune_backoff_s, self._p.max_backoff_s)
        self.backoffs.extend(prune.topic, peer.id, now + backoff_s)

    def _refuses(self, peer: Peer, topic: str, now: float) -> bool:
        if peer.direct:
            return True
        until = self.backoffs.until(topic, peer.id)
        if until is not None and now < until:
            scores = self._neighbours.scores
            scores.penalise(peer.record)
            if now < until - self._p.prune_backoff_s + self._p.graft_flood_s:
                scores.penalise(peer.record)
            return True
        if self._neighbours.score(peer) < 0:
            return True
        return len(self._topics[topic]) >= self._p.d_high and not peer.outbound

    def _add(self, topic: str, peer: Peer, now: float) -> None:
        self._topics[topic][peer.id] = self._newcomers.setdefault(topic, {})[peer.id] = peer
        self._neighbours.scores.graft(peer.record, topic, now)

    def _dismiss(self, topic: str, peer: Peer, backoff_s: float, now: float) -> None:
        peer.outbox.prune(topic, backoff_s)
        self.backoffs.extend(topic, peer.id, now + backoff_s)
