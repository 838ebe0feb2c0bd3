"""Scores of all peers, connected or remembered.

Invariants: a score is a function of what was reported here; scores of peers that left do not decay and are kept for
`retain_score_s`, unless positive (which would invite leaving at the top) or without anything to hold against the peer.
Source: GossipSub v1.1, "Peer Scoring", "The Score Function", "Parameter Decay".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ssv_gossipsub.ids import PeerId
from ssv_gossipsub.score.colocation import Colocation
from ssv_gossipsub.score.parameters import ScoreParameters, TopicScoreParameters
from ssv_gossipsub.score.record import PeerRecord
from ssv_gossipsub.score.topic_counters import TopicCounters, decayed


class Scores:
    """The score engine. Times are seconds of one clock that never goes back."""

    def __init__(self, parameters: ScoreParameters, now: float) -> None:
        self.parameters = parameters
        self._topics: dict[str, TopicScoreParameters] = dict(parameters.topics)
        self._records: dict[PeerId, PeerRecord] = {}
        self._retained: dict[PeerId, PeerRecord] = {}  # in the order in which they left
        self._colocation = Colocation(parameters)
        self._next_decay = now + parameters.decay_interval_s

    def connected(self, peer: PeerId, addresses: Iterable[str]) -> PeerRecord:
        """Begin, or go on, to count for a peer that is connected from these addresses."""
        record = self._retained.pop(peer, None) or self._records.get(peer) or PeerRecord(peer)
        record.expires_at = None
        self._records[peer] = record
        self.place(record, addresses)
        return record

    def place(self, record: PeerRecord, addresses: Iterable[str]) -> None:
        """Say from which addresses a peer is connected now."""
        record.addresses = self._colocation.move(record.addresses, addresses)

    def disconnected(self, peer: PeerId, now: float) -> None:
        """Remember a peer that left, when there is something to hold against it."""
        record = self._records.pop(peer, None)
        if record is None:
            return
        for counters in record.topics.values():
            counters.first_deliveries = 0.0
            counters.prune()
            record.topics_total += counters.weigh()
        score = record.score(self.parameters)
        nothing = not record.behaviour_penalty and all(counters.blank for counters in record.topics.values())
        if score > 0 or (nothing and not record.app_score):
            self._forget(record)
            return
        record.expires_at = now + self.parameters.retain_score_s
        self._retained[peer] = record
        if len(self._retained) > self.parameters.max_retained:
            self._forget(self._retained.pop(next(iter(self._retained))))

    def record(self, peer: PeerId) -> PeerRecord | None:
        """Return what is known of a peer, connected or not."""
        return self._records.get(peer) or self._retained.get(peer)

    def score(self, record: PeerRecord) -> float:
        """Return the score of now."""
        return record.score(self.parameters)

    def graft(self, record: PeerRecord, topic: str, now: float) -> None:
        """The peer came into our mesh of a topic."""
        if counters := self._counters(record, topic):
            counters.graft(now)
            record.topics_total += counters.weigh()

    def prune(self, record: PeerRecord, topic: str) -> None:
        """The peer left our mesh of a topic, by whoever's will."""
        if counters := self._counters(record, topic):
            counters.prune()
            record.topics_total += counters.weigh()

    def first_delivery(self, record: PeerRecord, topic: str) -> None:
        """The peer was the first to bring a message that was accepted."""
        if counters := self._counters(record, topic):
            counters.delivered_first()
            record.topics_total += counters.weigh()

    def near_first_delivery(self, record: PeerRecord, topic: str) -> None:
        """The peer brought an accepted message in time for its mesh delivery rate."""
        if counters := self._counters(record, topic):
            counters.delivered_near_first()
            record.topics_total += counters.weigh()

    def invalid_delivery(self, record: PeerRecord, topic: str) -> None:
        """The peer brought a message that was rejected."""
        if counters := self._counters(record, topic):
            counters.delivered_invalid()
            record.topics_total += counters.weigh()

    def penalise(self, record: PeerRecord, count: float = 1.0) -> None:
        """Add to the behavioural penalty (P7)."""
        record.behaviour_penalty += count

    def set_app_score(self, record: PeerRecord, value: float) -> None:
        """Say what the application thinks of the peer (P5)."""
        record.app_score = value

    def mesh_delivery_window_s(self, topic: str) -> float | None:
        """Return how long after validation a copy counts as near-first; None where that counts for nothing."""
        parameters = self._topics.get(topic)
        if parameters is None or not parameters.tracks_mesh_deliveries:
            return None
        return parameters.mesh_message_deliveries_window_s

    def set_topics(self, topics: Mapping[str, TopicScoreParameters]) -> None:
        """Add topics, or give them other parameters; what was counted in them stays."""
        self._topics.update(topics)
        for record in (*self._records.values(), *self._retained.values()):
            for topic in topics.keys() & record.topics.keys():
                record.topics[topic].replace_parameters(topics[topic])
                record.topics_total += record.topics[topic].weigh()

    def refresh(self, now: float) -> None:
        """Decay what is due and forget whose time is over. To be called at least once per decay interval."""
        while self._next_decay <= now:
            self._decay(now)
            self._next_decay += self.parameters.decay_interval_s
        while self._retained:
            record = next(iter(self._retained.values()))
            if record.expires_at is None or record.expires_at > now:
                break
            self._forget(self._retained.pop(record.peer))

    def _decay(self, now: float) -> None:
        p = self.parameters
        for record in self._records.values():
            for counters in record.topics.values():
                counters.decay(now, p.decay_to_zero)
                counters.weigh()
            record.topics_total = sum(counters.contribution for counters in record.topics.values())
            record.behaviour_penalty = decayed(record.behaviour_penalty, p.behaviour_penalty_decay, p.decay_to_zero)

    def _counters(self, record: PeerRecord, topic: str) -> TopicCounters | None:
        counters = record.topics.get(topic)
        if counters is None and topic in self._topics:
            counters = record.topics[topic] = TopicCounters(self._topics[topic])
        return counters

    def _forget(self, record: PeerRecord) -> None:
        self._colocation.move(record.addresses, ())
        record.addresses = ()

    @property
    def retained(self) -> int:
        """How many peers are remembered that left."""
        return len(self._retained)
