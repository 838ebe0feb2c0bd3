"""What one peer did in one topic: P1 to P4.

Source: GossipSub v1.1, "Topic Parameter Calculation and Decay". The time in mesh is measured at each decay only, as the
specification says ("calculated lazily").
"""

from __future__ import annotations

from typing import NamedTuple

from ssv_gossipsub.score.parameters import TopicScoreParameters


class TopicScore(NamedTuple):
    """The weighted parts of a topic's contribution; their sum is the contribution."""

    time_in_mesh: float
    first_message_deliveries: float
    mesh_message_deliveries: float
    mesh_failure_penalty: float
    invalid_message_deliveries: float


class TopicCounters:
    """Counters and the contribution that they amount to, kept up to date by `weigh`."""

    __slots__ = (
        "contribution",
        "failure_penalty",
        "first_deliveries",
        "grafted_at",
        "invalid_deliveries",
        "mesh_deliveries",
        "mesh_time_s",
        "parameters",
    )

    def __init__(self, parameters: TopicScoreParameters) -> None:
        self.parameters = parameters
        self.grafted_at: float | None = None
        self.mesh_time_s = 0.0
        self.first_deliveries = 0.0
        self.mesh_deliveries = 0.0
        self.failure_penalty = 0.0
        self.invalid_deliveries = 0.0
        self.contribution = 0.0

    def graft(self, now: float) -> None:
        """The peer came into the mesh."""
        if self.grafted_at is None:
            self.grafted_at = now
            self.mesh_time_s = 0.0

    def prune(self) -> None:
        """It left the mesh; an active deficit sticks (P3b)."""
        self.failure_penalty += self.deficit**2
        self.grafted_at = None
        self.mesh_time_s = 0.0

    def delivered_first(self) -> None:
        """It brought a valid message before all others."""
        p = self.parameters
        self.first_deliveries = min(self.first_deliveries + 1, p.first_message_deliveries_cap)
        self.delivered_near_first()

    def delivered_near_first(self) -> None:
        """It brought a valid message while we validated another's copy, or within the window after that."""
        if self.grafted_at is not None:
            self.mesh_deliveries = min(self.mesh_deliveries + 1, self.parameters.mesh_message_deliveries_cap)

    def delivered_invalid(self) -> None:
        """It brought a message that was rejected."""
        self.invalid_deliveries += 1

    @property
    def deficit(self) -> float:
        """How far below the threshold its deliveries in the mesh are, once that counts."""
        p = self.parameters
        if (
            self.grafted_at is None
            or not p.tracks_mesh_deliveries
            or self.mesh_time_s <= p.mesh_message_deliveries_activation_s
        ):
            return 0.0
        return max(0.0, p.mesh_message_deliveries_threshold - self.mesh_deliveries)

    def decay(self, now: float, to_zero: float) -> None:
        """One decay interval has passed."""
        p = self.parameters
        self.first_deliveries = decayed(self.first_deliveries, p.first_message_deliveries_decay, to_zero)
        self.mesh_deliveries = decayed(self.mesh_deliveries, p.mesh_message_deliveries_decay, to_zero)
        self.failure_penalty = decayed(self.failure_penalty, p.mesh_failure_penalty_decay, to_zero)
        self.invalid_deliveries = decayed(self.invalid_deliveries, p.invalid_message_deliveries_decay, to_zero)
        if self.grafted_at is not None:
            self.mesh_time_s = now - self.grafted_at

    def replace_parameters(self, parameters: TopicScoreParameters) -> None:
        """Count by other parameters from now on; counters above a new cap come down to it."""
        self.parameters = parameters
        self.first_deliveries = min(self.first_deliveries, parameters.first_message_deliveries_cap)
        self.mesh_deliveries = min(self.mesh_deliveries, parameters.mesh_message_deliveries_cap)

    def parts(self) -> TopicScore:
        """Return P1 to P4, each with its weight and the topic's."""
        p = self.parameters
        time_in_mesh = 0.0
        if self.grafted_at is not None and p.time_in_mesh_weight:
            time_in_mesh = min(self.mesh_time_s / p.time_in_mesh_quantum_s, p.time_in_mesh_cap)
        return TopicScore(
            p.topic_weight * p.time_in_mesh_weight * time_in_mesh,
            p.topic_weight * p.first_message_deliveries_weight * self.first_deliveries,
            p.topic_weight * p.mesh_message_deliveries_weight * self.deficit**2,
            p.topic_weight * p.mesh_failure_penalty_weight * self.failure_penalty,
            p.topic_weight * p.invalid_message_deliveries_weight * self.invalid_deliveries**2,
        )

    def weigh(self) -> float:
        """Bring the contribution up to date; return by how much it changed."""
        before, self.contribution = self.contribution, sum(self.parts())
        return self.contribution - before

    @property
    def blank(self) -> bool:
        """Whether there is nothing to remember once the peer has left."""
        return not (self.failure_penalty or self.invalid_deliveries)


def decayed(counter: float, factor: float, to_zero: float) -> float:
    """Return a counter after one interval; below `to_zero` it is 0."""
    counter *= factor
    return counter if counter >= to_zero else 0.0
