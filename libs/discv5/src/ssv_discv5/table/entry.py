"""A node in the table, and how much we trust that it lives.

Credits count answered checks and fall to a third with each failure, so a node that answered often may miss a few,
and one that never answered goes at once (discv5-theory.md, *Table Maintenance In Practice*).
"""

from dataclasses import dataclass

from ssv_discv5.endpoint import Endpoint
from ssv_discv5.enr.record import Record
from ssv_discv5.ids import NodeId

_MAX_CREDITS = 27


@dataclass(slots=True, eq=False)
class Entry:
    """One member of a bucket; `check_at` is when its liveness is to be checked next."""

    record: Record
    endpoint: Endpoint
    check_at: float
    credits: int = 0

    @property
    def node_id(self) -> NodeId:
        """Return whose entry it is."""
        return self.record.node_id

    @property
    def live(self) -> bool:
        """Tell whether it has answered: only then others may be told of it."""
        return self.credits > 0

    def answered(self) -> None:
        """Count an answer."""
        self.credits = min(self.credits + 1, _MAX_CREDITS)

    def missed(self) -> bool:
        """Count a failure; return whether the node is to be thought dead."""
        self.credits //= 3
        return self.credits == 0
