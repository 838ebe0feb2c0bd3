"""Yamux as a state machine: plaintext in, streams and frames out. No socket, no task, no clock.

Invariants: a peer that sends beyond a window, numbers streams wrongly or frames badly ends the session (YamuxError);
of each stream at most a window is held unread, of all together `MAX_UNREAD_BYTES`; a peer has at most
`MAX_REMOTE_STREAMS` streams open. What waits for a peer's window waits in the stream: it is for the writer not to
write more before that is gone.

Source: hashicorp/yamux spec.md; libp2p specs, yamux/README.md.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from ssv_p2p_gateway.transport.noise_frames import MAX_PLAINTEXT_BYTES

HEADER = struct.Struct("!BBHII")
FIRST_WINDOW_BYTES = 256 * 1024
MAX_WINDOW_BYTES = (1 << 32) - 1
MAX_FRAME_BYTES = MAX_PLAINTEXT_BYTES - HEADER.size
"""Of data in a frame of ours, so that it fills a Noise message."""
DATA, WINDOW_UPDATE, PING, GO_AWAY = range(4)
"""Types of frames."""
SYN, ACK, FIN, RST = 1, 2, 4, 8
"""Flags."""
MAX_REMOTE_STREAMS = 64
MAX_UNREAD_BYTES = 1024 * 1024


class YamuxError(Exception):
    """The peer breaks the rules; the session is of no further use."""


def frame(kind: int, flags: int, stream: int, length: int) -> bytes:
    """Return a frame's header, which but for data is all of it."""
    return HEADER.pack(0, kind, flags, stream, length)


class Stream:
    """One stream. `changed` is called after there is something to read, room to write, or an end."""

    __slots__ = ("_credit", "_fin_due", "_pending", "_session", "changed", "closed_by_peer", "closed_by_us", "id",
                 "receive_window", "reset_by", "send_window", "unread")  # fmt: skip

    def __init__(self, session: Session, stream_id: int) -> None:
        self._session = session
        self.id = stream_id
        self.changed: Callable[[], None] = _nothing
        self.unread = bytearray()
        self.send_window = FIRST_WINDOW_BYTES
        self.receive_window = FIRST_WINDOW_BYTES
        self.closed_by_us = False
        self.closed_by_peer = False
        self.reset_by: str | None = None
        self._credit = 0
        self._pending = bytearray()
        self._fin_due = False

    @property
    def waiting(self) -> int:
        """How many bytes wait for the peer's window."""
        return len(self._pending)

    def write(self, data: bytes) -> None:
        """Send as far as the window goes; the rest waits. Nothing is sent on a stream that is closed or reset."""
        if self.closed_by_us or self.reset_by:
            return
        if self._pending:
            self._pending += data
        else:
            sent = self._send(data)
            self._pending += data[sent:]

    def take(self, most: int) -> bytes:
        """Return what was received, and give the peer its window back."""
        taken = bytes(self.unread[:most])
        del self.unread[:most]
        if self._session.streams.get(self.id) is not self:
            return taken
        self._session.unread -= len(taken)
        self._credit += len(taken)
        if self._credit >= FIRST_WINDOW_BYTES // 2 and not self.closed_by_peer:
            self.receive_window += self._credit
            self._session.send(frame(WINDOW_UPDATE, 0, self.id, self._credit))
            self._credit = 0
        return taken

    def close(self) -> None:
        """Say that nothing more is sent, after what waits."""
        if self.closed_by_us or self.reset_by:
            return
        self.closed_by_us = True
        self._fin_due = True
        self._finish()

    def reset(self) -> None:
        """End both directions at once."""
        if self.reset_by is None and self._session.streams.get(self.id) is self:
            self._session.send(frame(WINDOW_UPDATE, RST, self.id, 0))
            self.ended("us")

    def granted(self, window: int) -> None:
        """The peer takes more."""
        self.send_window = min(self.send_window + window, MAX_WINDOW_BYTES)
        if self._pending and window:
            del self._pending[: self._send(self._pending)]
            self._finish()

    def ended(self, by: str) -> None:
        """It was reset, or its session is over."""
        self.reset_by = by
        self._pending.clear()
        self._session.forget(self)

    def peer_closed(self) -> None:
        """The peer sends nothing more."""
        self.closed_by_peer = True
        self._forget_when_over()

    def _send(self, data: bytes | bytearray) -> int:
        """Send up to the window; return how much."""
        total = min(len(data), self.send_window)
        for start in range(0, total, MAX_FRAME_BYTES):
            piece = data[start : min(start + MAX_FRAME_BYTES, total)]
            self._session.send(frame(DATA, 0, self.id, len(piece)) + piece)
        self.send_window -= total
        return total

    def _finish(self) -> None:
        if self._fin_due and not self._pending:
            self._fin_due = False
            self._session.send(frame(WINDOW_UPDATE, FIN, self.id, 0))
            self._forget_when_over()

    def _forget_when_over(self) -> None:
        if self.closed_by_peer and self.closed_by_us and not self._fin_due:
            self._session.forget(self)


class Session:
    """All streams of one connection."""

    def __init__(self, *, initiator: bool, opened: Callable[[Stream], None]) -> None:
        """`opened` is told of the peer's streams."""
        self.streams: dict[int, Stream] = {}
        self.unread = 0
        """Bytes that nobody has taken yet, of all streams."""
        self.gone_away = False
        """Whether the peer said that it ends the session."""
        self.pongs = 0
        self._opened = opened
        self._next_id = 1 if initiator else 2
        self._remote_streams = 0
        self._out: list[bytes] = []
        self._kept = b""
        self._body_left = 0
        self._body_of: Stream | None = None
        self._body_fin = False
        self._touched: dict[Stream, None] = {}

    # ours

    def open(self) -> Stream:
        """Open a stream."""
        stream = self.streams[self._next_id] = Stream(self, self._next_id)
        self._next_id += 2
        self.send(frame(WINDOW_UPDATE, SYN, stream.id, 0))
        return stream

    def ping(self, value: int) -> None:
        """Ask for a sign of life; `pongs` counts the answers."""
        self.send(frame(PING, SYN, 0, value))

    def go_away(self) -> None:
        """Say that the session ends."""
        self.send(frame(GO_AWAY, 0, 0, 0))

    def end(self) -> None:
        """The connection is gone."""
        for stream in list(self.streams.values()):
            stream.ended("connection")
            stream.changed()

    def send(self, frames: bytes) -> None:
        """Add to what is to be sent."""
        self._out.append(frames)

    def take(self) -> bytes:
        """Return what is to be sent."""
        out = b"".join(self._out)
        self._out.clear()
        return out

    def forget(self, stream: Stream) -> None:
        """A stream is over in both directions; what it holds unread counts no longer."""
        if self.streams.pop(stream.id, None) is not None:
            self.unread -= len(stream.unread)
            if stream.id % 2 != self._next_id % 2:
                self._remote_streams -= 1

    # the peer's

    def feed(self, data: bytes) -> None:
        """Take plaintext; afterwards each stream that has changed is told once. Raises YamuxError."""
        if self._kept:
            data = self._kept + data
            self._kept = b""
        position, end = 0, len(data)
        while position < end:
            if self._body_left:
                stop = min(position + self._body_left, end)
                self._body(data[position:stop])
                position = stop
            elif end - position < HEADER.size:
                self._kept = data[position:]
                break
            else:
                self._header(*HEADER.unpack_from(data, position))
                position += HEADER.size
        touched = list(self._touched)
        self._touched.clear()
        for stream in touched:
            stream.changed()

    def _header(self, version: int, kind: int, flags: int, stream_id: int, length: int) -> None:
        if version != 0:
            raise YamuxError(f"version {version}")
        if kind <= WINDOW_UPDATE:
            self._stream_frame(kind, flags, stream_id, length)
        elif kind == PING:
            if flags & SYN:
                self.send(frame(PING, ACK, 0, length))
            elif flags & ACK:
                self.pongs += 1
        elif kind == GO_AWAY:
            self.gone_away = True
        else:
            raise YamuxError(f"a frame of type {kind}")

    def _stream_frame(self, kind: int, flags: int, stream_id: int, length: int) -> None:
        if flags & SYN:
            self._accept(stream_id)
        stream = self.streams.get(stream_id)
        if stream is not None:
            self._touched[stream] = None
        if kind == DATA:
            if stream is not None:
                stream.receive_window -= length
                if stream.receive_window < 0 or stream.closed_by_peer:
                    raise YamuxError("data beyond the window or the end of its stream")
            elif length > FIRST_WINDOW_BYTES:
                raise YamuxError("data beyond any window")
            self._body_left, self._body_of = length, stream
        elif stream is not None:
            stream.granted(length)
        if stream is None:
            return
        if flags & RST:
            stream.ended("peer")
        elif flags & FIN:
            if self._body_left:
                self._body_fin = True
            else:
                stream.peer_closed()

    def _accept(self, stream_id: int) -> None:
        if stream_id == 0 or stream_id % 2 == self._next_id % 2 or stream_id in self.streams:
            raise YamuxError(f"stream {stream_id} cannot be opened by the peer")
        if self._remote_streams >= MAX_REMOTE_STREAMS:
            self.send(frame(WINDOW_UPDATE, RST, stream_id, 0))
            return
        self._remote_streams += 1
        stream = self.streams[stream_id] = Stream(self, stream_id)
        self.send(frame(WINDOW_UPDATE, ACK, stream_id, 0))
        self._opened(stream)

    def _body(self, piece: bytes) -> None:
        stream = self._body_of
        self._body_left -= len(piece)
        if stream is not None and self.streams.get(stream.id) is stream:
            stream.unread += piece
            self.unread += len(piece)
            self._touched[stream] = None
            if self.unread > MAX_UNREAD_BYTES:
                self._make_room()
        if not self._body_left:
            if self._body_fin and stream is not None and not stream.reset_by:
                stream.peer_closed()
            self._body_fin, self._body_of = False, None

    def _make_room(self) -> None:
        """Reset the stream that holds most: nobody reads it."""
        worst = max(self.streams.values(), key=lambda stream: len(stream.unread))
        worst.reset()
        self._touched[worst] = None


def _nothing() -> None:
    pass
