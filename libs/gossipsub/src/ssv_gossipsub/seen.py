"""Ids of messages that came before, for a time and up to a number.

Source: GossipSub v1.0, "Message Cache" (seen, seen_ttl). The time runs from the first copy; of more than the number,
the oldest are forgotten.
"""

from __future__ import annotations

from ssv_gossipsub.ids import MessageId


class SeenCache:
    """A dict keeps the order of insertion, which is the order of expiry. Times are shared objects: one a heartbeat."""

    def __init__(self, ttl_s: float, capacity: int) -> None:
        self._ttl_s = ttl_s
        self._capacity = capacity
        self._until: dict[MessageId, float] = {}
        self._stamp = 0.0

    def __contains__(self, message_id: object) -> bool:
        return message_id in self._until

    def __len__(self) -> int:
        return len(self._until)

    def add(self, message_id: MessageId) -> None:
        """Remember a message from the last `advance` on."""
        self._until.setdefault(message_id, self._stamp)
        if len(self._until) > self._capacity:
            del self._until[next(iter(self._until))]

    def advance(self, now: float) -> None:
        """Forget what is over; to be called once a heartbeat."""
        self._stamp = now + self._ttl_s
        while self._until:
            oldest = next(iter(self._until))
            if self._until[oldest] > now:
                break
            del self._until[oldest]
