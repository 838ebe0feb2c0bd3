"""Forgetting consensus steps and partial signature batches that are too old to be signed again.

Invariant: a slot whose rows were deleted is refused for ever after, because the highest of them is written down with
the deletion. So a clock that jumps ahead and back can't bring a forgotten slot to life, and one that jumped ahead
refuses no slot that had no record. Exits and registrations are not bound by it: they may be late, and a second one
with other content is no slashable offence (`partial_signatures.NEVER_TOO_OLD`).

Watermarks are never pruned. Source: architecture §5.2.
"""

from __future__ import annotations

from ssv_protocol.types.ids import Slot
from ssv_signer.store import pins
from ssv_signer.store.database import Connection


def prune(connection: Connection, oldest: Slot) -> int:
    """Delete the rows of slots below `oldest`; returns how many consensuses and batch items went."""
    (last,) = connection.execute(
        "SELECT max(slot) FROM (SELECT max(height) AS slot FROM consensus WHERE height < ? "
        "UNION ALL SELECT max(slot) FROM partial_signatures WHERE slot < ?) AS slots",
        (oldest, oldest),
    ).fetchone()
    if last is None:
        return 0
    pins.set_forgotten_below(connection, Slot(last + 1))
    connection.execute("DELETE FROM consensus_steps WHERE height < ?", (oldest,))
    connection.execute("DELETE FROM shown_objects WHERE slot < ?", (oldest,))
    gone = connection.execute("DELETE FROM consensus WHERE height < ?", (oldest,)).rowcount
    return gone + connection.execute("DELETE FROM partial_signatures WHERE slot < ?", (oldest,)).rowcount
