"""QBFT records: what was said in a consensus, step by step.

A record is read with only the step that is asked about, because a proposer's steps carry megabytes and no rule looks
at the others.

Source: architecture §5.2.
"""

from __future__ import annotations

import sqlite3

from ssv_protocol.signing.records import Lock, QbftRecord, QbftStep, UnsignedMessage
from ssv_protocol.types.ids import Height, MessageId, Root, Round
from ssv_protocol.types.messages import SSVMessage
from ssv_protocol.types.roles import QbftMessageType


def record(
    connection: sqlite3.Connection, message_id: MessageId, height: Height, step_type: int, at_round: Round
) -> QbftRecord | None:
    """Return the record of a consensus, with the step (`step_type`, `at_round`) if that is on record."""
    row = connection.execute(
        "SELECT round, root, lock_round, lock_root FROM consensus WHERE height = ? AND message_id = ?",
        (height, message_id),
    ).fetchone()
    if row is None:
        return None
    highest, root, lock_round, lock_root = row
    lock = None if lock_round is None else Lock(Round(lock_round), Root(lock_root))
    steps = _step(connection, message_id, height, step_type, at_round)
    return QbftRecord(Round(highest), None if root is None else Root(root), lock, steps)


def put(
    connection: sqlite3.Connection,
    message_id: MessageId,
    height: Height,
    before: QbftRecord | None,
    after: QbftRecord,
) -> None:
    """Replace a record and add its new steps; raises sqlite3.IntegrityError if it contradicts what is there."""
    lock_round, lock_root = (None, None) if after.lock is None else (after.lock.round, after.lock.root)
    connection.execute(
        "INSERT INTO consensus VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (height, message_id) DO UPDATE SET "
        "round = excluded.round, root = excluded.root, "
        "lock_round = excluded.lock_round, lock_root = excluded.lock_root",
        (height, message_id, after.round, after.root, lock_round, lock_root),
    )
    known = () if before is None else before.steps
    connection.executemany(
        "INSERT INTO consensus_steps VALUES (?, ?, ?, ?, ?, ?)",
        [
            (height, message_id, step.type, step.round, step.message.message.encode(), step.message.full_data)
            for step in after.steps
            if step not in known
        ],
    )


def _step(
    connection: sqlite3.Connection, message_id: MessageId, height: Height, step_type: int, at_round: Round
) -> tuple[QbftStep, ...]:
    row = connection.execute(
        "SELECT message, full_data FROM consensus_steps WHERE height = ? AND message_id = ? AND type = ? AND round = ?",
        (height, message_id, step_type, at_round),
    ).fetchone()
    if row is None:
        return ()
    return (QbftStep(QbftMessageType(step_type), at_round, UnsignedMessage(SSVMessage.decode(row[0]), row[1])),)
