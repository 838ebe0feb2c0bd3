"""What an instance wants done. `Send` is shared by all machines; the rest is QBFT's own.

Source: ssv-spec qbft/types.go (Timer, Network).
"""

from __future__ import annotations

from dataclasses import dataclass

from ssv_protocol.effects import Send
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.types.ids import Round
from ssv_protocol.types.messages import SignedSSVMessage


@dataclass(frozen=True, slots=True)
class StartTimer:
    """Call `on_timeout` when the round's time is over (`qbft.timer`); replaces an earlier timer."""

    round: Round


@dataclass(frozen=True, slots=True)
class Decided:
    """The committee decided `commit.full_data`; `commit` holds at least 2f + 1 signatures, by operator id.

    `announce` tells whether this operator put the commits together itself, and so shall publish them.
    """

    commit: SignedSSVMessage
    announce: bool

    @property
    def value(self) -> bytes:
        """The value decided on."""
        return self.commit.full_data


Output = Send | StartTimer | Decided


class CutOffReached(ProtocolError):
    """A step took the instance into its cut-off round, so its vote is not sent; the state stays as it is.

    `outputs` is what the step wanted besides.
    """

    def __init__(self, outputs: list[Output]) -> None:
        super().__init__(Reason.INSTANCE_STOPPED, "the cut-off round is reached")
        self.outputs = outputs
