"""What this gateway has sent of its operator's messages, so that a request that comes again costs nothing.

A worker that hears nothing for a while asks again. Under load the answer is only late: to validate and send the
message once more would make the load worse.

Not guaranteed: that a message was read by those it went to; gossip itself repeats nothing either.
"""

from __future__ import annotations

import asyncio
from hashlib import sha256

REMEMBERED = 4096


class OwnPublications:
    """The last `limit` messages that were handed to peers, or are on their way."""

    def __init__(self, limit: int = REMEMBERED) -> None:
        self._limit = limit
        self._sent: dict[bytes, asyncio.Future[int]] = {}

    def of(self, topic: str, data: bytes) -> asyncio.Future[int] | None:
        """Return the peer count of an earlier publication; None without one that reached or may reach a peer."""
        key = _key(topic, data)
        sent = self._sent.get(key)
        if sent is None or (sent.done() and (sent.cancelled() or sent.exception() is not None or not sent.result())):
            self._sent.pop(key, None)
            return None
        return sent

    def add(self, topic: str, data: bytes, sent: asyncio.Future[int]) -> None:
        """Remember a publication; the oldest is forgotten when there are too many."""
        self._sent[_key(topic, data)] = sent
        if len(self._sent) > self._limit:
            del self._sent[next(iter(self._sent))]


def _key(topic: str, data: bytes) -> bytes:
    return sha256(topic.encode() + b"\0" + data).digest()
