"""A router among hostile peers: whatever they send, nothing escapes and nothing grows beyond its bound."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from libs.gossipsub.tests.conftest import PARAMETERS, TOPIC, Bench, peer_id

from ssv_gossipsub import MessageId, Protocol, Verdict
from ssv_gossipsub.wire import encode
from ssv_gossipsub.wire.rpc import Control, IHave, Prune, Rpc, Subscription

SMALL = replace(
    PARAMETERS,
    max_subscriptions=4,
    max_validating=6,
    max_outbox_messages=5,
    max_outbox_bytes=400,
    max_cache_bytes=600,
    max_seen=20,
    max_unwanted=8,
    max_backoffs=4,
    max_ihave_messages=3,
    idontwant_min_bytes=30,
)
TOPICS = st.sampled_from([TOPIC, "second", "third", "fourth", "fifth", ""])
DATA = st.sampled_from([b"%d" % number for number in range(12)] + [b"%d" % number + bytes(40) for number in range(12)])
IDS = st.lists(DATA.map(lambda data: data[:16]), max_size=8)
PEERS = st.integers(0, 11)
RPCS = st.builds(
    Rpc,
    st.lists(st.builds(Subscription, TOPICS, st.booleans()), max_size=5),
    st.lists(
        st.builds(
            encode.message,
            st.sampled_from([b"", b"own", b"a"]),
            DATA,
            st.just(b""),
            TOPICS,
            st.sampled_from([None, b"s"]),
        ),
        max_size=4,
    ),
    st.none()
    | st.builds(
        Control,
        st.lists(st.builds(IHave, TOPICS, IDS), max_size=3),
        IDS,
        st.lists(TOPICS, max_size=3),
        st.lists(st.builds(Prune, TOPICS, st.sampled_from([0, 1, 60, 2**64 - 1])), max_size=3),
        IDS,
    ),
)
EVENTS = st.one_of(
    st.tuples(st.just("rpc"), PEERS, RPCS),
    st.tuples(st.just("rpc"), PEERS, RPCS),
    st.tuples(st.just("decide"), DATA, st.sampled_from(Verdict)),
    st.tuples(st.just("connect"), PEERS, st.sampled_from(Protocol)),
    st.tuples(st.just("disconnect"), PEERS, st.none()),
    st.tuples(st.just("publish"), TOPICS, DATA),
    st.tuples(st.just("topic"), TOPICS, st.booleans()),
    st.tuples(st.just("take"), PEERS, st.none()),
    st.tuples(st.just("heartbeat"), st.integers(1, 20), st.none()),
)


def check(bench: Bench) -> None:
    router = bench.router
    for topic in router.mesh.topics:
        members = router.mesh.members(topic)
        assert members.keys() <= router.peers.keys()
        assert not any(peer.direct for peer in members.values())
    assert set(router.ready) <= router.peers.keys()
    assert len(router.messages.seen) <= SMALL.max_seen
    assert router.messages.validating <= SMALL.max_validating
    assert len(router.gossip.cache) <= 1 or router.gossip.cache.stored_bytes <= SMALL.max_cache_bytes
    assert len(router.mesh.backoffs) <= SMALL.max_backoffs * 6
    for peer in router.peers.values():
        assert len(peer.topics) <= SMALL.max_subscriptions
        assert len(peer.unwanted) <= SMALL.max_unwanted
        assert len(peer.outbox) <= SMALL.max_outbox_messages
        assert len(peer.outbox) <= 1 or peer.outbox.waiting_bytes <= SMALL.max_outbox_bytes
        assert all(peer.id in router.subscribers(topic) for topic in peer.topics)


@given(st.lists(EVENTS, max_size=60))
def test_no_sequence_of_events_breaks_the_router(events: list[tuple[str, object, object]]) -> None:
    bench = Bench(SMALL, direct=[peer_id(0)])
    bench.peers(6)
    bench.router.subscribe(TOPIC, bench.now)
    delivered = set()
    for kind, one, other in events:
        match kind, one, other:
            case "rpc", int(number), Rpc() as rpc:
                bench.receive(peer_id(number), rpc)
            case "decide", bytes(data), Verdict() as verdict:
                got = bench.router.decide(MessageId(data[:16]), verdict, bench.now)
                assert got is None or verdict is Verdict.ACCEPT
                delivered.add(got)
            case "connect", int(number), Protocol() as protocol:
                bench.router.connected(peer_id(number), protocol, outbound=number % 2 == 0, addresses=["a"])
            case "disconnect", int(number), _:
                bench.router.disconnected(peer_id(number), bench.now)
            case "publish", str(topic), bytes(data):
                bench.router.publish(topic, data, bench.now)
            case "topic", str(topic), True:
                bench.router.subscribe(topic, bench.now)
            case "topic", str(topic), False:
                bench.router.unsubscribe(topic, bench.now)
            case "take", int(number), _:
                bench.sent(peer_id(number))  # decodes what it takes
                assert peer_id(number) not in bench.router.ready
            case "heartbeat", int(times), _:
                bench.heartbeat(times)
            case _:
                raise AssertionError(kind)
        check(bench)
