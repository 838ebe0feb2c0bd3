"""Mesh and fanout maintenance.

Source: GossipSub v1.0, "Heartbeat"; v1.1, "Heartbeat Maintenance", "Outbound Mesh Quotas", "Opportunistic Grafting".
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from libs.gossipsub.tests.conftest import PARAMETERS, TOPIC, Bench

from ssv_gossipsub import PeerId, RouterParameters
from ssv_gossipsub.wire.rpc import Prune, Rpc, Subscription


def grafted(bench: Bench, count: int, *, first: int = 0, outbound: bool = False) -> list[PeerId]:
    """Peers that grafted us, one heartbeat or more ago."""
    peers = bench.peers(count, first=first, outbound=outbound)
    for peer in peers:
        bench.control(peer, graft=[TOPIC])
    bench.drain()
    return peers


def joined(parameters: RouterParameters = PARAMETERS, seed: int = 7) -> Bench:
    bench = Bench(parameters, seed=seed)
    bench.router.subscribe(TOPIC, bench.now)
    return bench


def test_peers_with_a_negative_score_are_pruned_and_not_grafted_again() -> None:
    bench = joined()
    bad, good = grafted(bench, 2)
    bench.router.set_app_score(bad, -0.1)
    bench.heartbeat()
    assert bench.mesh() == {good}
    assert list(bench.sent_control(bad).prune) == [Prune(TOPIC, 60)]
    bench.router.set_app_score(bad, 0)
    bench.heartbeat(50)
    assert bench.mesh() == {good}  # still in the backoff of our own prune


@pytest.mark.parametrize(("have", "available", "expected"), [(0, 10, 4), (2, 10, 4), (2, 1, 3), (3, 10, 3), (6, 10, 6)])
def test_below_d_low_it_fills_up_to_d(have: int, available: int, expected: int) -> None:
    bench = joined(replace(PARAMETERS, d_out=0))
    before = grafted(bench, have)
    bench.peers(available, first=50)
    bench.heartbeat()
    assert len(bench.mesh()) == expected
    assert set(before) <= bench.mesh()
    for peer in bench.mesh() - set(before):
        assert list(bench.sent_control(peer).graft) == [TOPIC]


@given(st.integers(0, 1000), st.integers(7, 12), st.integers(0, 12))
def test_above_d_high_it_keeps_d_the_best_and_enough_outbound_ones(seed: int, count: int, outbound: int) -> None:
    parameters = replace(PARAMETERS, d_high=7, d_out=2)
    bench = joined(parameters, seed)
    inbound = grafted(bench, min(7, count))
    dialled = grafted(bench, outbound, first=50, outbound=True)  # these are taken in beyond d_high
    for score, peer in enumerate(inbound):
        bench.router.set_app_score(peer, score + 1)
    before = bench.mesh()
    bench.heartbeat()
    if len(before) <= parameters.d_high:
        assert before <= bench.mesh()
        return
    assert len(bench.mesh()) == parameters.d
    assert len(bench.mesh() & set(dialled)) >= min(parameters.d_out, outbound)
    assert set(inbound[-parameters.d_score :]) <= bench.mesh()
    for peer in before - bench.mesh():
        assert list(bench.sent_control(peer).prune) == [Prune(TOPIC, 60)]


def test_outbound_peers_are_grafted_until_the_quota_is_met() -> None:
    bench = joined(replace(PARAMETERS, d_out=2))
    inbound = grafted(bench, 4)
    dialled = bench.peers(5, first=50, outbound=True)
    bench.heartbeat()
    assert set(inbound) < bench.mesh()
    assert len(bench.mesh() & set(dialled)) == 2


def test_a_poor_mesh_takes_in_better_peers() -> None:
    bench = joined(replace(PARAMETERS, opportunistic_graft_heartbeats=10))
    poor = grafted(bench, 4, outbound=True)
    better, equal = bench.peers(2, first=50), bench.peers(12, first=60)
    for peer in better:
        bench.router.set_app_score(peer, 5)
    bench.heartbeat(9)
    assert bench.mesh() == set(poor)
    bench.heartbeat()
    assert len(bench.mesh() & set(better)) == PARAMETERS.opportunistic_graft_peers
    assert not bench.mesh() & set(equal)


def test_a_good_mesh_stays_as_it_is() -> None:
    bench = joined(replace(PARAMETERS, opportunistic_graft_heartbeats=1))
    good = grafted(bench, 4, outbound=True)
    for peer in good[1:]:
        bench.router.set_app_score(peer, 1)  # the median reaches the threshold
    for peer in bench.peers(3, first=50):
        bench.router.set_app_score(peer, 50)
    bench.heartbeat(3)
    assert bench.mesh() == set(good)


def test_the_fanout_drops_who_left_the_topic_or_scores_too_low_and_fills_up() -> None:
    bench = Bench()
    bench.peers(8)
    bench.router.publish(TOPIC, b"x", bench.now)
    members = list(bench.router.fanout.members(TOPIC))
    assert len(members) == PARAMETERS.d
    left, low, gone, stays = members
    bench.receive(left, Rpc([Subscription(TOPIC, False)]))
    bench.router.set_app_score(low, bench.router.scores.parameters.thresholds.publish - 1)
    bench.router.disconnected(gone, bench.now)
    bench.heartbeat()
    now = set(bench.router.fanout.members(TOPIC))
    assert len(now) == PARAMETERS.d
    assert now & set(members) == {stays}


def test_the_fanout_lasts_its_time_after_the_last_publication() -> None:
    bench = Bench()
    bench.peers(3)
    bench.router.publish(TOPIC, b"x", bench.now)
    bench.heartbeat(30)
    bench.router.publish(TOPIC, b"y", bench.now)
    bench.heartbeat(60)
    assert list(bench.router.fanout.topics) == [TOPIC]
    bench.heartbeat()
    assert not list(bench.router.fanout.topics)
