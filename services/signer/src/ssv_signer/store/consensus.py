"""QBFT records: what was said in a consensus, step by step.

A record is read with only the step that is asked about, because a proposer's steps carry megabytes and no rule looks
at the others.

Source: architecture §5.2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ssv_protocol.signing.records import Lock, QbftRecord, QbftStep, UnsignedMessage
from ssv_protocol.types.ids import Height, MessageId, Root, Round, Slot
from ssv_protocol.types.roles import QbftMessageType
from ssv_signer.store.database import Connection

Place = tuple[MessageId, Height]
"""A consensus."""
Asked = tuple[MessageId, Height, int, Round]
"""A consensus, and the type and round of a step of it."""
Change = tuple[QbftRecord | None, QbftRecord]
"""A record as it was read, and what it becomes."""
_TYPES = {member.value: member for member in QbftMessageType}
_RECORDS = (
    "SELECT asked.message_id, asked.height, asked.type, asked.round, consensus.round, root, lock_round, lock_root, "
    "message, full_data FROM asked JOIN consensus USING (height, message_id) LEFT JOIN consensus_steps AS step "
    "ON step.height = asked.height AND step.message_id = asked.message_id AND step.type = asked.type "
    "AND step.round = asked.round"
)


def records(connection: Connection, asked: Sequence[Asked]) -> dict[Asked, QbftRecord]:
    """Return the records of consensuses, each with the step that is asked about if that is on record."""
    rows = connection.select_joined("message_id, height, type, round", asked, _RECORDS)
    found = {}
    for message_id, height, kind, at_round, highest, root, lock_round, lock_root, message, full_data in rows:
        lock = None if lock_round is None else Lock(lock_round, lock_root)
        step = () if message is None else (QbftStep(_TYPES[kind], at_round, UnsignedMessage(message, full_data)),)
        found[message_id, height, kind, at_round] = QbftRecord(highest, root, lock, step)
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
    return [UnsignedMessage(message, full_data) for _, _, message, full_data in rows]


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
            (height, message_id, step.type, step.round, step.message.encoded, step.message.full_data)
            for (message_id, height), (before, after) in changes.items()
            for step in after.steps
            if before is None or step not in before.steps
        ],
    )


def _lock_columns(lock: Lock | None) -> tuple[Round | None, Root | None]:
    return (None, None) if lock is None else (lock.round, lock.root)
