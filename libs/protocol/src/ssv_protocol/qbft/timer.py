"""When a round ends.

Duties that wait for a part of their slot are anchored to the slot's start: a round's deadline is the same for
every operator, whenever its instance began. Proposals are timed from the moment each round starts.

The length of a quick round is the network's; it counts for the rounds up to the eighth, the others are slow.
The deadline of a round that begins late may already be past: then it has timed out at once.

Source: ssvlabs/ssv protocol/v2/qbft/roundtimer; ssv-spec qbft/timeout.go.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor

from ssv_protocol.types.ids import FIRST_ROUND, Instant, Round
from ssv_protocol.types.roles import RunnerRole

QUICK_ROUNDS = Round(8)
SLOW_TIMEOUT_S = 120.0

_HEAD_START = {
    RunnerRole.COMMITTEE: 1 / 3,
    RunnerRole.AGGREGATOR: 2 / 3,
    RunnerRole.SYNC_COMMITTEE_CONTRIBUTION: 2 / 3,
    RunnerRole.AGGREGATOR_COMMITTEE: 2 / 3,
}
"""The part of the slot that passes before an anchored role's consensus begins."""


@dataclass(frozen=True, slots=True)
class RoundTimes:
    """How long rounds are on a network."""

    slot_duration_s: float
    quick_timeout_s: float
    slow_timeout_s: float = SLOW_TIMEOUT_S
    quick_rounds: Round = QUICK_ROUNDS

    def timeout_s(self, round_: Round) -> float:
        """Return the length of one round."""
        return self.quick_timeout_s if round_ <= self.quick_rounds else self.slow_timeout_s

    def total_s(self, round_: Round) -> float:
        """Return the length of all rounds up to and with this one."""
        quick = min(round_, self.quick_rounds)
        return quick * self.quick_timeout_s + (round_ - quick) * self.slow_timeout_s

    def deadline(self, role: RunnerRole, slot_start: Instant, round_: Round, round_start: Instant) -> Instant:
        """Return when a round ends: by `slot_start` for anchored roles, by `round_start` for all others."""
        head_start = _HEAD_START.get(role)
        if head_start is None:
            return Instant(round_start + self.timeout_s(round_))
        return Instant(slot_start + head_start * self.slot_duration_s + self.total_s(round_))

    def estimated_round(self, since_s: float) -> Round:
        """Return the round that runs `since_s` seconds after the first one began; 1 before that.

        Gossip validation counts from the slot's start for every role, which is early rather than late.
        """
        if since_s < 0:
            return FIRST_ROUND
        quick_s = self.total_s(self.quick_rounds)
        if since_s < quick_s:
            return Round(FIRST_ROUND + floor(since_s / self.quick_timeout_s))
        return Round(FIRST_ROUND + self.quick_rounds + floor((since_s - quick_s) / self.slow_timeout_s))
