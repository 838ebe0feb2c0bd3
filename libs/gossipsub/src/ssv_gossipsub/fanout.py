"""Peers through which we publish to topics that we did not subscribe.

Source: GossipSub v1.0, "Topic Membership", "Fanout Maintenance"; v1.1, "Score Thresholds" (publish).
Memory: a topic lasts `fanout_ttl_s` after the last publication.
"""

from __future__ import annotations

from collections.abc import Iterable

from ssv_gossipsub.neighbours import Members, Neighbours
from ssv_gossipsub.parameters import RouterParameters
from ssv_gossipsub.peer import Peer


class Fanout:
    """Members by topic, and when each topic was last published to."""

    def __init__(self, p: RouterParameters, neighbours: Neighbours) -> None:
        self._p = p
        self._neighbours = neighbours
        self._topics: dict[str, Members] = {}
        self._published: dict[str, float] = {}

    @property
    def topics(self) -> Iterable[str]:
        """The topics that we publish to without a subscription."""
        return self._topics.keys()

    def members(self, topic: str) -> Members:
        """Return who gets publications of a topic."""
        return self._topics.get(topic, {})

    def publish(self, topic: str, now: float) -> Members:
        """Return to whom to publish, up to `d` peers; they stay the same for the next publications."""
        self._published[topic] = now
        members = self._topics.setdefault(topic, {})
        self._fill(topic, members)
        return members

    def take(self, topic: str) -> list[Peer]:
        """Return the peers of a topic that we join now, and forget it here."""
        self._published.pop(topic, None)
        return list(self._topics.pop(topic, {}).values())

    def forget(self, peer: Peer) -> None:
        """A peer left."""
        for members in self._topics.values():
            members.pop(peer.id, None)

    def maintain(self, now: float) -> None:
        """Forget topics without publications, drop peers that no longer fit, fill up."""
        for topic, published in list(self._published.items()):
            if published + self._p.fanout_ttl_s < now:
                self.take(topic)
                continue
            members = self._topics[topic]
            subscribed = self._neighbours.members(topic)
            for known, peer in list(members.items()):
                if known not in subscribed or not self._fits(peer):
                    del members[known]
            self._fill(topic, members)

    def _fill(self, topic: str, members: Members) -> None:
        chosen = self._neighbours.choose(topic, self._p.d - len(members), members, self._fits)
        members.update((peer.id, peer) for peer in chosen)

    def _fits(self, peer: Peer) -> bool:
        scores = self._neighbours.scores
        return self._neighbours.score(peer) >= scores.parameters.thresholds.publish
