"""Copies of messages and verdicts. Source: GossipSub v1.1, "P3 and P3b", "P4", "Extended Validators"."""

from __future__ import annotations

import pytest
from libs.gossipsub.tests.conftest import THRESHOLDS, TOPIC, peer_id

from ssv_gossipsub import MessageId, ScoreParameters, TopicScoreParameters, Verdict
from ssv_gossipsub.score.deliveries import Deliveries
from ssv_gossipsub.score.engine import Scores

FIRST, SECOND, LATE = peer_id(1), peer_id(2), peer_id(3)
ID = MessageId(b"id")
WINDOW_S = 2.0


class Case:
    """Three peers in the mesh; P2 weighs 1, P3's counter is read directly, P4 weighs -1."""

    def __init__(self) -> None:
        topic = TopicScoreParameters(
            topic_weight=1,
            first_message_deliveries_weight=1,
            first_message_deliveries_cap=10,
            mesh_message_deliveries_weight=-1,
            mesh_message_deliveries_threshold=5,
            mesh_message_deliveries_cap=5,
            mesh_message_deliveries_window_s=WINDOW_S,
            mesh_message_deliveries_activation_s=100,
            invalid_message_deliveries_weight=-1,
        )
        self.scores = Scores(ScoreParameters(thresholds=THRESHOLDS, topics={TOPIC: topic}), 0.0)
        self.deliveries = Deliveries(self.scores, capacity=4, rejected_ttl_s=100)
        for peer in (FIRST, SECOND, LATE):
            self.scores.graft(self.scores.connected(peer, []), TOPIC, 0.0)

    def decided(self, verdict: Verdict) -> None:
        self.deliveries.first(ID, FIRST)
        self.deliveries.copy(ID, TOPIC, SECOND, 0.1)
        self.deliveries.copy(ID, TOPIC, SECOND, 0.2)
        senders = self.deliveries.decided(ID, TOPIC, verdict, 1.0)
        assert list(senders) == [FIRST, SECOND]

    def counters(self) -> list[tuple[float, float, float]]:
        """Of each peer: first, mesh and invalid deliveries."""
        found = []
        for peer in (FIRST, SECOND, LATE):
            record = self.scores.record(peer)
            assert record is not None
            counters = record.topics[TOPIC]
            found.append((counters.first_deliveries, counters.mesh_deliveries, counters.invalid_deliveries))
        return found


def test_nothing_counts_before_the_verdict() -> None:
    case = Case()
    case.deliveries.first(ID, FIRST)
    case.deliveries.copy(ID, TOPIC, SECOND, 0.1)
    assert case.counters() == [(0, 0, 0)] * 3


def test_accept_credits_the_first_and_those_that_came_during_validation_once() -> None:
    case = Case()
    case.decided(Verdict.ACCEPT)
    assert case.counters() == [(1, 1, 0), (0, 1, 0), (0, 0, 0)]


@pytest.mark.parametrize(("at", "credit"), [(1.0 + WINDOW_S, 1), (1.1 + WINDOW_S, 0)])
def test_after_accept_copies_count_within_the_window_once(at: float, credit: int) -> None:
    case = Case()
    case.decided(Verdict.ACCEPT)
    for peer in (FIRST, SECOND, LATE, LATE):
        case.deliveries.copy(ID, TOPIC, peer, at)
    assert case.counters() == [(1, 1, 0), (0, 1, 0), (0, credit, 0)]


def test_copies_of_own_messages_count_within_the_window() -> None:
    case = Case()
    case.deliveries.own(ID, TOPIC, 1.0)
    case.deliveries.copy(ID, TOPIC, LATE, 2.0)
    case.deliveries.copy(ID, TOPIC, LATE, 2.0)
    assert case.counters()[2] == (0, 1, 0)


def test_reject_counts_against_all_senders_also_later_ones_once() -> None:
    case = Case()
    case.decided(Verdict.REJECT)
    assert case.counters() == [(0, 0, 1), (0, 0, 1), (0, 0, 0)]
    for peer in (FIRST, LATE, LATE):
        case.deliveries.copy(ID, TOPIC, peer, 50.0)
    assert case.counters() == [(0, 0, 1), (0, 0, 1), (0, 0, 1)]


def test_ignore_counts_for_nobody_and_against_nobody() -> None:
    case = Case()
    case.decided(Verdict.IGNORE)
    case.deliveries.copy(ID, TOPIC, LATE, 1.1)
    assert case.counters() == [(0, 0, 0)] * 3


def test_what_is_over_is_forgotten_and_there_is_a_bound() -> None:
    case = Case()
    for number in range(10):
        message_id = MessageId(b"%d" % number)
        case.deliveries.first(message_id, FIRST)
        case.deliveries.decided(message_id, TOPIC, Verdict.REJECT if number % 2 else Verdict.ACCEPT, 1.0)
    assert len(case.deliveries) <= 8
    case.deliveries.expire(1.1 + WINDOW_S)
    assert 0 < len(case.deliveries) <= 4
    case.deliveries.expire(200.0)
    assert len(case.deliveries) == 0
