"""Parameters of the score, with the constraints of the specification.

Source: GossipSub v1.1, "Overview of New Parameters", "Score Thresholds". A weight of 0 switches its parameter off; what
belongs to it is then not checked. Times are in seconds, decay factors apply once per `decay_interval_s`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network

from ssv_gossipsub.checks import at_least, decay_factor, finite, positive, require


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicScoreParameters:
    """How behaviour in one topic counts. Raises ParameterError."""

    topic_weight: float
    # P1
    time_in_mesh_weight: float = 0.0
    time_in_mesh_quantum_s: float = 1.0
    time_in_mesh_cap: float = 1.0
    # P2
    first_message_deliveries_weight: float = 0.0
    first_message_deliveries_decay: float = 0.5
    first_message_deliveries_cap: float = 1.0
    # P3
    mesh_message_deliveries_weight: float = 0.0
    mesh_message_deliveries_decay: float = 0.5
    mesh_message_deliveries_cap: float = 1.0
    mesh_message_deliveries_threshold: float = 1.0
    mesh_message_deliveries_window_s: float = 0.0
    mesh_message_deliveries_activation_s: float = 1.0
    # P3b
    mesh_failure_penalty_weight: float = 0.0
    mesh_failure_penalty_decay: float = 0.5
    # P4
    invalid_message_deliveries_weight: float = 0.0
    invalid_message_deliveries_decay: float = 0.5

    def __post_init__(self) -> None:
        at_least("topic_weight", self.topic_weight, 0)
        self._check_rewards()
        self._check_penalties()

    def _check_rewards(self) -> None:
        at_least("time_in_mesh_weight", self.time_in_mesh_weight, 0)
        if self.time_in_mesh_weight:
            positive("time_in_mesh_quantum_s", self.time_in_mesh_quantum_s)
            positive("time_in_mesh_cap", self.time_in_mesh_cap)
        at_least("first_message_deliveries_weight", self.first_message_deliveries_weight, 0)
        if self.first_message_deliveries_weight:
            decay_factor("first_message_deliveries_decay", self.first_message_deliveries_decay)
            positive("first_message_deliveries_cap", self.first_message_deliveries_cap)

    def _check_penalties(self) -> None:
        for name in ("mesh_message_deliveries", "mesh_failure_penalty", "invalid_message_deliveries"):
            weight = getattr(self, f"{name}_weight")
            finite(f"{name}_weight", weight)
            require(weight <= 0, f"{name}_weight", "must be negative, or 0")
            if weight:
                decay_factor(f"{name}_decay", getattr(self, f"{name}_decay"))
        if self.tracks_mesh_deliveries:
            threshold = self.mesh_message_deliveries_threshold
            decay_factor("mesh_message_deliveries_decay", self.mesh_message_deliveries_decay)
            positive("mesh_message_deliveries_threshold", threshold)
            at_least("mesh_message_deliveries_cap", self.mesh_message_deliveries_cap, threshold)
            at_least("mesh_message_deliveries_window_s", self.mesh_message_deliveries_window_s, 0)
            at_least("mesh_message_deliveries_activation_s", self.mesh_message_deliveries_activation_s, 0)

    @property
    def tracks_mesh_deliveries(self) -> bool:
        """Whether P3 or P3b counts."""
        return bool(self.mesh_message_deliveries_weight or self.mesh_failure_penalty_weight)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreThresholds:
    """From which score on a peer gets less. Raises ParameterError."""

    gossip: float
    """Below: no gossip to it, none taken from it."""
    publish: float
    """Below: own messages are not sent to it."""
    graylist: float
    """Below: its RPCs are ignored."""
    opportunistic_graft: float
    """A mesh whose median is below takes in better peers."""

    def __post_init__(self) -> None:
        for name in ("gossip", "publish", "graylist", "opportunistic_graft"):
            finite(name, getattr(self, name))
        require(self.gossip < 0, "gossip", "must be negative")
        require(self.publish <= self.gossip, "publish", "must not be above gossip")
        require(self.graylist < self.publish, "graylist", "must be below publish")
        at_least("opportunistic_graft", self.opportunistic_graft, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreParameters:
    """How peers are judged as a whole. Raises ParameterError."""

    thresholds: ScoreThresholds
    topics: Mapping[str, TopicScoreParameters] = field(default_factory=dict)
    """A topic that is not here does not count."""
    topic_score_cap: float = 0.0
    """The most that all topics together may give; 0: no cap."""
    # P5
    app_specific_weight: float = 0.0
    # P6
    ip_colocation_weight: float = 0.0
    ip_colocation_threshold: int = 1
    ip_colocation_whitelist: tuple[IPv4Network | IPv6Network, ...] = ()
    # P7
    behaviour_penalty_weight: float = 0.0
    behaviour_penalty_threshold: float = 0.0
    behaviour_penalty_decay: float = 0.5

    decay_interval_s: float = 1.0
    decay_to_zero: float = 0.01
    retain_score_s: float = 0.0
    """How long a peer that left is remembered."""
    max_retained: int = 8192
    """How many such peers; the one that left first is forgotten first. Not in the specification: a bound of memory."""

    def __post_init__(self) -> None:
        at_least("topic_score_cap", self.topic_score_cap, 0)
        at_least("app_specific_weight", self.app_specific_weight, 0)
        for name in ("ip_colocation_weight", "behaviour_penalty_weight"):
            finite(name, getattr(self, name))
            require(getattr(self, name) <= 0, name, "must be negative, or 0")
        at_least("ip_colocation_threshold", self.ip_colocation_threshold, 1)
        at_least("behaviour_penalty_threshold", self.behaviour_penalty_threshold, 0)
        if self.behaviour_penalty_weight:
            decay_factor("behaviour_penalty_decay", self.behaviour_penalty_decay)
        positive("decay_interval_s", self.decay_interval_s)
        decay_factor("decay_to_zero", self.decay_to_zero)
        at_least("retain_score_s", self.retain_score_s, 0)
        at_least("max_retained", self.max_retained, 1)


def decay_over(duration_s: float, interval_s: float, remainder: float = 0.01) -> float:
    """Return the factor that, applied every interval, leaves `remainder` of a counter after the duration.

    Raises ParameterError when a time is not positive.
    """
    positive("duration_s", duration_s)
    positive("interval_s", interval_s)
    decay_factor("remainder", remainder)
    return float(remainder ** (interval_s / duration_s))
