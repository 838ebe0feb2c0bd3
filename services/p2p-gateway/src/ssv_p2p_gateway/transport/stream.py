"""A stream of a connection, as py-libp2p's protocols use it, and as gossip does: without a task.

`pipe_to` hands over what comes as it comes; `write_now` sends as far as windows and socket go, and `writable` says
whether that is worth while.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING

import trio
from libp2p.abc import IMuxedStream
from libp2p.stream_muxer.exceptions import MuxedStreamClosed, MuxedStreamEOF, MuxedStreamReset

from ssv_p2p_gateway.transport.yamux import Stream

if TYPE_CHECKING:
    from ssv_p2p_gateway.transport.connection import Connection

WAITING_BYTES = 256 * 1024
"""What may wait for the peer's window before more should be written."""


class MuxedStream(IMuxedStream):
    """One stream. Lives in trio, but for `write_now`, `writable` and `flush`."""

    def __init__(self, connection: Connection, stream: Stream) -> None:
        self.muxed_conn: Connection = connection
        self.stream_id = stream.id
        self._stream = stream
        self._changed = trio.Event()
        self._sink: Callable[[bytes], None] | None = None
        self._on_room: Callable[[], None] | None = None
        self.ended = trio.Event()
        """Set when nothing more comes: closed by the peer, or reset by anybody."""
        stream.changed = self._on_change

    async def __aenter__(self) -> MuxedStream:
        """Return it."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        await self.close()

    # as py-libp2p wants it

    async def read(self, n: int | None = None) -> bytes:
        """Return up to `n` bytes, at least one; all up to the end with None.

        Raises:
            MuxedStreamEOF: the peer sends no more.
            MuxedStreamReset: the stream or its connection is over.
        """
        if n is None:
            return await self._read_all()
        await trio.lowlevel.checkpoint()
        while n and not self._stream.unread:
            self._raise_at_the_end()
            await self._change()
        data = self._stream.take(n)
        self.muxed_conn.flush()
        return data

    async def write(self, data: bytes) -> None:
        """Send all of it, waiting for windows and socket.

        Raises:
            MuxedStreamClosed: it was closed for writing.
            MuxedStreamReset: the stream or its connection is over.
        """
        await trio.lowlevel.checkpoint()
        self._check_writing()
        self._stream.write(data)
        self.muxed_conn.flush()
        while self._stream.waiting:
            await self._change()
            self._check_writing()
        await self.muxed_conn.room()

    async def close(self) -> None:
        """Say that nothing more is sent; reading goes on."""
        self._stream.close()
        self.muxed_conn.flush()
        await trio.lowlevel.checkpoint()

    async def reset(self) -> None:
        """End both directions."""
        self.reset_now()
        await trio.lowlevel.checkpoint()

    def set_deadline(self, ttl: int) -> None:
        """Not offered."""
        raise NotImplementedError

    def get_remote_address(self) -> tuple[str, int] | None:
        """Return the peer's IP address and port."""
        return self.muxed_conn.get_remote_address()

    # without a task

    def pipe_to(self, sink: Callable[[bytes], None] | None) -> None:
        """Hand over what came and what comes, once for each chunk of the socket; with None it waits again."""
        self._sink = sink
        self._on_change()
        self.muxed_conn.flush()

    def when_writable(self, on_room: Callable[[], None]) -> None:
        """Call this whenever more may be written."""
        self._on_room = on_room

    @property
    def writable(self) -> bool:
        """Whether more should be written now."""
        stream = self._stream
        return stream.waiting <= WAITING_BYTES and self.muxed_conn.writable and not stream.reset_by

    def write_now(self, data: bytes) -> None:
        """Send as far as it goes; `flush` the connection afterwards."""
        self._stream.write(data)

    def reset_now(self) -> None:
        """End both directions."""
        self._stream.reset()
        self._on_change()
        self.muxed_conn.flush()

    def _on_change(self) -> None:
        stream = self._stream
        if self._sink is not None:
            while stream.unread and not stream.reset_by:
                self._sink(stream.take(len(stream.unread)))
        if stream.closed_by_peer or stream.reset_by:
            self.ended.set()
        if self._on_room is not None and self.writable:
            self._on_room()
        self._changed.set()

    async def _change(self) -> None:
        if self._changed.is_set():
            self._changed = trio.Event()
        await self._changed.wait()

    def _raise_at_the_end(self) -> None:
        if self._stream.closed_by_peer:
            raise MuxedStreamEOF
        if self._stream.reset_by:
            raise MuxedStreamReset("the stream was reset, or the connection is over")

    def _check_writing(self) -> None:
        if self._stream.reset_by:
            raise MuxedStreamReset("the stream was reset, or the connection is over")
        if self._stream.closed_by_us and not self._stream.waiting:
            raise MuxedStreamClosed("the stream was closed")

    async def _read_all(self) -> bytes:
        parts = []
        try:
            while True:
                parts.append(await self.read(WAITING_BYTES))
        except MuxedStreamEOF:
            return b"".join(parts)
