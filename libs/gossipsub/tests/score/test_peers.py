"""P5 to P7, the cap, what is remembered. Source: GossipSub v1.1, "The Score Function", "Peer Scoring"."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from libs.gossipsub.tests.conftest import THRESHOLDS, TOPIC, TOPIC_SCORES, peer_id

from ssv_gossipsub import ScoreParameters, TopicScoreParameters
from ssv_gossipsub.score.engine import Scores

COLOCATION = ScoreParameters(thresholds=THRESHOLDS, ip_colocation_weight=-2, ip_colocation_threshold=3)


def engine(**parameters: Any) -> Scores:
    return Scores(ScoreParameters(**{"thresholds": THRESHOLDS, "topics": {TOPIC: TOPIC_SCORES}, **parameters}), 0.0)


def test_p5_is_what_the_application_says() -> None:
    scores = engine(app_specific_weight=0.5)
    peer = scores.connected(peer_id(1), [])
    scores.set_app_score(peer, -30)
    assert scores.score(peer) == -15


def test_p6_is_the_squared_surplus_at_an_address_for_all_that_are_there() -> None:
    scores = Scores(COLOCATION, 0.0)
    peers = [scores.connected(peer_id(number), ["10.0.0.1"]) for number in range(5)]
    assert [scores.score(peer) for peer in peers] == [-8] * 5
    elsewhere = scores.connected(peer_id(9), ["10.0.0.2"])
    assert scores.score(elsewhere) == 0
    for number in (0, 1):
        scores.disconnected(peer_id(number), 1.0)
    assert [scores.score(peer) for peer in peers[2:]] == [0] * 3


def test_p6_adds_up_over_addresses_and_follows_a_peer_that_moves() -> None:
    scores = Scores(COLOCATION, 0.0)
    for number in range(3):
        scores.connected(peer_id(number), ["a", "b"])
    peer = scores.connected(peer_id(9), ["a", "b", "b"])
    assert scores.score(peer) == -4
    scores.place(peer, ["b"])
    assert scores.score(peer) == -2
    scores.place(peer, [])
    assert scores.score(peer) == 0


def test_p6_exempts_whitelisted_networks() -> None:
    whitelist = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
    scores = Scores(replace(COLOCATION, ip_colocation_whitelist=whitelist), 0.0)
    for address, expected in (("10.1.2.3", 0), ("fd00::1", 0), ("11.1.2.3", -2), ("not an address", -2)):
        peers = [scores.connected(peer_id(number), [address]) for number in range(4)]
        assert scores.score(peers[0]) == expected


@pytest.mark.parametrize(("penalties", "expected"), [(5, 0), (6, 0), (7, -1), (10, -16)])
def test_p7_is_the_squared_excess(penalties: int, expected: float) -> None:
    scores = engine(behaviour_penalty_weight=-1, behaviour_penalty_threshold=6, behaviour_penalty_decay=0.5)
    peer = scores.connected(peer_id(1), [])
    scores.penalise(peer, penalties)
    assert scores.score(peer) == expected


def test_p7_decays() -> None:
    scores = engine(behaviour_penalty_weight=-1, behaviour_penalty_decay=0.5)
    peer = scores.connected(peer_id(1), [])
    scores.penalise(peer, 8)
    scores.refresh(2.0)
    assert scores.score(peer) == -4


def test_the_cap_holds_for_all_topics_together_and_only_upwards() -> None:
    topics = {name: replace(TOPIC_SCORES, topic_weight=1) for name in "ab"}
    scores = engine(topics=topics, topic_score_cap=5, app_specific_weight=1)
    peer = scores.connected(peer_id(1), [])
    for topic in topics:
        for _ in range(4):
            scores.first_delivery(peer, topic)
    assert scores.score(peer) == 5
    scores.set_app_score(peer, 2)
    assert scores.score(peer) == 7
    for _ in range(10):
        scores.invalid_delivery(peer, "a")
    assert scores.score(peer) == 8 - 100 + 2


def test_a_bad_score_is_found_again_and_does_not_decay_meanwhile() -> None:
    scores = engine(retain_score_s=50)
    peer = scores.connected(peer_id(1), [])
    for _ in range(3):
        scores.invalid_delivery(peer, TOPIC)
    scores.disconnected(peer_id(1), 0.0)
    scores.refresh(49.0)
    assert scores.score(scores.connected(peer_id(1), [])) == -9


def test_a_bad_score_is_forgotten_after_its_time() -> None:
    scores = engine(retain_score_s=50)
    scores.invalid_delivery(scores.connected(peer_id(1), []), TOPIC)
    scores.disconnected(peer_id(1), 0.0)
    scores.refresh(50.0)
    assert scores.retained == 0
    assert scores.score(scores.connected(peer_id(1), [])) == 0


@pytest.mark.parametrize("invalid", [0, 1])
def test_good_deliveries_are_not_remembered(invalid: int) -> None:
    scores = engine(retain_score_s=50)
    peer = scores.connected(peer_id(1), [])
    for _ in range(10):
        scores.first_delivery(peer, TOPIC)
    for _ in range(invalid):
        scores.invalid_delivery(peer, TOPIC)
    scores.disconnected(peer_id(1), 0.0)
    assert scores.retained == invalid
    assert scores.score(scores.connected(peer_id(1), [])) == -invalid


def test_a_score_that_is_positive_all_the_same_is_not_remembered() -> None:
    scores = engine(retain_score_s=50, app_specific_weight=1)
    peer = scores.connected(peer_id(1), [])
    scores.set_app_score(peer, 2)
    scores.invalid_delivery(peer, TOPIC)
    scores.disconnected(peer_id(1), 0.0)
    assert scores.retained == 0


def test_leaving_the_mesh_in_deficit_by_disconnecting_sticks() -> None:
    topic = TopicScoreParameters(
        topic_weight=1,
        mesh_failure_penalty_weight=-1,
        mesh_message_deliveries_threshold=4,
        mesh_message_deliveries_cap=4,
        mesh_message_deliveries_activation_s=1,
    )
    scores = engine(topics={TOPIC: topic}, retain_score_s=50)
    peer = scores.connected(peer_id(1), [])
    scores.graft(peer, TOPIC, 0.0)
    scores.refresh(2.0)
    scores.disconnected(peer_id(1), 2.0)
    assert scores.score(scores.connected(peer_id(1), [])) == -16


def test_peers_that_left_are_remembered_up_to_a_number_and_keep_their_place_at_the_address() -> None:
    scores = engine(retain_score_s=50, max_retained=10, ip_colocation_weight=-1, ip_colocation_threshold=10)
    for number in range(30):
        scores.invalid_delivery(scores.connected(peer_id(number), ["here"]), TOPIC)
        scores.disconnected(peer_id(number), 0.0)
    assert scores.retained == 10
    assert scores.record(peer_id(19)) is None
    assert scores.score(scores.connected(peer_id(99), ["here"])) == -1  # the eleventh at this address
    scores.refresh(50.0)
    assert scores.score(scores.connected(peer_id(99), ["here"])) == 0


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["first", "near", "invalid", "graft", "prune", "penalise", "time", "leave"]), st.integers(0, 2)
    ),
    max_size=60,
)


@given(ACTIONS)
def test_the_running_total_is_what_counting_anew_gives(actions: list[tuple[str, int]]) -> None:
    topic = TopicScoreParameters(
        topic_weight=0.5,
        time_in_mesh_weight=0.1,
        time_in_mesh_cap=20,
        first_message_deliveries_weight=1,
        first_message_deliveries_cap=4,
        mesh_message_deliveries_weight=-1,
        mesh_message_deliveries_threshold=3,
        mesh_message_deliveries_cap=6,
        mesh_failure_penalty_weight=-1,
        invalid_message_deliveries_weight=-2,
    )
    scores = engine(topics={"0": topic, "1": topic}, retain_score_s=5, behaviour_penalty_weight=-1)
    now = 0.0
    peer = scores.connected(peer_id(1), ["a"])
    for action, topic_number in actions:
        name = str(topic_number)  # "2" has no parameters
        if action == "time":
            now += 0.7
            scores.refresh(now)
        elif action == "leave":
            scores.disconnected(peer_id(1), now)
            peer = scores.connected(peer_id(1), ["a"])
        elif action == "penalise":
            scores.penalise(peer)
        elif action == "graft":
            scores.graft(peer, name, now)
        elif action == "prune":
            scores.prune(peer, name)
        else:
            report = {
                "first": scores.first_delivery,
                "near": scores.near_first_delivery,
                "invalid": scores.invalid_delivery,
            }
            report[action](peer, name)
        parts = [sum(counters.parts()) for counters in peer.topics.values()]
        # P1 and P3 change with the time in mesh, which is measured at the decay only
        assert peer.topics_total == pytest.approx(sum(parts), abs=1e-9)
        assert scores.score(peer) == pytest.approx(sum(parts) - peer.behaviour_penalty**2, abs=1e-9)
