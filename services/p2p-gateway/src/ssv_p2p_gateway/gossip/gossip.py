"""The router at work: bytes of peers to the router and the gate, the router's frames to peers, a heartbeat.

Each peer has two streams, one for each direction, as pubsub wants it. Ours is opened as soon as there is a connection
and again when it ends while the connection lives; a peer is heard once ours is open. Of a peer's streams the last one
opened counts.

Invariants: nothing of a peer reaches the gate but through the router, nothing reaches other peers but by the gate's
verdict; what waits for a peer waits in the router, bounded, until its stream takes it; bytes that are no RPC end the
stream and count against the peer. Everything but the tasks may be called from asyncio as well.

Source: libp2p specs, pubsub/README.md and pubsub/gossipsub.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from typing import Protocol as Interface

import trio
from libp2p.abc import IHost, INetConn, INetStream
from libp2p.custom_types import TProtocol
from libp2p.peer.id import ID
from libp2p.rcmgr import Direction
from structlog.typing import FilteringBoundLogger

from ssv_gossipsub import DecodeError, Framer, PeerId, Protocol, Published, Router, RpcDecoder, Verdict
from ssv_gossipsub.wire.rpc import Rpc, Subscription
from ssv_p2p_gateway.addresses import ip_addresses
from ssv_p2p_gateway.gossip.link import Link
from ssv_p2p_gateway.gossip.parameters import HEARTBEAT_S, MAX_RPC_BYTES, WIRE_LIMITS
from ssv_p2p_gateway.transport.stream import MuxedStream
from ssv_protocol.validation.verdict import Accept, GossipVerdict, Reject

PROTOCOLS = [TProtocol(protocol.value) for protocol in (Protocol.V1_2, Protocol.V1_1, Protocol.V1_0)]
READ_BYTES = 64 * 1024
WRITE_BYTES = 256 * 1024
OPEN_TIMEOUT_S = 10.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 30.0
STEADY_S = 5.0
"""A stream that lived so long is opened again at once."""


class Gate(Interface):
    """Who decides about a message of a peer, and takes it when it is good."""

    def came(
        self, topics: Sequence[str], data: bytes, author: bytes, *, signed: bool, peer: bytes = b""
    ) -> GossipVerdict:
        """Tell what to do with it. Never raises."""


class Gossip:
    """A router with its streams."""

    def __init__(
        self,
        host: IHost,
        router: Router,
        topics: Collection[str],
        gate: Gate,
        log: FilteringBoundLogger,
        after_heartbeat: Callable[[], None],
        nursery: trio.Nursery,
    ) -> None:
        """To be made in trio; `topics` are all that peers may have, `after_heartbeat` may look at the router."""
        self.router = router
        self._max_topics = len(topics)
        self._host = host
        self._gate = gate
        self._log = log
        self._after_heartbeat = after_heartbeat
        self._nursery = nursery
        self._links: dict[PeerId, Link] = {}
        self._decoder = RpcDecoder(WIRE_LIMITS)
        for protocol in PROTOCOLS:
            host.set_stream_handler(protocol, self._hear)

    # what the application wants

    def listen_to(self, topics: Collection[str]) -> None:
        """Subscribe these topics and no others."""
        now = time.monotonic()
        for topic in self.topics - set(topics):
            self.router.unsubscribe(topic, now)
        for topic in sorted(set(topics) - self.topics):
            self.router.subscribe(topic, now)
        self._flush()

    @property
    def topics(self) -> set[str]:
        """What is subscribed."""
        return set(self.router.mesh.topics)

    def publish(self, topic: str, data: bytes) -> Published:
        """Send an own message."""
        published = self.router.publish(topic, data, time.monotonic())
        self._flush()
        return published

    # peers

    async def beat(self) -> None:
        """Do what is due in each heartbeat, until cancelled."""
        due = trio.current_time()
        while True:
            due = max(due + HEARTBEAT_S, trio.current_time())
            await trio.sleep_until(due)
            self.router.heartbeat(time.monotonic())
            self._flush()
            self._after_heartbeat()

    def connected(self, peer_id: ID) -> None:
        """There is a connection to a peer: speak to it."""
        self._link(peer_id)

    def _link(self, peer_id: ID) -> Link:
        peer = PeerId(peer_id.to_bytes())
        link = self._links.get(peer)
        if link is None:
            link = self._links[peer] = Link(peer_id, self._max_topics)
            self._nursery.start_soon(self._keep_speaking, link)
        return link

    def _connections(self, peer_id: ID) -> list[INetConn]:
        return [one for one in self._host.get_network().get_connections(peer_id) if not one.is_closed]

    # our stream to a peer

    async def _keep_speaking(self, link: Link) -> None:
        """Have a stream open to a peer for as long as there is a connection."""
        pause_s = FIRST_PAUSE_S
        try:
            while self._connections(link.peer_id):
                begun = trio.current_time()
                await self._speak(link)
                if trio.current_time() - begun > STEADY_S:
                    pause_s = FIRST_PAUSE_S
                await trio.sleep(pause_s)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        finally:
            del self._links[link.peer]
            link.end()

    async def _speak(self, link: Link) -> None:
        """Open a stream and write to it until it ends."""
        try:
            with trio.fail_after(OPEN_TIMEOUT_S):
                stream = await self._host.new_stream(link.peer_id, PROTOCOLS)
        except Exception as error:  # the library raises many kinds
            self._log.debug("a peer takes no gossip stream", peer=str(link.peer_id), error=repr(error))
            return
        self._introduce(link, stream)
        try:
            if link.pipe is not None:
                await link.pipe.ended.wait()
            else:
                await self._write(link, stream)
        finally:
            link.is_not_known()
            self.router.disconnected(link.peer, time.monotonic())
            await _reset(stream)

    def _introduce(self, link: Link, stream: INetStream) -> None:
        connection = getattr(stream, "swarm_conn", None)
        self.router.connected(
            link.peer,
            Protocol(stream.get_protocol()),
            outbound=getattr(connection, "direction", None) == Direction.OUTBOUND,
            addresses=ip_addresses(connection.get_transport_addresses() if connection else []),
        )
        self._replay(link, link.subscriptions())
        muxed = getattr(stream, "muxed_stream", None)
        if isinstance(muxed, MuxedStream):
            link.pipe = muxed
            muxed.pipe_to(_ignore)  # nobody writes to us there
            muxed.when_writable(lambda: self._send(link))
        link.is_known()
        self._flush()

    async def _write(self, link: Link, stream: INetStream) -> None:
        # the library's mplex cannot read and write at once: that a stream has ended is found out in writing
        while self._connections(link.peer_id):
            frames = self.router.take(link.peer, WRITE_BYTES)
            if not frames:
                with trio.move_on_after(HEARTBEAT_S):
                    await link.something_to_send()
                continue
            try:
                await stream.write(b"".join(frames))
            except Exception as error:  # the library raises many kinds
                self._log.debug("a peer's gossip stream broke", peer=str(link.peer_id), error=repr(error))
                return

    # a peer's stream to us

    async def _hear(self, stream: INetStream) -> None:
        link = self._link(stream.muxed_conn.peer_id)
        before, link.heard_on = link.heard_on, stream
        self._replay(link, link.forget())
        try:
            if before is not None:
                await _reset(before)
            await self._read(link, stream)
        finally:
            if link.heard_on is stream:
                link.heard_on = None
                self._replay(link, link.forget())
            await _reset(stream)

    async def _read(self, link: Link, stream: INetStream) -> None:
        framer = Framer(MAX_RPC_BYTES)
        muxed = getattr(stream, "muxed_stream", None)
        if isinstance(muxed, MuxedStream):
            ear = muxed
            await link.hear(ear, lambda chunk: None if self._take(link, framer, chunk) else ear.reset_now())
            return
        while True:
            await link.known.wait()
            try:
                chunk = await stream.read(READ_BYTES)
            except Exception as error:  # the library raises many kinds
                self._log.debug("a peer's gossip stream ended", peer=str(link.peer_id), error=repr(error))
                return
            if not chunk or link.ended or link.heard_on is not stream:
                return
            if not self._take(link, framer, chunk):
                return

    def _take(self, link: Link, framer: Framer, chunk: bytes) -> bool:
        """Take what a peer's stream gave; False when that is nothing that a peer may send."""
        try:
            self._feed(link, framer, chunk)
        except DecodeError as error:
            self.router.penalise(link.peer)
            self._log.debug("a peer sent what is no RPC", peer=str(link.peer_id), error=str(error))
            return False
        finally:
            self._flush()
        return True

    def _feed(self, link: Link, framer: Framer, chunk: bytes) -> None:
        """Take what a peer's stream gave. Raises DecodeError."""
        router, peer = self.router, link.peer
        now = time.monotonic()
        for body in framer.feed(chunk):
            if router.graylisted(peer):
                continue
            rpc = self._decoder.decode(body)
            if rpc.subscriptions:
                link.said(rpc.subscriptions[: self._max_topics + 1])
            for message_id, message, *_ in router.receive(peer, rpc, now):
                verdict = self._gate.came((message.topic,), message.data, message.author, signed=False, peer=peer)
                router.decide(message_id, for_router(verdict), now)

    def _replay(self, link: Link, subscriptions: Sequence[Subscription]) -> None:
        if subscriptions:
            self.router.receive(link.peer, Rpc(subscriptions), time.monotonic())

    # output

    def _flush(self) -> None:
        for peer in self.router.ready:
            link = self._links.get(peer)
            if link is None:
                continue
            if link.pipe is not None:
                self._send(link)
            else:
                link.wake()

    def _send(self, link: Link) -> None:
        """Write what waits for a peer as long as its stream takes it."""
        pipe = link.pipe
        while pipe is not None and pipe.writable and (frames := self.router.take(link.peer, WRITE_BYTES)):
            pipe.write_now(b"".join(frames))
            pipe.muxed_conn.flush()


def _ignore(_chunk: bytes) -> None:
    pass


def for_router(verdict: GossipVerdict) -> Verdict:
    """Return what becomes of a message among peers: what is for our workers alone is ignored there."""
    if isinstance(verdict, Accept):
        return Verdict.ACCEPT if verdict.forward else Verdict.IGNORE
    return Verdict.REJECT if isinstance(verdict, Reject) else Verdict.IGNORE


async def _reset(stream: INetStream) -> None:
    with trio.move_on_after(1) as scope:
        scope.shield = True  # it is also done when all this is cancelled
        await stream.reset()
