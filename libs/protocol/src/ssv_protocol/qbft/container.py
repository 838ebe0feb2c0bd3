"""Messages of one kind, by round, in the order of their arrival.

Invariant: `add_first` keeps at most one message of the same set of signers in a round, so single-signer
messages are at most one per operator and round.

Source: ssv-spec qbft/message_container.go.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ssv_protocol.qbft.received import ReceivedMessage
from ssv_protocol.types.ids import OperatorId, Round
from ssv_protocol.types.messages import SSVMessage


@dataclass(slots=True)
class MessageContainer:
    """Accepted messages by round."""

    by_round: dict[Round, list[ReceivedMessage]] = field(default_factory=dict)

    def of_round(self, round_: Round) -> tuple[ReceivedMessage, ...]:
        """Return the messages of a round in the order of arrival."""
        return tuple(self.by_round.get(round_, ()))

    def after_round(self, round_: Round) -> Iterator[ReceivedMessage]:
        """Yield the messages of all later rounds."""
        for later, messages in self.by_round.items():
            if later > round_:
                yield from messages

    def add_first(self, message: ReceivedMessage) -> bool:
        """Add unless the same signers already have a message in the round; tell whether it was added."""
        signers = set(message.signers)
        if any(set(known.signers) == signers for known in self.of_round(message.round)):
            return False
        self.add(message)
        return True

    def add(self, message: ReceivedMessage) -> None:
        """Add whatever is there already."""
        self.by_round.setdefault(message.round, []).append(message)

    def longest_aggregate(self, round_: Round, content: SSVMessage) -> list[ReceivedMessage]:
        """Return the messages of a round that make the largest aggregate over `content`.

        They are of that very content, and no operator signed two of them. Starting from each message in
        turn, later ones are taken greedily; the first of the largest wins.

        The specification selects by root alone and then fails to aggregate when contents differ elsewhere,
        which would let one operator, with an odd commit, keep all others from deciding.
        """
        candidates = [item for item in self.of_round(round_) if item.signed.ssv_message == content]
        best: list[ReceivedMessage] = []
        best_signers = 0
        for index, first in enumerate(candidates):
            chosen = [first]
            signers: set[OperatorId] = set(first.signers)
            for later in candidates[index + 1 :]:
                if signers.isdisjoint(later.signers):
                    chosen.append(later)
                    signers.update(later.signers)
            if len(signers) > best_signers:
                best, best_signers = chosen, len(signers)
        return best
