"""P1 to P4. Source of each: GossipSub v1.1, "Topic Parameter Calculation and Decay"."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from libs.gossipsub.tests.conftest import SCORES, THRESHOLDS, TOPIC, peer_id

from ssv_gossipsub import ScoreParameters, TopicScoreParameters
from ssv_gossipsub.score.engine import Scores
from ssv_gossipsub.score.record import PeerRecord

PEER = peer_id(1)
P1 = {"time_in_mesh_weight": 0.5, "time_in_mesh_quantum_s": 2, "time_in_mesh_cap": 10}
P2 = {"first_message_deliveries_weight": 2, "first_message_deliveries_decay": 0.9, "first_message_deliveries_cap": 5}
P3 = {
    "mesh_message_deliveries_weight": -1,
    "mesh_message_deliveries_decay": 0.5,
    "mesh_message_deliveries_cap": 20,
    "mesh_message_deliveries_threshold": 8,
    "mesh_message_deliveries_activation_s": 5,
}
P3B = {**P3, "mesh_message_deliveries_weight": 0, "mesh_failure_penalty_weight": -1, "mesh_failure_penalty_decay": 0.5}
P4 = {"invalid_message_deliveries_weight": -1, "invalid_message_deliveries_decay": 0.5}


class Judge:
    """One peer, one topic, a clock."""

    def __init__(self, topic_weight: float = 1, **parameters: Any) -> None:
        topic = TopicScoreParameters(topic_weight=topic_weight, **parameters)
        self.scores = Scores(ScoreParameters(thresholds=THRESHOLDS, topics={TOPIC: topic}, retain_score_s=50), 0.0)
        self.now = 0.0
        self.peer: PeerRecord = self.scores.connected(PEER, [])

    def pass_time(self, seconds: int) -> None:
        for _ in range(seconds):
            self.now += 1
            self.scores.refresh(self.now)

    @property
    def score(self) -> float:
        return self.scores.score(self.peer)


@pytest.mark.parametrize(("seconds", "expected"), [(0, 0), (1, 0.25), (8, 2), (20, 5), (21, 5), (100, 5)])
def test_p1_grows_by_quanta_in_the_mesh_up_to_the_cap(seconds: int, expected: float) -> None:
    judge = Judge(**P1)
    judge.pass_time(3)
    assert judge.score == 0
    judge.scores.graft(judge.peer, TOPIC, judge.now)
    judge.pass_time(seconds)
    assert judge.score == pytest.approx(expected)


def test_p1_ends_with_the_prune_and_begins_anew_with_the_next_graft() -> None:
    judge = Judge(**P1)
    judge.scores.graft(judge.peer, TOPIC, judge.now)
    judge.pass_time(8)
    judge.scores.prune(judge.peer, TOPIC)
    assert judge.score == 0
    judge.scores.graft(judge.peer, TOPIC, judge.now)
    assert judge.score == 0
    judge.pass_time(2)
    assert judge.score == pytest.approx(0.5)


@pytest.mark.parametrize(("deliveries", "expected"), [(1, 2), (3, 6), (5, 10), (50, 10)])
def test_p2_counts_first_deliveries_up_to_the_cap(deliveries: int, expected: float) -> None:
    judge = Judge(topic_weight=0.5, **P2)
    for _ in range(deliveries):
        judge.scores.first_delivery(judge.peer, TOPIC)
    assert judge.score == pytest.approx(expected / 2)


def test_p2_does_not_count_copies() -> None:
    judge = Judge(**P2)
    judge.scores.near_first_delivery(judge.peer, TOPIC)
    assert judge.score == 0


def test_a_counter_decays_by_its_factor_and_below_the_limit_it_is_zero() -> None:
    judge = Judge(**P2)
    for _ in range(5):
        judge.scores.first_delivery(judge.peer, TOPIC)
    judge.pass_time(3)
    assert judge.score == pytest.approx(10 * 0.9**3)
    judge.pass_time(59)
    assert judge.score == 0  # 5 * 0.9**59 = 0.0100, after which it is below 0.01


@pytest.mark.parametrize(
    ("seconds", "deliveries", "expected"), [(5, 0, 0), (6, 0, -64), (6, 8, 0), (6, 5, -9), (6, 30, 0)]
)
def test_p3_is_the_squared_deficit_once_active(seconds: int, deliveries: int, expected: float) -> None:
    judge = Judge(**P3)
    judge.scores.graft(judge.peer, TOPIC, judge.now)
    judge.pass_time(seconds)
    for _ in range(deliveries):
        judge.scores.near_first_delivery(judge.peer, TOPIC)
    assert judge.score == expected


def test_p3_counts_only_deliveries_within_the_mesh_and_up_to_the_cap() -> None:
    judge = Judge(**P3)
    for _ in range(10):
        judge.scores.first_delivery(judge.peer, TOPIC)
    judge.scores.graft(judge.peer, TOPIC, judge.now)
    judge.pass_time(6)
    assert judge.score == -64
    for _ in range(40):
        judge.scores.first_delivery(judge.peer, TOPIC)
    judge.pass_time(2)
    assert judge.score == -9  # 20 * 0.5 ** 2 = 5, not 40 * 0.5 ** 2 = 10


def test_p3_ends_with_the_prune() -> None:
    judge = Judge(**P3)
    judge.scores.graft(judge.peer, TOPIC, judge.now)
    judge.pass_time(6)
    judge.scores.prune(judge.peer, TOPIC)
    assert judge.score == 0


def test_p3b_keeps_the_deficit_of_the_prune_and_adds_up() -> None:
    judge = Judge(**P3B)
    for rounds in (1, 2):
        judge.scores.graft(judge.peer, TOPIC, judge.now)
        judge.pass_time(6)
        judge.scores.prune(judge.peer, TOPIC)
        assert judge.score == pytest.approx(-64 * (1 if rounds == 1 else 1 + 0.5**6))
    judge.pass_time(1)
    assert judge.score == pytest.approx(-32 * (1 + 0.5**6))


def test_p3b_is_not_touched_by_a_prune_before_the_activation() -> None:
    judge = Judge(**P3B)
    judge.scores.graft(judge.peer, TOPIC, judge.now)
    judge.pass_time(5)
    judge.scores.prune(judge.peer, TOPIC)
    assert judge.score == 0


@pytest.mark.parametrize(("invalid", "expected"), [(1, -1), (2, -4), (30, -900)])
def test_p4_is_the_square_without_a_cap(invalid: int, expected: float) -> None:
    judge = Judge(**P4)
    for _ in range(invalid):
        judge.scores.invalid_delivery(judge.peer, TOPIC)
    assert judge.score == expected
    judge.pass_time(1)
    assert judge.score == expected / 4


def test_a_topic_without_parameters_does_not_count() -> None:
    judge = Judge(**P2, **P4)
    judge.scores.first_delivery(judge.peer, "other")
    judge.scores.invalid_delivery(judge.peer, "other")
    assert judge.score == 0
    assert not judge.peer.topics


def test_other_parameters_apply_at_once_and_bring_counters_down_to_the_cap() -> None:
    judge = Judge(**P2)
    for _ in range(5):
        judge.scores.first_delivery(judge.peer, TOPIC)
    judge.scores.set_topics(
        {TOPIC: replace(TopicScoreParameters(topic_weight=1, **P2), first_message_deliveries_cap=3)}
    )
    assert judge.score == 6


def test_the_parts_of_a_score_add_up() -> None:
    judge = Judge(**P1, **P2, **P4)
    judge.scores.graft(judge.peer, TOPIC, judge.now)
    judge.scores.first_delivery(judge.peer, TOPIC)
    judge.scores.invalid_delivery(judge.peer, TOPIC)
    judge.pass_time(4)
    score = judge.peer.explain(SCORES)
    assert score.topics[TOPIC].time_in_mesh == 1
    assert score.topics[TOPIC].first_message_deliveries == pytest.approx(2 * 0.9**4)
    assert score.total == pytest.approx(sum(score.topics[TOPIC]))
