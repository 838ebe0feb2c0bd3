"""How far a beacon node can be relied on, and in which order nodes are asked.

A node is looked at now and then (`look.py`), and every request to it tells something too. The first says what the
node is, the second how it does; together they give its rank. Ranks are coarse, so that nodes of about the same speed
stay in the order in which they were configured.

Pure: no clock, no request.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

_MEMORY = 0.8
"""Share of the past in the moving averages."""
_FAILURE_STEPS = 4
_LATENCY_STEP_S = 0.25
UNRELIABLE = 0.5
"""Share of failed requests from which a node's answer is not waited for where others are there."""


class Standing(IntEnum):
    """What the last look at a node showed; the better the lower."""

    GOOD = 0
    UNKNOWN = 1
    """Not looked at yet."""
    BEHIND = 2
    """It is syncing, optimistic, or without its execution node: its head is not to be voted for."""
    DOWN = 3
    """It did not answer; it may by now."""
    WRONG = 4
    """It is of another network. It is never asked anything else."""

    @property
    def is_usable(self) -> bool:
        """Whether the node may be asked at all."""
        return self is not Standing.WRONG


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at a node showed; `problem` says in words why it is not good."""

    standing: Standing
    problem: str = ""
    version: str = ""
    head_slot: int | None = None


@dataclass(slots=True)
class Record:
    """What is known of a node: the last look, the share of requests that failed lately, and how long answers took."""

    look: Look = Look(Standing.UNKNOWN, "not looked at yet")
    failed_share: float = 0.0
    latency_s: float = 0.0

    def looked(self, look: Look) -> None:
        """Note what a look showed; what went wrong while a node was away does not count once it is back."""
        if self.look.standing is Standing.DOWN and look.standing is Standing.GOOD:
            self.failed_share = 0.0
        self.look = look

    def answered(self, seconds: float) -> None:
        """A request took `seconds` and brought an answer; a node that was down is back."""
        if self.look.standing is Standing.DOWN:
            self.look, self.failed_share = Look(Standing.UNKNOWN, "answers again", self.look.version), 0.0
        self.failed_share *= _MEMORY
        self.latency_s = _MEMORY * self.latency_s + (1 - _MEMORY) * seconds

    def failed(self) -> None:
        """A request brought nothing of use."""
        self.failed_share = _MEMORY * self.failed_share + (1 - _MEMORY)

    @property
    def is_well(self) -> bool:
        """Whether an answer is worth something, if there is one."""
        return self.look.standing <= Standing.UNKNOWN

    @property
    def is_reliable(self) -> bool:
        """Whether an answer can be expected, and is worth something."""
        return self.is_well and self.failed_share < UNRELIABLE

    def rank(self) -> tuple[int, int, int]:
        """Return what nodes are ordered by, the best first."""
        return self.look.standing, int(self.failed_share * _FAILURE_STEPS), int(self.latency_s / _LATENCY_STEP_S)
