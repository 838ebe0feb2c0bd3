"""GRAFT, PRUNE, JOIN, LEAVE and backoffs.

Source: GossipSub v1.0, "Topic Membership", "Control Messages"; v1.1, "PRUNE Backoff and Peer Exchange", "Outbound Mesh
Quotas", "Explicit Peering Agreements", "Spam Protection Measures".
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from libs.gossipsub.tests.conftest import PARAMETERS, TOPIC, Bench, peer_id

from ssv_gossipsub import PeerId
from ssv_gossipsub.wire.rpc import Prune, Rpc, Subscription

BACKOFF_S = int(PARAMETERS.prune_backoff_s)


def pruned(bench: Bench, peer: PeerId) -> list[tuple[str, int]]:
    control = bench.sent(peer).control
    return [(topic, backoff_s) for topic, backoff_s in control.prune] if control else []


def penalties(bench: Bench, peer: PeerId) -> float:
    record = bench.router.scores.record(peer)
    assert record is not None
    return record.behaviour_penalty


def test_join_tells_all_peers_and_grafts_d_of_the_subscribers(bench: Bench) -> None:
    subscribers, others = bench.peers(8), bench.peers(2, first=10, topics=())
    bench.router.subscribe(TOPIC, bench.now)
    assert len(bench.mesh()) == PARAMETERS.d
    for peer in subscribers + others:
        rpc = bench.sent(peer)
        assert rpc.subscriptions == [Subscription(TOPIC, True)]
        assert rpc.control is not None
        assert list(rpc.control.graft) == ([TOPIC] if peer in bench.mesh() else [])


def test_join_prefers_the_fanout(bench: Bench) -> None:
    bench.peers(20)
    bench.router.publish(TOPIC, b"x", bench.now)
    fanout = set(bench.router.fanout.members(TOPIC))
    bench.router.subscribe(TOPIC, bench.now)
    assert bench.mesh() == fanout
    assert not list(bench.router.fanout.topics)


def test_a_new_peer_is_told_what_we_subscribe(bench: Bench) -> None:
    bench.router.subscribe(TOPIC, bench.now)
    bench.router.subscribe("other", bench.now)
    (peer,) = bench.peers(1)
    assert bench.sent(peer).subscriptions == [Subscription(TOPIC, True), Subscription("other", True)]


def test_leave_prunes_all_with_the_short_backoff(bench: Bench) -> None:
    bench.peers(4)
    bench.router.subscribe(TOPIC, bench.now)
    members = bench.mesh()
    bench.drain()
    bench.router.unsubscribe(TOPIC, bench.now)
    for peer in members:
        rpc = bench.sent(peer)
        assert rpc.subscriptions == [Subscription(TOPIC, False)]
        assert rpc.control is not None
        assert list(rpc.control.prune) == [Prune(TOPIC, int(PARAMETERS.unsubscribe_backoff_s))]
    bench.router.subscribe(TOPIC, bench.now)
    bench.heartbeat(10)
    assert bench.mesh() == set()
    bench.heartbeat(4)  # the backoff of 10 s and a slack of 2 heartbeats are over
    assert bench.mesh() == members


def test_a_graft_is_taken_and_not_answered(bench: Bench) -> None:
    bench.router.subscribe(TOPIC, bench.now)
    (peer,) = bench.peers(1)
    bench.drain()
    bench.control(peer, graft=[TOPIC, TOPIC])
    assert bench.mesh() == {peer}
    assert bench.router.ready == []


def test_a_graft_for_an_unknown_topic_is_ignored(bench: Bench) -> None:
    (peer,) = bench.peers(1)
    bench.control(peer, graft=[TOPIC])
    assert bench.router.ready == []
    assert penalties(bench, peer) == 0


def test_a_graft_of_a_peer_with_a_negative_score_is_refused(bench: Bench) -> None:
    bench.router.subscribe(TOPIC, bench.now)
    (peer,) = bench.peers(1)
    bench.router.set_app_score(peer, -1)
    bench.control(peer, graft=[TOPIC])
    assert bench.mesh() == set()
    assert pruned(bench, peer) == [(TOPIC, BACKOFF_S)]
    assert penalties(bench, peer) == 0


def test_a_graft_of_a_direct_peer_is_refused() -> None:
    bench = Bench(direct=[peer_id(0)])
    bench.router.subscribe(TOPIC, bench.now)
    (peer,) = bench.peers(1)
    bench.control(peer, graft=[TOPIC])
    bench.heartbeat()
    assert bench.mesh() == set()
    assert pruned(bench, peer) == [(TOPIC, BACKOFF_S)]


def test_a_full_mesh_takes_grafts_of_outbound_peers_only(bench: Bench) -> None:
    bench.router.subscribe(TOPIC, bench.now)
    inbound, outbound = bench.peers(7), bench.peers(1, first=20, outbound=True)
    bench.drain()
    for peer in inbound + outbound:
        bench.control(peer, graft=[TOPIC])
    assert bench.mesh() == {*inbound[: PARAMETERS.d_high], *outbound}
    assert pruned(bench, inbound[-1]) == [(TOPIC, BACKOFF_S)]


def test_a_prune_is_obeyed_for_the_time_it_says(bench: Bench) -> None:
    (peer,) = bench.peers(1)
    bench.router.subscribe(TOPIC, bench.now)
    bench.drain()
    bench.control(peer, prune=[Prune(TOPIC, 20)])
    assert bench.mesh() == set()
    bench.heartbeat(21)
    assert bench.router.ready == []  # 20 s, and 2 s of slack
    bench.heartbeat(2)
    assert list(bench.sent_control(peer).graft) == [TOPIC]


@pytest.mark.parametrize(("asked", "wait_s"), [(0, PARAMETERS.prune_backoff_s), (2**64 - 1, PARAMETERS.max_backoff_s)])
def test_a_prune_without_time_or_with_too_much(bench: Bench, asked: int, wait_s: float) -> None:
    bench.router.subscribe(TOPIC, bench.now)
    (peer,) = bench.peers(1)
    bench.control(peer, prune=[Prune(TOPIC, asked)])
    assert bench.router.mesh.backoffs.until(TOPIC, peer) == bench.now + wait_s


def test_a_shorter_prune_does_not_shorten_the_backoff(bench: Bench) -> None:
    bench.router.subscribe(TOPIC, bench.now)
    (peer,) = bench.peers(1)
    bench.control(peer, prune=[Prune(TOPIC, 50), Prune(TOPIC, 5)])
    assert bench.router.mesh.backoffs.until(TOPIC, peer) == bench.now + 50


def test_a_graft_within_the_backoff_costs_one_penalty_and_extends_it(bench: Bench) -> None:
    bench.router.subscribe(TOPIC, bench.now)
    (peer,) = bench.peers(1)
    bench.control(peer, prune=[Prune(TOPIC, BACKOFF_S)])
    bench.drain()
    bench.now += BACKOFF_S - 1
    bench.control(peer, graft=[TOPIC])
    assert bench.mesh() == set()
    assert pruned(bench, peer) == [(TOPIC, BACKOFF_S)]
    assert penalties(bench, peer) == 1
    assert bench.router.mesh.backoffs.until(TOPIC, peer) == bench.now + BACKOFF_S


def test_a_graft_right_after_the_prune_costs_two_and_a_flood_ends_graylisted(bench: Bench) -> None:
    bench.router.subscribe(TOPIC, bench.now)
    (peer,) = bench.peers(1)
    bench.control(peer, prune=[Prune(TOPIC, BACKOFF_S)])
    bench.control(peer, graft=[TOPIC])
    assert penalties(bench, peer) == 2
    for _ in range(10):
        bench.control(peer, graft=[TOPIC])
    assert bench.router.graylisted(peer)


def test_after_the_backoff_a_graft_is_welcome_again(bench: Bench) -> None:
    bench.router.subscribe(TOPIC, bench.now)
    (peer,) = bench.peers(1)
    bench.control(peer, prune=[Prune(TOPIC, BACKOFF_S)])
    bench.now += BACKOFF_S
    bench.control(peer, graft=[TOPIC])
    assert bench.mesh() == {peer}
    assert penalties(bench, peer) == 0


def test_a_backoff_outlives_the_connection(bench: Bench) -> None:
    bench.router.subscribe(TOPIC, bench.now)
    (peer,) = bench.peers(1)
    bench.control(peer, prune=[Prune(TOPIC, BACKOFF_S)])
    bench.router.disconnected(peer, bench.now)
    bench.peers(1)
    bench.heartbeat(30)
    assert bench.mesh() == set()


def test_backoffs_are_bounded_and_forgotten_when_over() -> None:
    bench = Bench(replace(PARAMETERS, max_backoffs=5))
    bench.router.subscribe(TOPIC, bench.now)
    for number in range(20):
        (peer,) = bench.peers(1, first=number)
        bench.control(peer, prune=[Prune(TOPIC, 10), Prune("unknown", 10)])
        bench.router.disconnected(peer, bench.now)
    assert len(bench.router.mesh.backoffs) == 5
    bench.heartbeat(15)
    assert len(bench.router.mesh.backoffs) == 0


def test_who_unsubscribes_or_disconnects_is_out_of_the_mesh(bench: Bench) -> None:
    bench.router.subscribe(TOPIC, bench.now)
    first, second = bench.peers(2)
    bench.heartbeat()
    assert bench.mesh() == {first, second}
    bench.receive(first, Rpc([Subscription(TOPIC, False)]))
    bench.router.disconnected(second, bench.now)
    assert bench.mesh() == set()
    assert second not in bench.router.subscribers(TOPIC)
    bench.heartbeat()
    assert bench.mesh() == set()


def test_subscriptions_are_limited_per_rpc_and_per_peer() -> None:
    bench = Bench(replace(PARAMETERS, max_subscriptions=10), may_subscribe=lambda topic: not topic.startswith("bad"))
    (peer,) = bench.peers(1, topics=())
    bench.receive(peer, Rpc([Subscription(str(number), True) for number in range(11)]))
    assert bench.router.counts.excess_subscriptions == 1
    assert not bench.router.peers[peer].topics
    for start in range(0, 100, 10):
        bench.receive(peer, Rpc([Subscription(f"{start + number}", True) for number in range(10)]))
    assert len(bench.router.peers[peer].topics) == 10
    bench.receive(peer, Rpc([Subscription("0", False), Subscription("bad", True), Subscription("good", True)]))
    assert list(bench.router.peers[peer].topics) == [str(number) for number in range(1, 10)] + ["good"]
