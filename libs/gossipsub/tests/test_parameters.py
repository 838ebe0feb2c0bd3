"""Constraints of GossipSub v1.1, "Overview of New Parameters", each broken once."""

from __future__ import annotations

import math
from typing import Any

import pytest

from ssv_gossipsub import ParameterError, RouterParameters, ScoreParameters, ScoreThresholds, TopicScoreParameters
from ssv_gossipsub.score.parameters import decay_over

THRESHOLDS: dict[str, float] = {"gossip": -10, "publish": -20, "graylist": -30, "opportunistic_graft": 1}
SCORES: dict[str, Any] = {
    "thresholds": ScoreThresholds(**THRESHOLDS),
    "behaviour_penalty_weight": -1,
    "ip_colocation_weight": -1,
}
TOPIC: dict[str, float] = {
    "topic_weight": 1,
    "time_in_mesh_weight": 0.01,
    "first_message_deliveries_weight": 1,
    "mesh_message_deliveries_weight": -1,
    "mesh_message_deliveries_threshold": 5,
    "mesh_message_deliveries_cap": 10,
    "mesh_failure_penalty_weight": -1,
    "invalid_message_deliveries_weight": -1,
}


@pytest.mark.parametrize(
    "wrong",
    [
        {"gossip": 0},
        {"gossip": 1},
        {"publish": -9},
        {"graylist": -20},
        {"graylist": math.nan},
        {"graylist": -math.inf},
        {"opportunistic_graft": -1},
    ],
)
def test_thresholds(wrong: dict[str, float]) -> None:
    ScoreThresholds(**THRESHOLDS)
    with pytest.raises(ParameterError, match=next(iter(wrong))):
        ScoreThresholds(**{**THRESHOLDS, **wrong})


@pytest.mark.parametrize(
    "wrong",
    [
        {"topic_weight": -1},
        {"time_in_mesh_weight": -1},
        {"time_in_mesh_quantum_s": 0},
        {"time_in_mesh_cap": 0},
        {"first_message_deliveries_weight": -1},
        {"first_message_deliveries_weight": math.inf},
        {"first_message_deliveries_decay": 1},
        {"first_message_deliveries_cap": 0},
        {"mesh_message_deliveries_weight": 1},
        {"mesh_message_deliveries_decay": 0},
        {"mesh_message_deliveries_cap": 4},
        {"mesh_message_deliveries_threshold": 0},
        {"mesh_message_deliveries_window_s": -1},
        {"mesh_message_deliveries_activation_s": math.nan},
        {"mesh_failure_penalty_weight": 1},
        {"mesh_failure_penalty_decay": 1.5},
        {"invalid_message_deliveries_weight": 1},
        {"invalid_message_deliveries_decay": -0.5},
    ],
)
def test_topic_parameters(wrong: dict[str, float]) -> None:
    TopicScoreParameters(**TOPIC)
    with pytest.raises(ParameterError, match=next(iter(wrong))):
        TopicScoreParameters(**{**TOPIC, **wrong})


@pytest.mark.parametrize(
    "wrong",
    [
        {"topic_score_cap": -1},
        {"app_specific_weight": -1},
        {"ip_colocation_weight": 1},
        {"ip_colocation_threshold": 0},
        {"behaviour_penalty_weight": 1},
        {"behaviour_penalty_threshold": -1},
        {"behaviour_penalty_decay": 1},
        {"decay_interval_s": 0},
        {"decay_to_zero": 0},
        {"retain_score_s": -1},
        {"max_retained": 0},
    ],
)
def test_score_parameters(wrong: dict[str, float]) -> None:
    ScoreParameters(**SCORES)
    with pytest.raises(ParameterError, match=next(iter(wrong))):
        ScoreParameters(**{**SCORES, **wrong})


@pytest.mark.parametrize(
    "wrong",
    [
        {"d": 3},
        {"d_low": 0},
        {"d_high": 5},
        {"d_score": 7},
        {"d_out": 4},
        {"d_out": 5},
        {"gossip_factor": 1.5},
        {"history_gossip": 6},
        {"history_gossip": 0},
        {"heartbeat_s": 0},
        {"max_backoff_s": 10},
        {"max_validating": 0},
        {"max_outbox_messages": 0},
        {"idontwant_ttl_heartbeats": 0},
        {"gossip_retransmission": -1},
        {"seen_ttl_s": math.inf},
    ],
)
def test_router_parameters(wrong: dict[str, Any]) -> None:
    RouterParameters()
    name = next(iter(wrong))
    with pytest.raises(ParameterError, match={"d_low": "d", "d_high": "d"}.get(name, name)):
        RouterParameters(**wrong)


def test_a_weight_of_zero_switches_the_checks_off() -> None:
    TopicScoreParameters(topic_weight=1, first_message_deliveries_decay=0, mesh_message_deliveries_threshold=-1)


def test_decay_over() -> None:
    assert decay_over(3840, 384) == pytest.approx(0.63096, abs=1e-5)  # ten epochs
    assert decay_over(4, 1) ** 4 == pytest.approx(0.01)
    with pytest.raises(ParameterError):
        decay_over(0, 1)
