"""Queues to peers: bounds, counted drops, what is joined."""

from __future__ import annotations

from dataclasses import replace

from libs.gossipsub.tests.conftest import PARAMETERS, TOPIC, Bench, peer_id

from ssv_gossipsub import PeerId, RpcDecoder
from ssv_gossipsub.outbox import Outbox
from ssv_gossipsub.wire.framing import Framer
from ssv_gossipsub.wire.rpc import Control, IHave, Prune, Rpc, Subscription

PEER = peer_id(1)


def outbox(**parameters: int) -> Outbox:
    return Outbox(PEER, replace(PARAMETERS, **parameters), {})


def decoded(box: Outbox) -> list[Rpc]:
    return [RpcDecoder().decode(body) for body in Framer(1 << 20).feed(b"".join(box.take()))]


def test_messages_beyond_the_number_are_dropped_and_counted() -> None:
    box = outbox(max_outbox_messages=3)
    assert [box.message(b"%d" % number) for number in range(5)] == [True] * 3 + [False] * 2
    assert (len(box), box.dropped_messages) == (3, 2)
    assert box.take() == [b"0", b"1", b"2"]
    assert box.message(b"again")


def test_messages_beyond_the_bytes_are_dropped_but_a_single_one_always_goes() -> None:
    box = outbox(max_outbox_bytes=100)
    assert [box.message(bytes(size)) for size in (60, 50, 40)] == [True, False, True]
    assert box.waiting_bytes == 100
    box.take()
    assert box.waiting_bytes == 0
    assert box.message(bytes(1000))


def test_what_is_not_taken_waits_and_one_message_always_goes() -> None:
    ready: dict[PeerId, None] = {}
    box = Outbox(PEER, PARAMETERS, ready)
    for size in (60, 30, 30, 5):
        assert box.message(bytes(size))
    assert [len(frame) for frame in box.take(50)] == [60]
    assert ready == {PEER: None}
    assert [len(frame) for frame in box.take(50)] == [30]
    assert (len(box), box.waiting_bytes) == (2, 35)
    assert [len(frame) for frame in box.take(50)] == [30, 5]
    assert ready == {}
    assert box.message(bytes(60))
    assert [len(frame) for frame in box.take(50)] == [60]
    assert (ready, box.waiting_bytes) == ({}, 0)
    assert box.take(50) == []


def test_of_each_topic_the_last_word_is_sent_ahead_of_the_messages() -> None:
    box = outbox()
    box.message(b"\x02\x12\x00")
    box.subscription("a", True)
    box.subscription("a", False)
    box.graft("a")
    box.prune("a", 60)
    box.prune("b", 60)
    box.graft("b")
    first, second = decoded(box)
    assert first == Rpc([Subscription("a", False)], [], Control([], [], ["b"], [Prune("a", 60)], []))
    assert len(second.messages) == 1
    assert box.take() == []


def test_gossip_that_was_not_sent_is_replaced_or_bounded_and_counted() -> None:
    box = outbox(max_ihave_length=20)
    ids = [b"%d" % number for number in range(30)]
    box.ihave("a", ids[:5])  # type: ignore[arg-type]
    box.ihave("a", ids[5:8])  # type: ignore[arg-type]
    box.iwant(ids)  # type: ignore[arg-type]
    assert box.dropped_gossip == 5 + 10
    (rpc,) = decoded(box)
    assert rpc.control == Control([IHave("a", ids[5:8])], ids[10:], [], [], [])


def test_idontwant_is_cut_into_what_a_peer_reads() -> None:
    box = outbox(max_idontwant_length=10, max_ihave_length=25)
    for number in range(25):
        box.idontwant(b"%d" % number)  # type: ignore[arg-type]
    assert [len(rpc.control.idontwant) for rpc in decoded(box) if rpc.control] == [10, 10, 5]


def test_a_slow_peer_loses_messages_and_costs_no_one_else() -> None:
    bench = Bench(replace(PARAMETERS, max_outbox_messages=10, max_cache_bytes=2000))
    bench.router.subscribe(TOPIC, bench.now)
    slow, quick, sender = bench.peers(3)
    for peer in (slow, quick):
        bench.control(peer, graft=[TOPIC])
    for number in range(50):
        bench.accepted(sender, b"%d" % number)
        assert bench.sent_data(quick) == [b"%d" % number]
    assert len(bench.sent_data(slow)) == 10
    assert bench.router.counts.dropped == 40
    assert bench.router.counts.sent == 60


def test_the_cache_is_bounded_in_bytes() -> None:
    bench = Bench(replace(PARAMETERS, max_cache_bytes=10_000))
    bench.router.subscribe(TOPIC, bench.now)
    (sender,) = bench.peers(1)
    for number in range(50):
        bench.accepted(sender, b"%016d" % number + bytes(1000))
        assert bench.router.gossip.cache.stored_bytes <= 10_000
    assert 5 < len(bench.router.gossip.cache) < 10
    bench.heartbeat(PARAMETERS.history_length)
    assert len(bench.router.gossip.cache) == bench.router.gossip.cache.stored_bytes == 0
