"""The state of one instance: plain data that the handlers change.

Source: ssv-spec qbft/state.go, qbft/instance.go.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ssv_protocol.qbft.container import MessageContainer
from ssv_protocol.qbft.received import ReceivedMessage
from ssv_protocol.types.ids import FIRST_ROUND, NO_ROUND, Height, MessageId, Round


@dataclass(slots=True)
class State:
    """Everything that an instance knows.

    `accepted_proposal` is of the current round. `last_prepared_round` and `last_prepared_value` are the lock
    that a round change carries on. `start_value` is what this operator would propose.
    """

    identifier: MessageId
    height: Height
    round: Round = FIRST_ROUND
    last_prepared_round: Round = NO_ROUND
    last_prepared_value: bytes | None = None
    accepted_proposal: ReceivedMessage | None = None
    decided: bool = False
    decided_value: bytes | None = None
    proposals: MessageContainer = field(default_factory=MessageContainer)
    prepares: MessageContainer = field(default_factory=MessageContainer)
    commits: MessageContainer = field(default_factory=MessageContainer)
    round_changes: MessageContainer = field(default_factory=MessageContainer)
    start_value: bytes | None = None
    stopped: bool = False

    @property
    def lock(self) -> tuple[Round, bytes] | None:
        """The round and the value that this operator prepared last."""
        if self.last_prepared_round == NO_ROUND or self.last_prepared_value is None:
            return None
        return self.last_prepared_round, self.last_prepared_value

    def enter_round(self, round_: Round) -> None:
        """Go to a round in which no proposal is accepted yet."""
        self.round = round_
        self.accepted_proposal = None
