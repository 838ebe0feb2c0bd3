"""A peer that makes load: raw gossip on real connections, as cheap as can be."""

from __future__ import annotations

import os
import time
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
from ssv_p2p_gateway.host import make_host
from ssv_p2p_gateway.transport.stream import MuxedStream

_PUBLISH = 0x12


class LoadPeer:
    """Subscribes one topic, grafts, says what it is given, and counts what it hears."""

    def __init__(self, topic: str) -> None:
        self.heard = 0
        self.notes_arrivals = False
        """Whether it decodes what it hears, which costs more than all else here."""
        self.arrivals: dict[bytes, float] = {}
        self._topic = topic
        self._listen = listen_address("/ip4/127.0.0.1/tcp/0")
        self._host = make_host(create_new_key_pair(), self._listen)
        self._decoder = RpcDecoder(WIRE_LIMITS)
        self._stream: MuxedStream

    async def run(self, address: str, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
        """Stay connected until cancelled; started when the peer at `address` was greeted."""
        for protocol in PROTOCOLS:
            self._host.set_stream_handler(protocol, self._hear)
        async with self._host.run([self._listen]):
            info = peer_address(address)
            await self._host.connect(info)
            stream = await self._host.new_stream(info.peer_id, PROTOCOLS[1:])
            assert isinstance(stream, NetStream)
            assert isinstance(stream.muxed_stream, MuxedStream)
            self._stream = stream.muxed_stream
            hello = Rpc([Subscription(self._topic, True)], control=Control(graft=[self._topic]))
            self._write(encode.frame(encode.rpc(hello)))
            task_status.started()
            await trio.sleep_forever()

    async def say_all(self, messages: list[bytes]) -> None:
        """Say messages as fast as the connection takes them."""
        for data in messages:
            while not self._stream.writable:  # noqa: ASYNC110 (a look each millisecond will do)
                await trio.sleep(0.001)
            self.say(data)
            await trio.lowlevel.checkpoint()

    def say(self, data: bytes) -> None:
        """Say a message."""
        message = encode.message(self._host.get_id().to_bytes(), data, os.urandom(8), self._topic)
        self._write(encode.message_frame(message.encoded))

    def _write(self, frame: bytes) -> None:
        self._stream.write_now(frame)
        self._stream.muxed_conn.flush()

    async def _hear(self, stream: INetStream) -> None:
        framer = Framer(MAX_RPC_BYTES)

        def came(chunk: bytes) -> None:
            now = time.perf_counter()
            for body in framer.feed(chunk):
                if body and body[0] == _PUBLISH:
                    self.heard += 1
                    if self.notes_arrivals:
                        for message in self._decoder.decode(body).messages:
                            self.arrivals.setdefault(message.data, now)

        assert isinstance(stream, NetStream)
        muxed = stream.muxed_stream
        if isinstance(muxed, MuxedStream):
            muxed.pipe_to(came)
            await muxed.ended.wait()
