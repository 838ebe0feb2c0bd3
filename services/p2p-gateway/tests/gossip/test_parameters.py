"""The numbers of the Go node, worked out by hand for the public networks' slots and epochs."""

from __future__ import annotations

import dataclasses

import pytest
from tests.support.gateway_messages import network_from_now

from ssv_p2p_gateway.gossip.parameters import router_parameters, score_parameters, topic_scores

CHAIN = dataclasses.replace(network_from_now().chain, slot_duration_s=12.0, slots_per_epoch=32)


def test_peers_as_a_whole() -> None:
    scores = score_parameters(CHAIN)
    assert scores.behaviour_penalty_weight == pytest.approx(-8.98696, rel=1e-5)
    assert scores.behaviour_penalty_decay == pytest.approx(0.63096, rel=1e-5)
    assert scores.decay_interval_s == 384
    assert scores.retain_score_s == 38_400
    assert (scores.ip_colocation_weight, scores.ip_colocation_threshold) == (-32.72, 10)
    assert score_parameters(CHAIN, by_address=False).ip_colocation_weight == 0


def test_a_topic() -> None:
    topic = topic_scores(CHAIN, {"ssv.v2.1": 4000.0})["ssv.v2.1"]
    assert topic.topic_weight == 0.03125
    assert topic.time_in_mesh_weight * topic.time_in_mesh_cap == pytest.approx(10)
    assert topic.time_in_mesh_quantum_s * topic.time_in_mesh_cap == 3600
    assert topic.first_message_deliveries_decay == pytest.approx(0.31623, rel=1e-4)
    assert topic.first_message_deliveries_cap == pytest.approx(1000 / (1 - 0.316228), rel=1e-5)
    assert topic.first_message_deliveries_weight * topic.first_message_deliveries_cap == pytest.approx(80)
    assert topic.invalid_message_deliveries_weight == pytest.approx(-1280)
    assert topic.invalid_message_deliveries_decay == pytest.approx(0.95499, rel=1e-5)
    assert not topic.tracks_mesh_deliveries
    assert topic_scores(CHAIN, {"silent": 0.0})["silent"].first_message_deliveries_cap == 1


@pytest.mark.parametrize(("degree", "low", "high"), [(8, 6, 12), (5, 3, 7), (3, 2, 4)])
def test_the_mesh_follows_the_degree(degree: int, low: int, high: int) -> None:
    parameters = router_parameters(degree, topics=128)
    assert (parameters.d, parameters.d_low, parameters.d_high) == (degree, low, high)
    assert parameters.max_subscriptions == 129
    assert parameters.seen_ttl_s == pytest.approx(385)
