"""Frames out of a stream of bytes: each RPC has its length in front, as a varint.

Holds at most one unfinished frame, and nothing of one that announces more than the limit.
Source: pubsub specification, "The RPC" (varint-delimited).
"""

from __future__ import annotations

from ssv_gossipsub.errors import DecodeError

_MAX_LENGTH_BYTES = 5


class Framer:
    """Cuts chunks of any size into frames."""

    def __init__(self, max_frame_bytes: int) -> None:
        self._most = max_frame_bytes
        self._kept = bytearray()
        self._wanted = 0  # bytes that the unfinished frame needs in all; 0: not known

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take what the stream gave; return the frames that it completes, without their lengths.

        Raises DecodeError when a frame would exceed the limit; the stream is then of no further use.
        """
        if self._kept:
            self._kept += chunk
            if len(self._kept) < self._wanted:  # a large frame in many chunks is looked at twice, not at each chunk
                return []
            chunk = bytes(self._kept)
            self._kept.clear()
        frames = []
        position, end = 0, len(chunk)
        self._wanted = 0
        while position < end:
            length = self._length(chunk, position)
            if length is None:
                break
            start, frame_bytes = length
            stop = start + frame_bytes
            if stop > end:
                self._wanted = stop - position
                break
            frames.append(chunk[start:stop])
            position = stop
        if position < end:
            self._kept += chunk[position:]
        return frames

    def _length(self, chunk: bytes, position: int) -> tuple[int, int] | None:
        """Return where the frame begins and how long it is, None when more bytes are needed."""
        value = shift = 0
        for at in range(position, min(position + _MAX_LENGTH_BYTES, len(chunk))):
            byte = chunk[at]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                if value > self._most:
                    raise DecodeError(f"a frame of {value} bytes, {self._most} are allowed")
                return at + 1, value
            shift += 7
        if len(chunk) - position >= _MAX_LENGTH_BYTES:
            raise DecodeError("a length of more than 5 bytes")
        return None
