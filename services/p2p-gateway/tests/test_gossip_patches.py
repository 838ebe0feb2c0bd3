"""Each workaround, against what the stock router does."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import trio
import trio.testing
from libp2p.crypto.secp256k1 import create_new_key_pair
from libp2p.network.stream.exceptions import StreamEOF
from libp2p.peer.id import ID
from libp2p.pubsub import pubsub as stock
from libp2p.pubsub.pb import rpc_pb2
from libp2p.tools.anyio_service import background_trio_service

from ssv_p2p_gateway.addresses import listen_address
from ssv_p2p_gateway.gossip_patches import MAX_RPC_BYTES, QUEUE_LENGTH, SsvPubsub, SsvRouter
from ssv_p2p_gateway.guest import run_trio
from ssv_p2p_gateway.host import make_host
from ssv_p2p_gateway.message_id import message_id
from ssv_protocol.types.ids import CommitteeId, Slot
from ssv_protocol.validation.verdict import Accept, GossipReason, GossipVerdict, Reject

pytestmark = pytest.mark.asyncio
PEERS = [ID.from_pubkey(create_new_key_pair().public_key) for _ in range(3)]
TOPIC = "ssv.v2.1"


class CountingGate:
    def __init__(self, verdict: bool) -> None:
        self.verdict = verdict
        self.asked: list[bytes] = []

    def came(
        self, topics: Sequence[str], data: bytes, author: bytes, *, signed: bool, peer: bytes = b""
    ) -> GossipVerdict:
        self.asked.append(data)
        return Accept(CommitteeId(bytes(32)), Slot(0)) if self.verdict else Reject(GossipReason.EMPTY)


class Bench:
    """A pubsub that no network is behind: peers are queues."""

    def __init__(self, verdict: bool = True) -> None:
        self.gate = CountingGate(verdict)
        self.dropped = 0
        self.duplicates = 0
        self.router = SsvRouter(self._drop)
        listen = listen_address("/ip4/127.0.0.1/tcp/0")
        self.pubsub = SsvPubsub(make_host(create_new_key_pair(), listen), self.router, self.gate, self._duplicate)
        self.queues = {peer: stock.RpcQueue() for peer in PEERS}  # type: ignore[attr-defined]
        self.pubsub.peer_queues.update(self.queues)
        self.pubsub.peers.update(dict.fromkeys(PEERS))  # type: ignore[arg-type]
        self.pubsub.peer_topics[TOPIC] = set(PEERS)
        self.router.mesh[TOPIC] = set(PEERS)
        self.router.peer_protocol.update(dict.fromkeys(PEERS, self.router.protocols[0]))

    def _drop(self) -> None:
        self.dropped += 1

    def _duplicate(self) -> None:
        self.duplicates += 1

    def message(self, data: bytes, seqno: int = 1) -> rpc_pb2.Message:
        return rpc_pb2.Message(data=data, topicIDs=[TOPIC], from_id=PEERS[0].to_bytes(), seqno=seqno.to_bytes(8, "big"))

    def sent_to(self, peer: ID) -> list[bytes]:
        queue = self.queues[peer]._queue
        return [message.data for rpc in queue._non_priority for message in rpc.publish]


async def test_a_message_is_judged_and_forwarded_once_whoever_brings_it() -> None:
    async def guest() -> None:
        bench = Bench()
        await bench.pubsub.push_msg(PEERS[1], bench.message(b"data", 1))
        await bench.pubsub.push_msg(PEERS[2], bench.message(b"data", 2))
        assert bench.gate.asked == [b"data"]
        assert bench.duplicates == 1
        assert [bench.sent_to(peer) for peer in PEERS] == [[], [], [b"data"]]  # not to its author, not back

    await run_trio(guest)


async def test_what_the_gate_refuses_is_not_forwarded() -> None:
    async def guest() -> None:
        bench = Bench(verdict=False)
        await bench.pubsub.push_msg(PEERS[1], bench.message(b"data"))
        assert [bench.sent_to(peer) for peer in PEERS] == [[], [], []]
        assert bench.router.mcache.msgs == {}

    await run_trio(guest)


async def test_the_cache_knows_messages_by_the_ids_of_the_network() -> None:
    async def guest() -> None:
        bench = Bench()
        await bench.pubsub.push_msg(PEERS[1], bench.message(b"data"))
        assert bench.router.mcache.window(TOPIC) == [message_id(b"data")]
        for _ in range(6):
            bench.router.mcache.shift()
        assert bench.router.mcache.msgs == {}

    await run_trio(guest)


async def test_a_burst_of_one_author_is_delivered_up_to_the_queue() -> None:
    async def guest() -> None:
        bench = Bench()
        for number in range(QUEUE_LENGTH + 1):
            await bench.pubsub.push_msg(PEERS[1], bench.message(number.to_bytes(4, "big")))
        assert len(bench.gate.asked) == QUEUE_LENGTH + 1
        assert len(bench.sent_to(PEERS[2])) == QUEUE_LENGTH
        assert bench.dropped == 1

    await run_trio(guest)


async def test_large_messages_go_whole_and_too_large_ones_do_not() -> None:
    async def guest() -> None:
        bench = Bench()
        assert await bench.pubsub.publish_own(TOPIC, bytes(8_000_000)) == 3
        assert await bench.pubsub.publish_own(TOPIC, bytes(MAX_RPC_BYTES)) == 0
        assert bench.dropped == 3

    await run_trio(guest)


async def test_a_repeat_of_an_own_message_is_not_sent_unless_nobody_got_it() -> None:
    async def guest() -> None:
        bench = Bench()
        assert await bench.pubsub.publish_own(TOPIC, b"data") == 3
        assert await bench.pubsub.publish_own(TOPIC, b"data") == 3
        assert bench.sent_to(PEERS[1]) == [b"data"]
        bench.router.mesh[TOPIC] = set()
        assert await bench.pubsub.publish_own(TOPIC, b"lonely") == 0
        bench.router.mesh[TOPIC] = {PEERS[1]}
        assert await bench.pubsub.publish_own(TOPIC, b"lonely") == 1
        await bench.pubsub.push_msg(PEERS[1], bench.message(b"data"))
        assert bench.gate.asked == []

    await run_trio(guest)


async def test_own_messages_from_before_a_restart_are_not_ours_to_hear() -> None:
    async def guest() -> None:
        bench = Bench()
        message = bench.message(b"data")
        message.from_id = bench.pubsub.my_id.to_bytes()
        await bench.pubsub.push_msg(PEERS[1], message)
        assert bench.gate.asked == []

    await run_trio(guest)


async def test_each_peer_gets_its_own_grafts() -> None:
    async def guest() -> None:
        bench = Bench()
        await bench.router._emit_control_msgs({PEERS[0]: ["a"], PEERS[1]: ["b"]}, {}, {})
        grafts = [
            [graft.topicID for rpc in bench.queues[peer]._queue._priority for graft in rpc.control.graft]
            for peer in PEERS
        ]
        assert grafts == [["a"], ["b"], []]

    await run_trio(guest)


async def test_nothing_is_kept_for_peers_that_do_not_listen() -> None:
    async def guest() -> None:
        bench = Bench()
        bench.pubsub.peer_topics[TOPIC] = {PEERS[0]}
        bench.router.mesh[TOPIC] = {PEERS[0]}
        await bench.pubsub.publish_own(TOPIC, b"data")
        assert not bench.router._pending_messages
        assert not bench.router.recent_message_deliveries

    await run_trio(guest)


class FakeStream:
    """A stream as far as the router looks at it: whose, and whether its connection lives."""

    def __init__(self, peer: ID) -> None:
        self.muxed_conn = self
        self.peer_id = peer
        self.is_closed = False
        self.ended = trio.Event()

    async def read(self, _most: int) -> bytes:
        await self.ended.wait()
        raise StreamEOF


async def test_subscriptions_live_as_long_as_a_stream_that_says_them() -> None:
    async def guest() -> None:
        bench = Bench()
        old, new = FakeStream(PEERS[0]), FakeStream(PEERS[0])
        async with background_trio_service(bench.pubsub), trio.open_nursery() as nursery:
            for stream in (old, new):
                nursery.start_soon(bench.pubsub.continuously_read_stream, stream)
            await trio.testing.wait_all_tasks_blocked()
            old.ended.set()
            await trio.testing.wait_all_tasks_blocked()
            bench.pubsub._handle_dead_peer(PEERS[0])
            assert PEERS[0] in bench.pubsub.peer_topics[TOPIC]
            new.ended.set()
            await trio.testing.wait_all_tasks_blocked()
            assert PEERS[0] not in bench.pubsub.peer_topics[TOPIC]
            nursery.cancel_scope.cancel()

    await run_trio(guest)


async def test_a_stream_of_a_closed_connection_is_let_go() -> None:
    async def guest() -> None:
        bench = Bench()
        streams = {peer: FakeStream(peer) for peer in PEERS}
        bench.pubsub.peers.update(streams)  # type: ignore[arg-type]
        streams[PEERS[1]].is_closed = True
        bench.router.mesh_heartbeat()
        assert set(bench.pubsub.peers) == set(bench.pubsub.peer_queues) == {PEERS[0], PEERS[2]}

    await run_trio(guest)


async def test_a_hello_carries_no_peer_record() -> None:
    async def guest() -> None:
        assert not Bench().pubsub.get_hello_packet().HasField("senderRecord")
        await trio.lowlevel.checkpoint()

    await run_trio(guest)
