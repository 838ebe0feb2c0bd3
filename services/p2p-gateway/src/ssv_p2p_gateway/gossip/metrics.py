"""What the router counts, as metrics: looked at with each heartbeat, so a message costs nothing here."""

from __future__ import annotations

from collections import Counter

from ssv_gossipsub import Router
from ssv_gossipsub.counts import Counts
from ssv_p2p_gateway.gossip.parameters import THRESHOLDS
from ssv_runtime.metrics import Metrics

_COUNTED = {
    "rpcs": "RPCs of peers",
    "graylisted_rpcs": "RPCs of peers that are not listened to",
    "duplicates": "Messages of peers that had come before",
    "foreign_topic": "Messages of topics that are not subscribed",
    "sent": "Copies of messages given to peers' queues",
}
STANDINGS = ("good", "low", "no_gossip", "no_publish", "graylisted")
"""From a score of 0 on; below that; and below each threshold."""


class RouterMetrics:
    """Follows one router after another."""

    def __init__(self, metrics: Metrics) -> None:
        self._counters = {name: metrics.counter(f"gossip_{name}", text) for name, text in _COUNTED.items()}
        self._drops = metrics.counter("gossip_queue_drops", "Messages dropped because a peer reads too slowly")
        self._mesh = metrics.gauge("mesh_peers", "Peers in the mesh of a topic", ["topic"])
        self._subscribers = metrics.gauge("topic_peers", "Connected peers that listen to a topic of ours", ["topic"])
        self._standing = metrics.gauge("peers_by_score", "Peers by what their score lets them do", ["standing"])
        self._waiting = metrics.gauge("queued_bytes", "Messages that wait for peers, shared ones counted for each")
        self._before = Counts()
        self._router: Router | None = None
        self._topics: set[str] = set()

    def follow(self, router: Router) -> None:
        """Look at a router."""
        if router is not self._router:
            self._router, self._before = router, Counts()
        counts = router.counts
        for name, counter in self._counters.items():
            value = getattr(counts, name)
            counter.inc(value - getattr(self._before, name))
            setattr(self._before, name, value)
        self._drops.inc(counts.dropped - self._before.dropped)
        self._before.dropped = counts.dropped
        self._look_at_peers(router)

    def _look_at_peers(self, router: Router) -> None:
        topics = set(router.mesh.topics)
        for topic in topics:
            self._mesh.labels(topic).set(len(router.mesh.members(topic)))
            self._subscribers.labels(topic).set(len(router.subscribers(topic)))
        for topic in self._topics - topics:
            self._mesh.remove(topic)
            self._subscribers.remove(topic)
        self._topics = topics
        standings: Counter[str] = Counter()
        waiting = 0
        for peer in router.peers.values():
            standings[_standing(router.scores.score(peer.record))] += 1
            waiting += peer.outbox.waiting_bytes
        for standing in STANDINGS:
            self._standing.labels(standing).set(standings[standing])
        self._waiting.set(waiting)


def _standing(score: float) -> str:
    steps = (0.0, THRESHOLDS.gossip, THRESHOLDS.publish, THRESHOLDS.graylist)
    return STANDINGS[sum(score < step for step in steps)]
