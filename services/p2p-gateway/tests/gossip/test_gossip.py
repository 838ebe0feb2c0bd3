"""A node and a peer made by hand: streams that come, go, are replaced, or carry what is no gossip."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import pytest
import structlog
import trio
from libp2p import create_yamux_muxer_option, new_host
from libp2p.abc import IHost, INetStream
from libp2p.crypto.secp256k1 import create_new_key_pair
from libp2p.crypto.x25519 import create_new_key_pair as new_noise_key
from libp2p.custom_types import TMuxerOptions, TProtocol
from libp2p.security.noise.transport import PROTOCOL_ID as NOISE
from libp2p.security.noise.transport import Transport as NoiseTransport
from libp2p.stream_muxer.mplex.mplex import MPLEX_PROTOCOL_ID, Mplex
from tests.support.gateway_messages import network_from_now

from ssv_gossipsub import Framer, PeerId, RpcDecoder, Verdict
from ssv_gossipsub.wire import encode
from ssv_gossipsub.wire.rpc import Rpc, Subscription
from ssv_p2p_gateway.addresses import listen_address, peer_address
from ssv_p2p_gateway.gossip.gossip import PROTOCOLS, for_router
from ssv_p2p_gateway.guest import run_trio
from ssv_p2p_gateway.host import make_host
from ssv_p2p_gateway.node import Node, NodeParts, run_node
from ssv_p2p_gateway.traffic import Traffic
from ssv_protocol.types.ids import CommitteeId, Slot
from ssv_protocol.validation.verdict import Accept, GossipReason, GossipVerdict, Ignore, Reject
from ssv_runtime.metrics import Metrics

pytestmark = pytest.mark.asyncio
LISTEN = listen_address("/ip4/127.0.0.1/tcp/0")
TOPIC = "ssv.v2.7"


def stock(muxer: TMuxerOptions) -> IHost:
    key = create_new_key_pair()
    security = {NOISE: NoiseTransport(key, new_noise_key().private_key)}
    return new_host(key_pair=key, listen_addrs=[LISTEN], muxer_opt=muxer, sec_opt=security)


HOSTS: dict[str, Callable[[], IHost]] = {
    "ours": lambda: make_host(create_new_key_pair(), LISTEN),
    "stock yamux": lambda: stock(create_yamux_muxer_option()),
    "mplex": lambda: stock({TProtocol(MPLEX_PROTOCOL_ID): Mplex}),
}


class Scene:
    """A node whose gate takes everything, and a peer of it."""

    def __init__(self, node: Node, host: IHost) -> None:
        self.node = node
        self.host = host
        self.came: list[bytes] = []
        self.heard: list[Rpc] = []
        self.streams: list[INetStream] = []
        self.id = PeerId(host.get_id().to_bytes())

    async def hear(self, stream: INetStream) -> None:
        self.streams.append(stream)
        framer = Framer(1 << 20)
        try:
            while chunk := await stream.read(65_536):
                self.heard += map(RpcDecoder().decode, framer.feed(chunk))
        except Exception:  # the library raises many kinds, all of which mean the end
            return

    async def speak(self, subscribe: Sequence[str] = (TOPIC,)) -> INetStream:
        stream = await self.host.new_stream(peer_address(self.node.addresses[0]).peer_id, PROTOCOLS)
        hello = Rpc([Subscription(topic, True) for topic in subscribe])
        await stream.write(encode.frame(encode.rpc(hello)))
        return stream

    def topics(self) -> list[str]:
        peer = self.node._gossip.router.peers.get(self.id)
        return sorted(peer.topics) if peer else []

    def data_heard(self) -> list[bytes]:
        return [message.data for rpc in self.heard for message in rpc.messages]


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        (Accept(CommitteeId(bytes(32)), Slot(0)), Verdict.ACCEPT),
        (Accept(CommitteeId(bytes(32)), Slot(0), forward=False), Verdict.IGNORE),
        (Ignore(GossipReason.PAST_ROUND), Verdict.IGNORE),
        (Reject(GossipReason.SIGNATURE), Verdict.REJECT),
    ],
)
async def test_what_is_for_workers_alone_goes_to_no_peer(verdict: GossipVerdict, expected: Verdict) -> None:
    assert for_router(verdict) is expected


async def until(condition: Callable[[], object]) -> None:
    while not condition():  # noqa: ASYNC110 (of the library's, which has no event)
        await trio.sleep(0.01)


@asynccontextmanager
async def scene_of(host: IHost, loop: asyncio.AbstractEventLoop) -> AsyncIterator[Scene]:
    came: list[bytes] = []

    class Gate:
        def came(
            self, topics: Sequence[str], data: bytes, author: bytes, *, signed: bool, peer: bytes = b""
        ) -> GossipVerdict:
            came.append(data)
            return Accept(CommitteeId(bytes(32)), Slot(0))

    nodes: list[Node] = []
    traffic = Traffic(Metrics("p2p-gateway"))
    parts = NodeParts(
        create_new_key_pair(), LISTEN, Gate(), traffic, structlog.get_logger(), loop, 8, network_from_now(), 60, True
    )
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run_node, parts, nodes.append)
        await until(lambda: nodes)
        node = nodes[0]
        node.listen_to([TOPIC])
        scene = Scene(node, host)
        scene.came = came
        for protocol in PROTOCOLS:
            host.set_stream_handler(protocol, scene.hear)
        async with host.run([LISTEN]):
            await host.connect(peer_address(node.addresses[0]))
            yield scene
        nursery.cancel_scope.cancel()


async def play(host: str, act: Callable[[Scene], Awaitable[None]]) -> None:
    loop = asyncio.get_running_loop()

    async def guest() -> None:
        with trio.fail_after(60):
            async with scene_of(HOSTS[host](), loop) as scene:
                await act(scene)

    await run_trio(guest)


def message(data: bytes) -> bytes:
    return encode.message_frame(encode.message(b"author", data, b"12345678", TOPIC).encoded)


@pytest.mark.parametrize("host", HOSTS)
async def test_messages_go_both_ways_whatever_the_muxer(host: str) -> None:
    async def act(scene: Scene) -> None:
        stream = await scene.speak()
        await until(lambda: scene.topics() == [TOPIC])
        large = bytes(400_000)
        await stream.write(message(b"small") + message(large))
        await until(lambda: scene.came == [b"small", large])
        assert scene.node.publish(TOPIC, b"ours") == 1
        await until(lambda: scene.data_heard() == [b"ours"])
        assert any(Subscription(TOPIC, True) in rpc.subscriptions for rpc in scene.heard)

    await play(host, act)


async def test_what_is_no_gossip_ends_the_stream_and_counts_against_the_peer() -> None:
    async def act(scene: Scene) -> None:
        stream = await scene.speak()
        await until(lambda: scene.topics() == [TOPIC])
        await stream.write(b"\xff" * 20)
        await until(lambda: not scene.topics())
        record = scene.node._gossip.router.scores.record(scene.id)
        assert record is not None
        assert record.behaviour_penalty == 1
        again = await scene.speak()
        await again.write(message(b"good"))
        await until(lambda: scene.came == [b"good"])

    await play("ours", act)


async def test_a_new_stream_takes_the_place_of_the_one_before() -> None:
    async def act(scene: Scene) -> None:
        await scene.speak([TOPIC, "ssv.v2.8"])
        await until(lambda: scene.topics() == [TOPIC, "ssv.v2.8"])
        second = await scene.speak([TOPIC])
        await until(lambda: scene.topics() == [TOPIC])
        await second.write(message(b"on the second"))
        await until(lambda: scene.came == [b"on the second"])

    await play("ours", act)


@pytest.mark.parametrize("host", ["ours", "stock yamux"])
async def test_our_stream_is_opened_again_and_what_the_peer_subscribed_is_still_known(host: str) -> None:
    async def act(scene: Scene) -> None:
        stream = await scene.speak()
        await until(lambda: scene.topics() == [TOPIC])
        await scene.streams[0].reset()
        await until(lambda: len(scene.streams) == 2)
        await until(lambda: scene.topics() == [TOPIC])
        await stream.write(message(b"still there"))
        await until(lambda: scene.came == [b"still there"])
        assert scene.node.publish(TOPIC, b"ours") == 1
        await until(lambda: scene.data_heard() == [b"ours"])

    await play(host, act)


async def test_a_peer_that_leaves_is_forgotten() -> None:
    async def act(scene: Scene) -> None:
        await scene.speak()
        await until(lambda: scene.node.peer_count == 1)
        await scene.host.disconnect(peer_address(scene.node.addresses[0]).peer_id)
        await until(lambda: scene.node.peer_count == 0 and not scene.node._gossip._links)

    await play("ours", act)
