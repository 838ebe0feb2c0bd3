"""Of whom messages came in a duty, so that a missed one names who did not help.

Not guaranteed: that who is named is at fault; its messages may have been lost on the way here, or there was nothing for
it to answer because a leader before it was silent.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from ssv_protocol.effects import Received
from ssv_protocol.runners.ledger import MissedReason
from ssv_protocol.types.ids import OperatorId, ValidatorIndex
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import PartialSignatureType

_CONSENSUS = frozenset(
    {
        MissedReason.NO_PROPOSAL,
        MissedReason.NO_PREPARE_QUORUM,
        MissedReason.NO_COMMIT_QUORUM,
        MissedReason.ROUNDS_EXHAUSTED,
    }
)


class Attendance:
    """Operators by what they sent in one duty, this one's own messages included."""

    def __init__(self) -> None:
        self._voted: set[OperatorId] = set()
        self._signed: dict[tuple[bool, ValidatorIndex], set[OperatorId]] = defaultdict(set)

    def note(self, message: Received) -> None:
        """Take a message that passed admission, whatever the duty does with it."""
        content = message.content
        if isinstance(content, QbftMessage):
            self._voted.update(message.signed.operator_ids)
            return
        after_consensus = content.type == PartialSignatureType.POST_CONSENSUS
        for each in content.messages:
            self._signed[after_consensus, each.validator_index].add(each.signer)

    def missing(
        self, operators: Collection[OperatorId], reason: MissedReason | None, index: ValidatorIndex, *, decided: bool
    ) -> frozenset[OperatorId]:
        """Return of whom nothing came that a duty waited for which was missed for `reason`; nobody for most reasons."""
        if reason in _CONSENSUS:
            return frozenset(operators) - self._voted
        if reason is MissedReason.NO_PARTIAL_QUORUM:
            return frozenset(operators) - self._signed[decided, index]
        return frozenset()
