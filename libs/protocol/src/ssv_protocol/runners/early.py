"""Messages that came before the machine was ready for them.

Peers are faster than this operator now and then: a prepare arrives before its proposal, a share signature
before the decision. The machine refuses such a message; it is kept here and offered again when consensus has come
to another stage (`ConsensusPhase.stage`), which is what each of the reasons waits for. Order of arrival is kept, the
number is bounded, the oldest goes first.

Source: the retry behaviour of ssvlabs/ssv (protocol-level sources only return the error).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from ssv_protocol.effects import Received
from ssv_protocol.errors import Reason

EARLY_REASONS = frozenset(
    {
        Reason.FUTURE_MESSAGE,
        Reason.NO_RUNNING_DUTY,
        Reason.NO_DECIDED_VALUE,
        Reason.INSTANCE_MISSING,
        Reason.INSTANCE_NOT_FOUND,
        Reason.INSTANCE_NOT_DECIDED,
        Reason.PROPOSAL_MISSING,
        Reason.WRONG_ROUND,
    }
)
MAX_EARLY_MESSAGES = 1000


class EarlyMessages:
    """A bounded first-in, first-out store of messages to be offered again."""

    def __init__(self, limit: int = MAX_EARLY_MESSAGES) -> None:
        self._messages: deque[Received] = deque(maxlen=limit)

    def __len__(self) -> int:
        return len(self._messages)

    def keep(self, message: Received) -> None:
        """Remember a message; the oldest is dropped when the store is full."""
        self._messages.append(message)

    def take_all(self) -> Iterator[Received]:
        """Hand out what is kept now; what the machine refuses again comes back by `keep`."""
        waiting = list(self._messages)
        self._messages.clear()
        return iter(waiting)
