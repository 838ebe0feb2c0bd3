"""What an instance is told once: the committee, the leader function, the value check, the cut-off.

The caller chooses leader function and value check by the duty's slot (the height), never by now, so an
instance ends under the rules that it began with.

Source: ssv-spec qbft/state.go (Config), qbft/timeout.go (CutoffRound).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ssv_protocol.types.ids import Height, OperatorId, Round
from ssv_protocol.types.operator import CommitteeMember

CUTOFF_ROUND = Round(12)
"""An instance that reaches this round is dead; round changes for it are still sent from the round before."""

LeaderFunction = Callable[[Height, Round, Sequence[OperatorId]], OperatorId]
"""(height, round, committee in stored order) → leader; see `qbft.leader`."""

ValueCheck = Callable[[bytes], None]
"""Raises ProtocolError (VALUE_INVALID or more precise), and nothing else, when a value is not acceptable."""


@dataclass(frozen=True, slots=True)
class QbftConfig:
    """The rules and the seat of one instance."""

    member: CommitteeMember
    leader: LeaderFunction
    check_value: ValueCheck
    cutoff_round: Round = CUTOFF_ROUND

    def leader_of(self, height: Height, round_: Round) -> OperatorId:
        """Return who proposes in a round."""
        return self.leader(height, round_, self.member.operator_ids)

    def leads(self, height: Height, round_: Round) -> bool:
        """Tell whether this operator proposes in a round."""
        return self.leader_of(height, round_) == self.member.operator_id
