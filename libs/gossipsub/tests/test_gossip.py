"""IHAVE, IWANT, promises, IDONTWANT.

Source: GossipSub v1.0, "Gossip Emission"; v1.1, "Adaptive Gossip Dissemination", "Spam Protection Measures"; v1.2,
"IDONTWANT Message".
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from libs.gossipsub.tests.conftest import PARAMETERS, THRESHOLDS, TOPIC, Bench

from ssv_gossipsub import PeerId, Protocol, Verdict
from ssv_gossipsub.wire.rpc import IHave, Prune

NO_GOSSIP = THRESHOLDS.gossip - 0.1


def with_mesh(bench: Bench, outside: int) -> tuple[list[PeerId], list[PeerId]]:
    """Four members, and peers that pruned us: they are outside whatever the heartbeat wants."""
    bench.router.subscribe(TOPIC, bench.now)
    members, others = bench.peers(4, outbound=True), bench.peers(outside, first=50)
    for peer in members:
        bench.control(peer, graft=[TOPIC])
    for peer in others:
        bench.control(peer, prune=[Prune(TOPIC, 3600)])
    bench.heartbeat()  # and nobody is a newcomer any more
    bench.drain()
    return members, others


def told(bench: Bench, peers: list[PeerId]) -> dict[PeerId, list[bytes]]:
    found = {}
    for peer in peers:
        control = bench.sent(peer).control
        if control and control.ihave:
            (ihave,) = control.ihave
            assert ihave.topic == TOPIC
            found[peer] = sorted(ihave.ids)
    return found


@pytest.mark.parametrize(("outside", "expected"), [(2, 2), (3, 3), (8, 3), (40, 10)])
def test_gossip_goes_to_d_lazy_peers_outside_the_mesh_or_to_a_share_of_them(
    bench: Bench, outside: int, expected: int
) -> None:
    members, others = with_mesh(bench, outside)
    bench.accepted(members[0], b"one")
    bench.accepted(members[0], b"two")
    bench.drain()
    bench.heartbeat()
    found = told(bench, members + others)
    assert len(found) == expected
    assert set(found) <= set(others)
    assert all(ids == [b"one", b"two"] for ids in found.values())


def test_a_member_that_has_just_come_in_is_told_once_what_went_by_it(bench: Bench) -> None:
    members, _ = with_mesh(bench, 0)
    (newcomer,) = bench.peers(1, first=90)
    bench.accepted(members[0], b"before")
    bench.control(newcomer, graft=[TOPIC])
    bench.accepted(members[0], b"after")
    assert newcomer in bench.mesh()
    assert bench.sent_data(newcomer) == [b"after"]
    bench.drain()
    bench.heartbeat()
    assert told(bench, [newcomer, *members]) == {newcomer: [b"after", b"before"]}
    bench.control(newcomer, iwant=[b"before"])
    assert bench.sent_data(newcomer) == [b"before"]
    bench.heartbeat()
    assert told(bench, [newcomer]) == {}


def test_who_came_in_and_left_before_the_heartbeat_is_no_newcomer(bench: Bench) -> None:
    members, _ = with_mesh(bench, 0)
    pruned, gone = bench.peers(2, first=90)
    bench.accepted(members[0], b"data")
    for peer in (pruned, gone):
        bench.control(peer, graft=[TOPIC])
        bench.control(peer, prune=[Prune(TOPIC, 3600)])
    bench.router.disconnected(gone, bench.now)
    bench.drain()
    bench.heartbeat()
    assert told(bench, [pruned, gone]) == {pruned: [b"data"]}  # once, as one outside


def test_gossip_lasts_three_heartbeats_and_answers_five(bench: Bench) -> None:
    members, (other,) = with_mesh(bench, 1)
    bench.accepted(members[0], b"data")
    for heartbeats in range(1, 7):
        bench.heartbeat()
        assert bool(told(bench, [other])) == (heartbeats <= PARAMETERS.history_gossip)
        bench.control(other, iwant=[b"data"])
        answered = heartbeats <= min(PARAMETERS.gossip_retransmission, PARAMETERS.history_length - 1)
        assert bench.sent_data(other) == ([b"data"] if answered else [])


def test_a_message_leaves_the_cache_with_its_window(bench: Bench) -> None:
    members, (other,) = with_mesh(bench, 1)
    bench.accepted(members[0], b"data")
    bench.heartbeat(PARAMETERS.history_length - 1)
    bench.control(other, iwant=[b"data"])
    assert bench.sent_data(other) == [b"data"]
    bench.heartbeat()
    bench.control(other, iwant=[b"data"])
    assert bench.sent_data(other) == []
    assert len(bench.router.gossip.cache) == bench.router.gossip.cache.stored_bytes == 0


def test_ignored_and_rejected_messages_are_not_gossiped(bench: Bench) -> None:
    members, (other,) = with_mesh(bench, 1)
    for data, verdict in ((b"ignored", Verdict.IGNORE), (b"rejected", Verdict.REJECT)):
        bench.message(members[0], data)
        bench.decide(data, verdict)
        bench.control(other, iwant=[data])
    bench.message(members[0], b"not judged")
    bench.control(other, iwant=[b"not judged"])
    bench.heartbeat()
    assert told(bench, [other]) == {}
    assert bench.sent_data(other) == []


def test_an_ihave_of_ours_holds_so_many_ids(bench: Bench) -> None:
    members, others = with_mesh(bench, 3)
    for number in range(50):
        bench.accepted(members[0], b"%d" % number)
    bench.drain()
    bench.heartbeat()
    ids = told(bench, others)
    assert [len(one) for one in ids.values()] == [PARAMETERS.max_ihave_length] * 3
    assert len(set(map(tuple, ids.values()))) == 3  # each peer is told of others


def test_no_gossip_to_or_from_peers_below_the_threshold(bench: Bench) -> None:
    members, (low,) = with_mesh(bench, 1)
    bench.router.set_app_score(low, NO_GOSSIP)
    bench.accepted(members[0], b"data")
    bench.heartbeat()
    assert told(bench, [low]) == {}
    bench.control(low, ihave=[IHave(TOPIC, [b"new"])], iwant=[b"data"])
    rpc = bench.sent(low)
    assert rpc.messages == []
    assert rpc.control is not None
    assert not rpc.control.iwant


def test_an_ihave_is_answered_with_what_we_have_not_seen_of_our_topics(bench: Bench) -> None:
    (member, *_), (peer,) = with_mesh(bench, 1)
    bench.accepted(member, b"seen")
    bench.message(member, b"being validated")
    ids = [b"seen", b"being validated", b"new", b"newer"]
    bench.control(peer, ihave=[IHave(TOPIC, ids), IHave("other topic", [b"other"])])
    assert sorted(bench.sent_control(peer).iwant) == [b"new", b"newer"]


def test_ihaves_are_limited_in_number_and_ids_per_heartbeat(bench: Bench) -> None:
    _, (first, second) = with_mesh(bench, 2)
    for number in range(PARAMETERS.max_ihave_messages + 5):
        bench.control(first, ihave=[IHave(TOPIC, [b"a%d" % number])])
    assert len(bench.sent_control(first).iwant) == PARAMETERS.max_ihave_messages
    for batch in range(3):
        bench.control(second, ihave=[IHave(TOPIC, [b"b%d-%d" % (batch, number) for number in range(15)])])
    assert len(bench.sent_control(second).iwant) == PARAMETERS.max_ihave_length
    bench.heartbeat()
    bench.control(second, ihave=[IHave(TOPIC, [b"again"])])
    assert list(bench.sent_control(second).iwant) == [b"again"]


def test_iwant_is_not_an_amplifier(bench: Bench) -> None:
    members, (peer,) = with_mesh(bench, 1)
    for number in range(PARAMETERS.max_ihave_length + 10):
        bench.accepted(members[0], b"%d" % number)
    for _ in range(10):
        bench.control(peer, iwant=[b"%d" % number for number in range(PARAMETERS.max_ihave_length + 10)] * 3)
    assert len(bench.sent_data(peer)) == PARAMETERS.max_ihave_length


def behaviour(bench: Bench, peer: PeerId) -> float:
    record = bench.router.scores.record(peer)
    assert record is not None
    return record.behaviour_penalty


def test_a_broken_promise_costs_one_penalty_once(bench: Bench) -> None:
    _, (peer,) = with_mesh(bench, 1)
    bench.control(peer, ihave=[IHave(TOPIC, [b"a", b"b", b"c"])])
    bench.heartbeat(3)
    assert behaviour(bench, peer) == 0
    bench.heartbeat()
    assert behaviour(bench, peer) == pytest.approx(1)
    bench.heartbeat(5)
    assert behaviour(bench, peer) == pytest.approx(0.9**5)
    assert len(bench.router.gossip.promises) == 0


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_promise_is_kept_by_whoever_brings_the_message_valid_or_not(bench: Bench, verdict: Verdict) -> None:
    (member, *_), (peer,) = with_mesh(bench, 1)
    bench.control(peer, ihave=[IHave(TOPIC, [b"data"])])
    bench.message(member, b"data")
    bench.decide(b"data", verdict)
    bench.heartbeat(10)
    assert behaviour(bench, peer) == 0


def test_a_promise_is_kept_after_we_left_the_topic_and_when_validation_is_full() -> None:
    bench = Bench(replace(PARAMETERS, max_validating=1))
    (member, *_), (peer,) = with_mesh(bench, 1)
    bench.message(member, b"first")
    bench.control(peer, ihave=[IHave(TOPIC, [b"second"])])
    bench.message(peer, b"second")
    assert bench.router.counts.validation_full == 1
    bench.control(peer, ihave=[IHave(TOPIC, [b"third"])])
    bench.router.unsubscribe(TOPIC, bench.now)
    bench.message(peer, b"third")
    bench.heartbeat(10)
    assert behaviour(bench, peer) == 0


def test_who_breaks_promises_is_graylisted(bench: Bench) -> None:
    _, (liar,) = with_mesh(bench, 1)
    for number in range(10):
        bench.control(liar, ihave=[IHave(TOPIC, [b"lie %d" % number])])
    bench.heartbeat(4)
    assert bench.router.graylisted(liar)
    bench.control(liar, ihave=[IHave(TOPIC, [b"more"])])
    assert bench.router.counts.graylisted_rpcs == 1


def test_idontwant_keeps_a_message_from_a_peer_for_a_while(bench: Bench) -> None:
    (sender, unwilling, *others), _ = with_mesh(bench, 0)
    bench.control(unwilling, idontwant=[b"data"])
    bench.accepted(sender, b"data")
    assert bench.sent_data(unwilling) == []
    assert [bench.sent_data(peer) for peer in others] == [[b"data"]] * 2
    bench.control(unwilling, iwant=[b"data"])
    assert bench.sent_data(unwilling) == []
    bench.heartbeat(PARAMETERS.idontwant_ttl_heartbeats - 1)
    assert list(bench.router.peers[unwilling].unwanted) == [b"data"]
    bench.heartbeat()
    assert bench.router.peers[unwilling].unwanted == {}
    bench.control(unwilling, iwant=[b"data"])
    assert bench.sent_data(unwilling) == [b"data"]


def test_idontwant_is_limited_per_rpc_per_heartbeat_and_in_all() -> None:
    bench = Bench(replace(PARAMETERS, max_idontwant_messages=5, max_unwanted=60))
    (peer, *_), _ = with_mesh(bench, 0)
    for batch in range(10):
        bench.control(peer, idontwant=[b"%d-%d" % (batch, number) for number in range(50)])
    unwanted = bench.router.peers[peer].unwanted
    assert len(unwanted) == 5 * PARAMETERS.max_idontwant_length
    bench.heartbeat()
    for batch in range(5):
        bench.control(peer, idontwant=[b"again %d-%d" % (batch, number) for number in range(10)])
    assert len(bench.router.peers[peer].unwanted) == 60


def test_we_tell_the_mesh_at_once_of_large_messages_and_only_who_understands() -> None:
    bench = Bench(replace(PARAMETERS, idontwant_min_bytes=100))
    bench.router.subscribe(TOPIC, bench.now)
    new, old = bench.peers(2, protocol=Protocol.V1_2), bench.peers(1, first=50)
    for peer in new + old:
        bench.control(peer, graft=[TOPIC])
    bench.drain()
    sender, other = new
    bench.message(sender, b"small")
    assert bench.router.ready == []
    bench.message(sender, b"large".ljust(100))
    assert bench.router.ready == [other]
    assert list(bench.sent_control(other).idontwant) == [b"large".ljust(16)]


def test_a_request_that_still_waits_is_cancelled_when_the_message_comes() -> None:
    bench = Bench(replace(PARAMETERS, idontwant_min_bytes=0))
    bench.router.subscribe(TOPIC, bench.now)
    slow, quick = bench.peers(2, protocol=Protocol.V1_2)
    bench.control(slow, graft=[TOPIC])
    bench.drain()
    bench.control(slow, ihave=[IHave(TOPIC, [b"data", b"other"])])
    bench.message(quick, b"data")
    control = bench.sent_control(slow)
    assert list(control.iwant) == [b"other"]
    assert list(control.idontwant) == [b"data"]
