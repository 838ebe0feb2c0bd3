"""Messages that came before the machine was ready for them.

Peers are faster than this operator now and then: a prepare arrives before its proposal, a share signature
before the decision. The machine refuses such a message; it is kept here and offered again when consensus has come
to another stage (`ConsensusPhase.stage`), which is what each of the reasons waits for. Order of arrival is kept. Each
sender has a limit of its own, beyond which its oldest goes, so that who says too much crowds out nobody else.

Source: the retry behaviour of ssvlabs/ssv (protocol-level sources only return the error).
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator

from ssv_protocol.effects import Received
from ssv_protocol.errors import Reason
from ssv_protocol.types.ids import OperatorId
from ssv_protocol.types.messages import SignedSSVMessage

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
MAX_EARLY_MESSAGES = 200
"""Of one sender: some for each round there is."""


def sender_of(signed: SignedSSVMessage) -> OperatorId | None:
    """Return who alone can have made a message; None for a decision, which any member can put together."""
    return signed.operator_ids[0] if len(signed.operator_ids) == 1 else None


class EarlyMessages:
    """A store of messages to be offered again; `limit` is how many of a sender it holds."""

    def __init__(self, limit: int = MAX_EARLY_MESSAGES) -> None:
        self._kept: dict[OperatorId | None, deque[tuple[int, Received]]] = defaultdict(lambda: deque(maxlen=limit))
        self._number = 0

    def __len__(self) -> int:
        return sum(map(len, self._kept.values()))

    def keep(self, message: Received) -> None:
        """Remember a message; the sender's oldest is dropped when it has too many."""
        self._number += 1
        self._kept[sender_of(message.signed)].append((self._number, message))

    def take_all(self) -> Iterator[Received]:
        """Hand out what is kept now; what the machine refuses again comes back by `keep`."""
        waiting = sorted((item for queue in self._kept.values() for item in queue), key=lambda item: item[0])
        self._kept.clear()
        return (message for _, message in waiting)
