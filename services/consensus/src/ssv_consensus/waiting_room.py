"""Messages of duties that have not begun here yet, kept for them.

Each sender has a limit of its own, so that a member who says too much crowds out nobody but itself.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable

from ssv_protocol.effects import Received
from ssv_protocol.runners.early import sender_of
from ssv_protocol.types.ids import Instant, MessageId, OperatorId, Slot

SENDER_LIMIT = 500

DutyKey = tuple[MessageId, Slot]
"""A duty's name: the id of its messages, and its slot."""
Kept = tuple[Received, Instant | None]
"""A message, and when the gateway had it."""


class WaitingRoom:
    """Keeps messages by duty; beyond `limit` messages of a sender its oldest goes."""

    def __init__(self, limit: int = SENDER_LIMIT) -> None:
        self._kept: dict[OperatorId | None, deque[tuple[int, DutyKey, Kept]]] = defaultdict(lambda: deque(maxlen=limit))
        self._number = 0

    def put(self, key: DutyKey, message: Received, came_at: Instant | None) -> None:
        """Keep a message; decisions, whoever sends them, have one limit together."""
        self._number += 1
        self._kept[sender_of(message.signed)].append((self._number, key, (message, came_at)))

    def take(self, key: DutyKey) -> list[Kept]:
        """Hand out a duty's messages, in the order in which they came."""
        taken = sorted(
            ((number, kept) for queue in self._kept.values() for number, its_key, kept in queue if its_key == key),
            key=lambda item: item[0],
        )
        self.forget(lambda its_key: its_key == key)
        return [kept for _, kept in taken]

    def forget(self, is_over: Callable[[DutyKey], bool]) -> None:
        """Drop the messages of duties for which nothing waits any more."""
        for queue in self._kept.values():
            left = [item for item in queue if not is_over(item[1])]
            queue.clear()
            queue.extend(left)
