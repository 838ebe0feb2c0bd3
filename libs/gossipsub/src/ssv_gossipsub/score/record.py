"""What is known of one peer. Source: GossipSub v1.1, "The Score Function"."""

from __future__ import annotations

from dataclasses import dataclass

from ssv_gossipsub.ids import PeerId
from ssv_gossipsub.score.colocation import SharedAddress
from ssv_gossipsub.score.parameters import ScoreParameters
from ssv_gossipsub.score.topic_counters import TopicCounters, TopicScore


@dataclass(frozen=True, slots=True)
class PeerScore:
    """A score and what it is made of, every part with its weight. For people and metrics."""

    total: float
    topics: dict[str, TopicScore]
    topics_capped: float
    app_specific: float
    ip_colocation: float
    behaviour_penalty: float


class PeerRecord:
    """Counters of one peer. `topics_total` is the sum of its topics' contributions, kept with each change."""

    __slots__ = ("addresses", "app_score", "behaviour_penalty", "expires_at", "peer", "topics", "topics_total")

    def __init__(self, peer: PeerId) -> None:
        self.peer = peer
        self.topics: dict[str, TopicCounters] = {}
        self.topics_total = 0.0
        self.app_score = 0.0
        self.behaviour_penalty = 0.0
        self.addresses: tuple[SharedAddress, ...] = ()
        self.expires_at: float | None = None
        """When to forget a peer that left; None while it is connected."""

    def score(self, p: ScoreParameters) -> float:
        """Return the score of now."""
        total = self.topics_total
        if p.topic_score_cap and total > p.topic_score_cap:
            total = p.topic_score_cap
        total += p.app_specific_weight * self.app_score
        for address in self.addresses:
            total += p.ip_colocation_weight * address.surplus
        excess = self.behaviour_penalty - p.behaviour_penalty_threshold
        if excess > 0:
            total += p.behaviour_penalty_weight * excess * excess
        return total

    def explain(self, p: ScoreParameters) -> PeerScore:
        """Return the score with its parts."""
        excess = max(0.0, self.behaviour_penalty - p.behaviour_penalty_threshold)
        cap = p.topic_score_cap or float("inf")
        return PeerScore(
            total=self.score(p),
            topics={topic: counters.parts() for topic, counters in self.topics.items()},
            topics_capped=min(self.topics_total, cap),
            app_specific=p.app_specific_weight * self.app_score,
            ip_colocation=p.ip_colocation_weight * sum(address.surplus for address in self.addresses),
            behaviour_penalty=p.behaviour_penalty_weight * excess * excess,
        )
