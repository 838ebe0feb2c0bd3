"""Noise messages after the handshake: two bytes of length, then up to 65,535 bytes of ChaCha20-Poly1305.

Invariants: each side's nonce counts its messages; a message that does not open ends the connection; at most one
unfinished message is held. Source: libp2p specs, noise/README.md, "Wire Format"; Noise Protocol Framework, §5.1.
"""

from __future__ import annotations

import struct
from typing import Protocol

from cryptography.exceptions import InvalidTag

_LENGTH_BYTES, _TAG_BYTES = 2, 16
MAX_PLAINTEXT_BYTES = 65_535 - _TAG_BYTES
_nonce = struct.Struct("<4xQ").pack


class NoiseError(Exception):
    """What came is no message of the other side."""


class Aead(Protocol):
    """A cipher with a key, as `cryptography` has it."""

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes:
        """Return ciphertext and tag."""

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes:
        """Return the plaintext; raises InvalidTag."""


class Opener:
    """Messages of the other side to plaintext."""

    def __init__(self, cipher: Aead, count: int) -> None:
        """`count` messages were opened before."""
        self._decrypt = cipher.decrypt
        self._count = count
        self._kept = bytearray()
        self._wanted = 0

    def feed(self, chunk: bytes) -> bytes:
        """Take what the socket gave; return the plaintext of the messages that it completes. Raises NoiseError."""
        if self._kept:
            self._kept += chunk
            if len(self._kept) < self._wanted:  # a message in many chunks is looked at twice, not at each chunk
                return b""
            chunk = bytes(self._kept)
            self._kept.clear()
        parts = []
        position, end, count = 0, len(chunk), self._count
        self._wanted = _LENGTH_BYTES
        while end - position >= _LENGTH_BYTES:
            stop = position + _LENGTH_BYTES + (chunk[position] << 8 | chunk[position + 1])
            if stop > end:
                self._wanted = stop - position
                break
            try:
                parts.append(self._decrypt(_nonce(count), chunk[position + _LENGTH_BYTES : stop], None))
            except InvalidTag:
                raise NoiseError("a message does not open") from None
            count += 1
            position = stop
        self._count = count
        if position < end:
            self._kept += chunk[position:]
        return parts[0] if len(parts) == 1 else b"".join(parts)


class Sealer:
    """Plaintext to messages."""

    def __init__(self, cipher: Aead, count: int) -> None:
        """`count` messages were sealed before."""
        self._encrypt = cipher.encrypt
        self._count = count

    def seal(self, plaintext: bytes) -> bytes:
        """Return the messages that carry the plaintext, in order."""
        parts: list[bytes] = []
        for start in range(0, len(plaintext), MAX_PLAINTEXT_BYTES):
            piece = plaintext[start : start + MAX_PLAINTEXT_BYTES]
            sealed = self._encrypt(_nonce(self._count), piece, None)
            self._count += 1
            parts += (len(sealed).to_bytes(_LENGTH_BYTES, "big"), sealed)
        return b"".join(parts)
