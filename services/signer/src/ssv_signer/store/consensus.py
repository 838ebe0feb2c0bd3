"""QBFT records: what was said in a consensus, step by step.

A record is read with only the step that is asked about, because a proposer's steps carry megabytes and no rule looks
at the others.

Source: architecture §5.2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ssv_protocol.signing.records import Lock, QbftRecord, QbftStep, UnsignedMessage
from ssv_protocol.types.ids import Height, MessageId, Root, Round, Slot
from ssv_protocol.types.messages import SSVMessage
from ssv_protocol.types.roles import QbftMessageType
from ssv_signer.store.database import Connection, select_among

Place = tuple[MessageId, Height]
"""A consensus."""
Asked = tuple[MessageId, Height, int, Round]
"""A consensus, and the type and round of a step of it."""
Change = tuple[QbftRecord | None, QbftRecord]
"""A record as it was read, and what it becomes."""


def records(connection: Connection, asked: Sequence[Asked]) -> dict[Asked, QbftRecord]:
    """Return the records of consensuses, each with the step that is asked about if that is on record."""
    places = [(height, message_id) for message_id, height, _, _ in asked]
    query = "SELECT height, message_id, round, root, lock_round, lock_root FROM consensus WHERE (height, message_id) IN"
    known = {(height, message_id): rest for height, message_id, *rest in select_among(connection, query, places)}
    steps = _steps(connection, [each for each in asked if (each[1], each[0]) in known])
    found = {}
    for each in asked:
        message_id, height, _, _ = each
        if (height, message_id) in known:
            highest, root, lock_round, lock_root = known[height, message_id]
            lock = None if lock_round is None else Lock(Round(lock_round), Root(lock_root))
            said = (steps[each],) if each in steps else ()
            found[each] = QbftRecord(Round(highest), None if root is None else Root(root), lock, said)
    return found


def record(connection: Connection, asked: Asked) -> QbftRecord | None:
    """Return the record of one consensus, with the step that is asked about if that is on record."""
    return records(connection, [asked]).get(asked)


def places(connection: Connection, since: Slot) -> list[tuple[Slot, MessageId]]:
    """Return the consensuses of slots from `since` on in which something was said."""
    rows = connection.execute("SELECT height, message_id FROM consensus WHERE height >= ?", (since,)).fetchall()
    return [(Slot(height), MessageId(message_id)) for height, message_id in rows]


def said(connection: Connection, message_id: MessageId, slot: Slot) -> list[UnsignedMessage]:
    """Return the steps of a consensus in the order of its rounds, each of which begins with the change to it."""
    rows = connection.execute(
        "SELECT type, round, message, full_data FROM consensus_steps WHERE height = ? AND message_id = ?",
        (slot, message_id),
    ).fetchall()
    rows.sort(key=lambda row: (row[1], row[0] != QbftMessageType.ROUND_CHANGE, row[0]))
    return [UnsignedMessage(SSVMessage.decode(message), full_data) for _, _, message, full_data in rows]


def put(connection: Connection, changes: Mapping[Place, Change]) -> None:
    """Replace records and add their new steps; raises Contradiction if one contradicts what is there."""
    connection.insert(
        "consensus",
        [
            (height, message_id, after.round, after.root, *_lock_columns(after.lock))
            for (message_id, height), (_, after) in changes.items()
        ],
        "ON CONFLICT (height, message_id) DO UPDATE SET round = excluded.round, root = excluded.root, "
        "lock_round = excluded.lock_round, lock_root = excluded.lock_root",
    )
    connection.insert(
        "consensus_steps",
        [
            (height, message_id, step.type, step.round, step.message.message.encode(), step.message.full_data)
            for (message_id, height), (before, after) in changes.items()
            for step in after.steps
            if before is None or step not in before.steps
        ],
    )


def _lock_columns(lock: Lock | None) -> tuple[Round | None, Root | None]:
    return (None, None) if lock is None else (lock.round, lock.root)


def _steps(connection: Connection, asked: Sequence[Asked]) -> dict[Asked, QbftStep]:
    query = (
        "SELECT height, message_id, type, round, message, full_data FROM consensus_steps "
        "WHERE (height, message_id, type, round) IN"
    )
    wanted = [(height, message_id, kind, at_round) for message_id, height, kind, at_round in asked]
    return {
        (MessageId(message_id), Height(height), kind, Round(at_round)): QbftStep(
            QbftMessageType(kind), Round(at_round), UnsignedMessage(SSVMessage.decode(message), full_data)
        )
        for height, message_id, kind, at_round, message, full_data in select_among(connection, query, wanted)
    }
