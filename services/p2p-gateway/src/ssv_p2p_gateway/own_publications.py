"""What this gateway has sent of its operator's messages, so that a request that comes again costs nothing.

A worker that hears nothing for a while asks again. Under load the answer is only late: to validate and send the
message once more would make the load worse.

Not guaranteed: that a message was read by those it went to; gossip itself repeats nothing either.
"""

from __future__ import annotations

from hashlib import sha256

REMEMBERED = 4096


class OwnPublications:
    """The last `limit` messages that were handed to peers."""

    def __init__(self, limit: int = REMEMBERED) -> None:
        self._limit = limit
        self._sent: dict[bytes, int] = {}

    def of(self, topic: str, data: bytes) -> int:
        """Return how many peers an earlier publication went to; 0 without one."""
        return self._sent.get(_key(topic, data), 0)

    def add(self, topic: str, data: bytes, peers: int) -> None:
        """Remember a publication that went to peers; the oldest is forgotten when there are too many."""
        self._sent[_key(topic, data)] = peers
        if len(self._sent) > self._limit:
            del self._sent[next(iter(self._sent))]


def _key(topic: str, data: bytes) -> bytes:
    return sha256(topic.encode() + b"\0" + data).digest()
