"""Who is let go, by table; the order of reasons is part of the rule."""

from __future__ import annotations

from random import Random

import pytest

from ssv_gossipsub import PeerId
from ssv_p2p_gateway.peers.trimming import Candidate, most_peers, to_let_go

OWN = ["a", "b"]


def peer(name: str, topics: str = "a", **otherwise: bool) -> Candidate:
    flags = {"inbound": False, "settled": True, "static": False, "is_bad": False, **otherwise}
    return Candidate(PeerId(name.encode()), topics=frozenset(topics), **flags)


def gone(candidates: list[Candidate], most: int = 60, seed: int = 1) -> list[str]:
    return [one.decode() for one in to_let_go(candidates, OWN, most, Random(seed))]


@pytest.mark.parametrize(("topics", "most"), [(0, 60), (10, 90), (128, 150)])
def test_more_topics_need_more_peers(topics: int, most: int) -> None:
    assert most_peers(topics) == most


def test_all_bad_peers_go_first_and_alone_even_static_ones() -> None:
    candidates = [peer("bad", is_bad=True), peer("own", is_bad=True, static=True), peer("useless", "z"), peer("good")]
    assert gone(candidates) == ["bad", "own"]


def test_useless_peers_go_three_at_a_time() -> None:
    candidates = [*(peer(f"useless {number}", "z") for number in range(5)), peer("good")]
    assert gone(candidates) == ["useless 0", "useless 1", "useless 2"]


def test_who_has_not_spoken_yet_and_static_peers_are_not_useless() -> None:
    assert gone([peer("new", "", settled=False), peer("own", "", static=True)]) == []


def test_nobody_is_useless_to_who_listens_to_nothing() -> None:
    assert to_let_go([peer("one", "z")], [], 60, Random(1)) == []


def test_of_too_many_those_worth_least_go() -> None:
    rare = [peer("rare", "b"), peer("rare too", "b")]
    common = [peer(f"common {number}") for number in range(8)]
    assert gone([*rare, *common], most=14) == []
    assert gone([*rare, *common], most=13) == ["common 0", "common 1", "common 2", "common 3"]
    assert gone([*rare, peer("own", static=True), *common[:4]], most=8) == [f"common {n}" for n in range(4)]


def test_inbound_peers_make_room_now_and_then() -> None:
    candidates = [*(peer(f"in {number}", inbound=True) for number in range(6)), peer("out")]
    trials = [gone(candidates, most=12, seed=seed) for seed in range(40)]
    assert {tuple(one) for one in trials} == {(), ("in 0", "in 1", "in 2", "in 3")}
    assert gone([*candidates[1:], peer("out too")], most=12) == []
