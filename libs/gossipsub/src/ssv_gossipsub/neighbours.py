"""The peers that are connected, what they subscribe, and who of them may be chosen.

Everything is kept in dicts, whose order is that of events: with the same events and the same seed two runs choose the
same peers.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from random import Random

from ssv_gossipsub.ids import PeerId
from ssv_gossipsub.peer import Peer
from ssv_gossipsub.score.engine import Scores

Members = dict[PeerId, Peer]


class Neighbours:
    """Connected peers by id and by topic."""

    def __init__(self, scores: Scores, rng: Random) -> None:
        self.scores = scores
        self.rng = rng
        self.peers: Members = {}
        self._topics: dict[str, Members] = {}

    def add(self, peer: Peer) -> None:
        """A peer connected."""
        self.peers[peer.id] = peer

    def remove(self, peer: Peer) -> None:
        """A peer left."""
        del self.peers[peer.id]
        for topic in list(peer.topics):
            self.unsubscribe(peer, topic)

    def subscribe(self, peer: Peer, topic: str) -> None:
        """A peer joined a topic."""
        peer.topics[topic] = None
        self._topics.setdefault(topic, {})[peer.id] = peer

    def unsubscribe(self, peer: Peer, topic: str) -> None:
        """A peer left a topic."""
        peer.topics.pop(topic, None)
        members = self._topics.get(topic, {})
        members.pop(peer.id, None)
        if not members:
            self._topics.pop(topic, None)

    def members(self, topic: str) -> Members:
        """Return who subscribed a topic; not to be changed."""
        return self._topics.get(topic, {})

    def score(self, peer: Peer) -> float:
        """Return a peer's score."""
        return self.scores.score(peer.record)

    def choose(
        self, topic: str, count: int, but: Container[PeerId] = (), where: Callable[[Peer], bool] = lambda _: True
    ) -> list[Peer]:
        """Return up to `count` subscribers at random; direct peers are never among them."""
        if count <= 0:
            return []
        members = self._topics.get(topic, {})
        eligible = [one for known, one in members.items() if known not in but and not one.direct and where(one)]
        return self.rng.sample(eligible, min(count, len(eligible)))
