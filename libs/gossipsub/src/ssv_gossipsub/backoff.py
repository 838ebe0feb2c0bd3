"""When peers may be grafted again after a PRUNE.

Source: GossipSub v1.1, "PRUNE Backoff and Peer Exchange". A backoff outlives the connection. Memory: `capacity`
peers per topic, the oldest entry goes first.
"""

from __future__ import annotations

from ssv_gossipsub.ids import PeerId


class Backoffs:
    """Times by topic and peer."""

    def __init__(self, slack_s: float, capacity: int) -> None:
        self._slack_s = slack_s
        self._capacity = capacity
        self._until: dict[str, dict[PeerId, float]] = {}

    def extend(self, topic: str, peer: PeerId, until: float) -> None:
        """Wait until then, or longer where that is set already."""
        peers = self._until.setdefault(topic, {})
        peers[peer] = max(until, peers.get(peer, until))
        if len(peers) > self._capacity:
            del peers[next(iter(peers))]

    def until(self, topic: str, peer: PeerId) -> float | None:
        """Return when the peer may graft us again."""
        return self._until.get(topic, {}).get(peer)

    def waits(self, topic: str, peer: PeerId, now: float) -> bool:
        """Tell whether it is too soon for us to graft the peer, slack included."""
        until = self.until(topic, peer)
        return until is not None and now <= until + self._slack_s

    def clear(self, now: float) -> None:
        """Forget what is over."""
        for topic, peers in list(self._until.items()):
            for peer in [peer for peer, until in peers.items() if until + self._slack_s < now]:
                del peers[peer]
            if not peers:
                del self._until[topic]

    def __len__(self) -> int:
        return sum(map(len, self._until.values()))
