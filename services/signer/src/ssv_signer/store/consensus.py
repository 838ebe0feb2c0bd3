"""QBFT records: what was said in a consensus, step by step.

A record is read with only the step that is asked about, because a proposer's steps carry megabytes and no rule looks
at the others.

Source: architecture §5.2.
"""

from __future__ import annotations

from ssv_protocol.signing.records import Lock, QbftRecord, QbftStep, UnsignedMessage
from ssv_protocol.types.ids import Height, MessageId, Root, Round
from ssv_protocol.types.messages import SSVMessage
from ssv_protocol.types.roles import QbftMessageType
from ssv_signer.store.database import Connection


def record(
    connection: Connection, message_id: MessageId, height: Height, step_type: int, at_round: Round
) -> QbftRecord | None:
    """Return the record of a consensus, with the step (`step_type`, `at_round`) if that is on record."""
    row = connection.execute(
        "SELECT consensus.round, root, lock_round, lock_root, message, full_data "
        "FROM consensus LEFT JOIN consensus_steps AS step ON step.height = consensus.height "
        "AND step.message_id = consensus.message_id AND step.type = ? AND step.round = ? "
        "WHERE consensus.height = ? AND consensus.message_id = ?",
        (step_type, at_round, height, message_id),
    ).fetchone()
    if row is None:
        return None
    highest, root, lock_round, lock_root, message, full_data = row
    lock = None if lock_round is None else Lock(Round(lock_round), Root(lock_root))
    steps: tuple[QbftStep, ...] = ()
    if message is not None:
        said = UnsignedMessage(SSVMessage.decode(message), full_data)
        steps = (QbftStep(QbftMessageType(step_type), at_round, said),)
    return QbftRecord(Round(highest), None if root is None else Root(root), lock, steps)


def put(
    connection: Connection,
    message_id: MessageId,
    height: Height,
    before: QbftRecord | None,
    after: QbftRecord,
) -> None:
    """Replace a record and add its new steps; raises Contradiction if it contradicts what is there."""
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
