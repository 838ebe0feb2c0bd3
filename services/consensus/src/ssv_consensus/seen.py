"""Which messages have been taken already, by SHA-256 of their bytes."""

from __future__ import annotations

from hashlib import sha256

SEEN_LIMIT = 20_000


class SeenMessages:
    """Remembers the last `limit` different messages."""

    def __init__(self, limit: int = SEEN_LIMIT) -> None:
        self._limit = limit
        self._digests: dict[bytes, None] = {}

    def is_new(self, encoded: bytes) -> bool:
        """Tell whether a message is seen for the first time, and remember it."""
        digest = sha256(encoded).digest()
        if digest in self._digests:
            return False
        self._digests[digest] = None
        if len(self._digests) > self._limit:
            del self._digests[next(iter(self._digests))]
        return True
