"""The hostile peer: raw gossip over our own transport, with no router that would keep it from anything."""

from __future__ import annotations

import base64
import os
from collections import Counter
from contextlib import suppress
from typing import Any

import trio
from libp2p.abc import INetStream
from libp2p.crypto.secp256k1 import create_new_key_pair
from libp2p.network.stream.net_stream import NetStream

from ssv_gossipsub import Framer, RpcDecoder
from ssv_gossipsub.wire import encode
from ssv_gossipsub.wire.rpc import Control, Rpc, Subscription
from ssv_p2p_gateway.addresses import listen_address, peer_address
from ssv_p2p_gateway.gossip.gossip import PROTOCOLS
from ssv_p2p_gateway.gossip.parameters import MAX_RPC_BYTES, WIRE_LIMITS
from ssv_p2p_gateway.handshake.errors import HandshakeError
from ssv_p2p_gateway.handshake.exchange import Handshakes, Views
from ssv_p2p_gateway.handshake.node_info import NodeInfo
from ssv_p2p_gateway.handshake.rules import subnets_of
from ssv_p2p_gateway.host import make_host
from ssv_p2p_gateway.message_id import message_id
from ssv_p2p_gateway.transport.stream import MuxedStream
from ssv_protocol.types.ids import DomainType


class Peer:
    """One connection to a gateway with a gossip stream each way."""

    def __init__(self, job: dict[str, Any], nursery: trio.Nursery) -> None:
        self.topic = str(job["topic"])
        self.job = job
        self.nursery = nursery
        self.materials = [base64.b64decode(text) for text in job.get("materials", [])]
        self.target = peer_address(job["address"])
        self.reads = bool(job.get("reads", True))
        self.heard: Counter[bytes] = Counter()
        """Messages by id, as often as each came."""
        self.asked: Counter[str] = Counter()
        self._decoder = RpcDecoder(WIRE_LIMITS)
        self._key = create_new_key_pair()
        self._listen = listen_address("/ip4/127.0.0.1/tcp/0")
        self.host = make_host(self._key, self._listen)
        self._stream: MuxedStream | None = None

    @property
    def peer_id(self) -> str:
        return str(self.host.get_id())

    async def run(self, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
        """Connect, shake hands, join the topic and its mesh; then stay."""
        for protocol in PROTOCOLS:
            self.host.set_stream_handler(protocol, self._hear)
        info = NodeInfo(DomainType(bytes.fromhex(self.job["domain"])), "hostile", subnets=subnets_of([self.topic]))
        views = Views(lambda: info, lambda: frozenset({info.domain}))
        hands = Handshakes(self.host, self._key.private_key, views, lambda peer, told: None)
        async with self.host.run([self._listen]):
            await self.host.connect(self.target)
            with suppress(HandshakeError):
                await hands.greet(self.target.peer_id)
            await self.speak()
            task_status.started()
            await trio.sleep_forever()

    async def speak(self) -> None:
        """Open a gossip stream, and say what we listen to."""
        stream = await self.host.new_stream(self.target.peer_id, PROTOCOLS)
        assert isinstance(stream, NetStream)
        assert isinstance(stream.muxed_stream, MuxedStream)
        self._stream = stream.muxed_stream
        await self.rpc(Rpc([Subscription(self.topic, True)], control=Control(graft=[self.topic])))

    async def say(self, data: bytes, topic: str | None = None) -> None:
        """Publish what no router would."""
        message = encode.message(self.host.get_id().to_bytes(), data, os.urandom(8), topic or self.topic)
        await self.write(encode.message_frame(message.encoded))

    async def rpc(self, rpc: Rpc) -> None:
        await self.write(encode.frame(encode.rpc(rpc)))

    async def write(self, frame: bytes) -> None:
        """Write as the connection takes it; a stream that was closed on us is opened again."""
        assert self._stream is not None
        if self._stream.ended.is_set():
            await self.speak()
        stream = self._stream
        while not stream.writable and not stream.ended.is_set():  # noqa: ASYNC110 (a look each millisecond will do)
            await trio.sleep(0.001)
        if not stream.ended.is_set():
            stream.write_now(frame)
            stream.muxed_conn.flush()
        await trio.lowlevel.checkpoint()

    async def _hear(self, stream: INetStream) -> None:
        assert isinstance(stream, NetStream)
        muxed = stream.muxed_stream
        assert isinstance(muxed, MuxedStream)
        if not self.reads:
            await trio.sleep_forever()
        framer = Framer(MAX_RPC_BYTES)

        def came(chunk: bytes) -> None:
            for body in framer.feed(chunk):
                rpc = self._decoder.decode(body)
                self.heard.update(message_id(message.data) for message in rpc.messages)
                if rpc.control is not None:
                    self.asked["iwant"] += len(rpc.control.iwant)
                    self.asked["prune"] += len(rpc.control.prune)

        muxed.pipe_to(came)
        await muxed.ended.wait()
