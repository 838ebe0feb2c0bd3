"""The leases of committees: who may ask, and how far the records of each have come.

Each row says in which run of the database it was written, and by which transaction: what was durable since is all there
while it runs on. A copy that is put back, a standby that takes over or a dump that is read in is another run, or was
written by another transaction than it says. SQLite's file runs as long as the process has it open, and a restore under
the living process contradicts what that saw.

Only what runs alone changes more than `seq`, so a transaction that judges reads a lease that stands still but for that.

Source: architecture §5.3.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ssv_protocol.signing.leases import LeaseRecord
from ssv_protocol.types.ids import CommitteeId, Fence, Slot
from ssv_signer.store.database import Connection, Contradiction, select_in


def records(connection: Connection, committees: Sequence[CommitteeId]) -> dict[CommitteeId, LeaseRecord]:
    """Return the leases of committees, of those that have one, each believed if it was written in this run."""
    query = (
        f"SELECT committee_id, lineage, fence, seq, holder, quiet_until_slot, {_believed(connection)} "  # noqa: S608
        "FROM leases WHERE committee_id IN"
    )
    return {
        CommitteeId(committee): LeaseRecord(
            bytes(lineage), Fence(fence), seq, holder, Slot(quiet_until), believed=bool(believed)
        )
        for committee, lineage, fence, seq, holder, quiet_until, believed in select_in(connection, query, committees)
    }


def put(connection: Connection, changed: Mapping[CommitteeId, LeaseRecord]) -> None:
    """Insert or replace leases; raises Contradiction if one would fall."""
    connection.executemany(
        "INSERT INTO leases VALUES (?, ?, ?, ?, ?, ?, this_run(), this_writer()) "
        "ON CONFLICT (committee_id) DO UPDATE SET lineage = excluded.lineage, fence = excluded.fence, "
        "seq = excluded.seq, holder = excluded.holder, quiet_until_slot = excluded.quiet_until_slot, "
        "run = excluded.run, writer = excluded.writer",
        [
            (committee, record.lineage, record.fence, record.seq, record.holder, record.quiet_until)
            for committee, record in sorted(changed.items())
        ],
    )


def advance(connection: Connection, fences: Mapping[CommitteeId, Fence]) -> dict[CommitteeId, int]:
    """Count a write for each committee, whose lease is proven and has this fence; returns the new numbers.

    In ascending order, because each row is locked until the transaction ends and others do the same. The fence is
    matched once more where it is written, so that what is signed under it does not hang on the store's locks alone.

    Raises:
        Contradiction: a committee has another fence by now, or no lease.
    """
    query = (
        "UPDATE leases SET seq = seq + 1, run = this_run(), writer = this_writer() "
        "WHERE committee_id = ? AND fence = ? RETURNING seq"
    )
    raised = [(committee, connection.execute(query, (committee, fence))) for committee, fence in sorted(fences.items())]
    counted = {committee: row[0] for committee, answer in raised if (row := answer.fetchone()) is not None}
    if len(counted) < len(fences):
        raise Contradiction("a committee was claimed while it was judged")
    return counted


def changed_otherwise(connection: Connection, committees: Iterable[CommitteeId]) -> None:
    """Count a write that proves nothing, for each committee that has a lease: whoever believed it may go on to."""
    query = (
        f"UPDATE leases SET seq = seq + 1, writer = CASE WHEN {_believed(connection)} "  # noqa: S608
        "THEN this_writer() ELSE -1 END WHERE committee_id = ?"
    )
    connection.executemany(query, [(committee,) for committee in sorted(set(committees))])


def quiet(connection: Connection, clock: Slot) -> dict[CommitteeId, Slot]:
    """Return the committees that wait, each with the slot from which it signs again."""
    rows = connection.execute(
        "SELECT committee_id, quiet_until_slot FROM leases WHERE quiet_until_slot > ? ORDER BY committee_id", (clock,)
    ).fetchall()
    return {CommitteeId(committee): Slot(quiet_until) for committee, quiet_until in rows}


def _believed(connection: Connection) -> str:
    return f"(run = this_run() AND writer = {connection.row_writer})"
