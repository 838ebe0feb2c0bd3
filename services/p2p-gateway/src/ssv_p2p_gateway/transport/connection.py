"""A connection from the choice of the muxer on: the socket, Noise and Yamux, as one muxed connection of py-libp2p.

One task reads: each chunk of the socket is opened and cut into frames at once, then every stream that has changed is
told, then all that came to be sent goes out in one call. Sending needs no task unless the socket is full, and may be
done from asyncio.

Invariants: what is to be sent and does not fit into the socket is bounded: with more than `HIGH_WATER_BYTES` of it
nothing is read, and streams are not `writable`. A peer that answers no ping for `SILENCE_S` is let go. The handshake's
session is taken over before anything is read beyond the muxer's name, so no message is lost in between.

Not guaranteed: that what is written just before the end arrives.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import trio
from libp2p.abc import IMuxedConn, IMuxedStream, ISecureConn
from libp2p.connection_types import ConnectionType
from libp2p.peer.id import ID
from libp2p.stream_muxer.exceptions import MuxedConnUnavailable
from multiaddr import Multiaddr

from ssv_p2p_gateway.transport.noise_frames import NoiseError, Opener, Sealer
from ssv_p2p_gateway.transport.stream import MuxedStream
from ssv_p2p_gateway.transport.yamux import Session, Stream, YamuxError

READ_BYTES = 32 * 1024
"""At most this much is worked through before others have their turn: some 60 messages."""
HIGH_WATER_BYTES = 512 * 1024
SILENCE_S = 30.0
CLOSE_S = 2.0


@dataclass(slots=True)
class Meter:
    """Bytes on the wire, of all connections that share it."""

    sent: int = 0
    received: int = 0


class Connection(IMuxedConn):
    """Yamux over Noise over TCP. Lives in trio, but for `flush`."""

    def __init__(self, conn: ISecureConn, peer_id: ID, meter: Meter) -> None:
        """Take over a Noise session of py-libp2p on which nothing but the muxer was negotiated."""
        session: Any = conn  # its parts are not in the interface
        noise = session.conn.noise_state.noise_protocol
        self._stream: trio.SocketStream = session.conn.read_writer.read_write_closer.stream.stream
        self._opener = Opener(noise.cipher_state_decrypt.cipher.cipher, noise.cipher_state_decrypt.n)
        self._sealer = Sealer(noise.cipher_state_encrypt.cipher.cipher, noise.cipher_state_encrypt.n)
        self._ahead: bytes = session._drain(None)
        self._session = Session(initiator=conn.is_initiator, opened=self._opened)
        self._secured = conn
        self._token = trio.lowlevel.current_trio_token()
        self._wire = bytearray()
        self._is_full = False
        self._blocked = trio.Event()
        self._drained = trio.Event()
        self._accepted: deque[Stream] = deque()
        self._has_accepted = trio.Event()
        self._closed = trio.Event()
        self.peer_id = peer_id
        self.event_started = trio.Event()
        self.on_close: Callable[[], Awaitable[None]] | None = None
        self._meter = meter

    # as py-libp2p wants it

    @property
    def is_initiator(self) -> bool:
        """Whether we dialled."""
        return self._secured.is_initiator

    @property
    def is_established(self) -> bool:
        """Whether streams can be opened."""
        return self.event_started.is_set() and not self._closed.is_set()

    @property
    def is_closed(self) -> bool:
        """Whether it is over."""
        return self._closed.is_set()

    def get_transport_addresses(self) -> list[Multiaddr]:
        """Return the peer's address."""
        return self._secured.get_transport_addresses()

    def get_remote_address(self) -> tuple[str, int] | None:
        """Return the peer's IP address and port."""
        return self._secured.get_remote_address()

    def get_connection_type(self) -> ConnectionType:
        """Return that there is no relay."""
        return self._secured.get_connection_type()

    async def start(self) -> None:
        """Read and write until it is over."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._write_when_blocked)
                nursery.start_soon(self._look_for_life)
                self.event_started.set()
                await self._read()
                nursery.cancel_scope.cancel()
        finally:
            with trio.move_on_after(CLOSE_S) as scope:
                scope.shield = True  # whatever ends it, the peer is to hear of it
                await self._end()

    async def open_stream(self) -> IMuxedStream:
        """Open a stream. Raises MuxedConnUnavailable."""
        if self.is_closed:
            raise MuxedConnUnavailable("the connection is closed")
        stream = MuxedStream(self, self._session.open())
        self.flush()
        return stream

    async def accept_stream(self) -> IMuxedStream:
        """Wait for a stream of the peer. Raises MuxedConnUnavailable at the end."""
        while not self._accepted:
            if self.is_closed:
                raise MuxedConnUnavailable("the connection is closed")
            await self._has_accepted.wait()
        stream = self._accepted.popleft()
        if not self._accepted and not self.is_closed:
            self._has_accepted = trio.Event()
        return MuxedStream(self, stream)

    async def close(self) -> None:
        """Say that it ends, and end it."""
        if not self.is_closed:
            self._session.go_away()
            self.flush()
        await self._end()

    # for its streams

    @property
    def writable(self) -> bool:
        """Whether more should be written."""
        return len(self._wire) < HIGH_WATER_BYTES

    async def room(self) -> None:
        """Wait until more should be written, or the end."""
        while not self.writable and not self.is_closed:
            await self._drained.wait()

    def flush(self) -> None:
        """Send what there is, as far as the socket takes it now. May be called from asyncio, too."""
        plaintext = self._session.take()
        if not plaintext or self.is_closed:
            return
        self._wire += self._sealer.seal(plaintext)
        self._send()
        if self._wire and not self._is_full:
            self._is_full = True
            self._token.run_sync_soon(self._blocked.set)

    def _send(self) -> None:
        try:
            sent = os.write(self._stream.socket.fileno(), self._wire)
        except BlockingIOError:
            return
        except OSError:
            self._wire.clear()  # it is broken, which reading will tell
            return
        self._meter.sent += sent
        del self._wire[:sent]

    def _opened(self, stream: Stream) -> None:
        self._accepted.append(stream)
        self._has_accepted.set()

    # its tasks

    async def _read(self) -> None:
        try:
            self._session.feed(self._ahead)
            self.flush()
            while not self._session.gone_away:
                await self.room()
                chunk = await self._stream.receive_some(READ_BYTES)
                if not chunk:
                    return
                self._meter.received += len(chunk)
                self._session.feed(self._opener.feed(chunk))
                self.flush()
        except (NoiseError, YamuxError, trio.BrokenResourceError, trio.ClosedResourceError):
            return

    async def _write_when_blocked(self) -> None:
        while True:
            await self._blocked.wait()
            try:
                while self._wire:
                    await trio.lowlevel.wait_writable(self._stream.socket.fileno())
                    was_full = not self.writable
                    self._send()
                    if was_full and self.writable:
                        self._has_room()
            except (OSError, trio.ClosedResourceError):
                return  # reading will tell
            self._is_full, self._blocked = False, trio.Event()
            self._has_room()

    def _has_room(self) -> None:
        self._drained.set()
        self._drained = trio.Event()
        for stream in list(self._session.streams.values()):
            stream.changed()
        self.flush()

    async def _look_for_life(self) -> None:
        pings = 0
        while True:
            pings += 1
            self._session.ping(pings)
            self.flush()
            await trio.sleep(SILENCE_S)
            if self._session.pongs < pings:
                await trio.aclose_forcefully(self._stream)
                return

    async def _end(self) -> None:
        if self.is_closed:
            return
        self._closed.set()
        self._has_accepted.set()
        self._drained.set()
        self._session.end()
        self._wire.clear()
        await trio.aclose_forcefully(self._stream)
        if self.on_close is not None:
            await self.on_close()
