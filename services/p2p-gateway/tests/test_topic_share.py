from __future__ import annotations

from collections import Counter

import pytest

from ssv_p2p_gateway.topic_share import COPIES, TopicShare

TOPICS = [f"ssv.v2.{subnet}" for subnet in range(128)]


def share(own: str, *members: str) -> set[str]:
    made = TopicShare(own, gateways=3)
    made.members = frozenset(members)
    return {topic for topic in TOPICS if made.has(topic)}


def test_one_gateway_has_every_topic() -> None:
    assert all(TopicShare("", gateways=1).has(topic) for topic in TOPICS)


def test_before_the_others_are_known_it_has_none() -> None:
    assert not any(TopicShare("a", gateways=3).has(topic) for topic in TOPICS)


@pytest.mark.parametrize("members", [("a",), ("a", "b"), ("a", "b", "c"), ("a", "b", "c", "d", "e")])
def test_each_topic_is_on_two_or_on_all_there_are(members: tuple[str, ...]) -> None:
    on = Counter(topic for own in members for topic in share(own, *members))
    assert set(on.values()) == {min(COPIES, len(members))}
    assert len(on) == len(TOPICS)


def test_topics_of_one_that_died_move_and_others_stay() -> None:
    before, after = share("a", "a", "b", "c", "d"), share("a", "a", "b", "c")
    assert before < after
    assert after - before <= share("d", "a", "b", "c", "d")
