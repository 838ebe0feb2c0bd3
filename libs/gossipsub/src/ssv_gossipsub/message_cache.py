"""Recent messages by id: what IHAVE tells of and IWANT gets.

Keyed by the network's message id, not by author and seqno: peers count a message that they ask for under one id and get
under another as a broken promise. Source: GossipSub v1.0, "Message Cache"; v1.1, "Spam Protection Measures" (IWANT).
Memory: `history_length` heartbeats, at most `max_bytes`; then the oldest go.
"""

from __future__ import annotations

from collections import deque

from ssv_gossipsub.ids import MessageId, PeerId


class CachedMessage:
    """A message as it is sent, and how often each peer got it by IWANT."""

    __slots__ = ("frame", "reached", "served", "topic")

    def __init__(self, topic: str, frame: bytes, reached: int) -> None:
        self.topic = topic
        self.frame = frame
        self.reached = reached
        """To how many peers it went at once."""
        self.served: dict[PeerId, int] = {}


class MessageCache:
    """The last heartbeats' messages, newest window first."""

    def __init__(self, history_length: int, history_gossip: int, max_bytes: int) -> None:
        self._length = history_length
        self._gossip = history_gossip
        self._max_bytes = max_bytes
        self._messages: dict[MessageId, CachedMessage] = {}
        self._windows: deque[dict[MessageId, str]] = deque([{}])
        self._bytes = 0

    def put(self, message_id: MessageId, message: CachedMessage) -> None:
        """Add a message to the window of now; one that is there is replaced."""
        known = self._messages.get(message_id)
        if known is None:
            self._windows[0][message_id] = message.topic
        else:
            self._bytes -= len(known.frame)
        self._messages[message_id] = message
        self._bytes += len(message.frame)
        while self._bytes > self._max_bytes and len(self._messages) > 1:
            self._drop_oldest()

    def get(self, message_id: MessageId) -> CachedMessage | None:
        """Return a message that is still here."""
        return self._messages.get(message_id)

    def gossip(self) -> dict[str, list[MessageId]]:
        """Return the ids of the last `history_gossip` windows by topic."""
        ids: dict[str, list[MessageId]] = {}
        for position, window in enumerate(self._windows):
            if position == self._gossip:
                break
            for message_id, topic in window.items():
                ids.setdefault(topic, []).append(message_id)
        return ids

    def shift(self) -> None:
        """Begin a new window; the last one goes when there are too many."""
        self._windows.appendleft({})
        if len(self._windows) > self._length:
            for message_id in self._windows.pop():
                self._forget(message_id)

    @property
    def stored_bytes(self) -> int:
        """How much the messages take."""
        return self._bytes

    def __len__(self) -> int:
        return len(self._messages)

    def _drop_oldest(self) -> None:
        for window in reversed(self._windows):
            if window:
                oldest = next(iter(window))
                del window[oldest]
                self._forget(oldest)
                return

    def _forget(self, message_id: MessageId) -> None:
        self._bytes -= len(self._messages.pop(message_id).frame)
