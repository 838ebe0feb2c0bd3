"""A gossip network without sockets: encoded messages from one operator to all others.

What happens on the way is decided by a `Link`: a delay, several for a duplicated message, none for a lost one.
A sender does not receive its own messages; its node feeds them back itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from ssv_protocol.types.ids import OperatorId

Deliver = Callable[[bytes], None]
Link = Callable[[OperatorId, OperatorId], Sequence[float]]
"""From (sender, receiver) to the delays in seconds of the copies that arrive."""


def perfect_link(sender: OperatorId, receiver: OperatorId) -> Sequence[float]:
    """Deliver every message once, at once."""
    return (0.0,)


class MemoryNetwork:
    """Delivers each published message to every other operator that has joined, later on the event loop."""

    def __init__(self, link: Link = perfect_link) -> None:
        self._link = link
        self._members: dict[OperatorId, Deliver] = {}
        self.messages = 0
        self.bytes = 0

    def join(self, operator_id: OperatorId, deliver: Deliver) -> None:
        """Let an operator receive."""
        self._members[operator_id] = deliver

    def leave(self, operator_id: OperatorId) -> None:
        """Stop an operator from receiving; what it has published is still delivered."""
        self._members.pop(operator_id, None)

    def publish(self, sender: OperatorId, encoded: bytes) -> None:
        """Send to all others."""
        for receiver in list(self._members):
            if receiver != sender:
                self.send(sender, receiver, encoded)

    def send(self, sender: OperatorId, receiver: OperatorId, encoded: bytes) -> None:
        """Send to one other, which an honest operator never does."""
        self.messages += 1
        self.bytes += len(encoded)
        for delay_s in self._link(sender, receiver):
            asyncio.get_running_loop().call_later(delay_s, self._deliver, receiver, encoded)

    def _deliver(self, receiver: OperatorId, encoded: bytes) -> None:
        deliver = self._members.get(receiver)
        if deliver is not None:
            deliver(encoded)
