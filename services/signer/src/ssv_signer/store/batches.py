"""Records of partial signature messages: what is in the one message of a duty and phase.

Source: architecture §5.2.
"""

from __future__ import annotations

from ssv_protocol.signing.records import PartialSignaturesRecord, ShareSigning
from ssv_protocol.types.ids import BlsPublicKey, MessageId, Root, Slot, ValidatorIndex
from ssv_protocol.types.roles import PartialSignatureType
from ssv_signer.store.database import Connection


def record(
    connection: Connection, message_id: MessageId, slot: Slot, kind: PartialSignatureType
) -> PartialSignaturesRecord | None:
    """Return what was put into the message of a duty and phase."""
    rows = connection.execute(
        "SELECT validator_index, share_pubkey, signing_root FROM partial_signatures "
        "WHERE slot = ? AND message_id = ? AND type = ? ORDER BY position",
        (slot, message_id, kind),
    ).fetchall()
    items = tuple(ShareSigning(ValidatorIndex(index), BlsPublicKey(key), Root(root)) for index, key, root in rows)
    return PartialSignaturesRecord(slot, kind, items) if items else None


def places(connection: Connection, since: Slot) -> list[tuple[Slot, MessageId, PartialSignatureType]]:
    """Return which messages of slots from `since` on are on record."""
    rows = connection.execute(
        "SELECT slot, message_id, type FROM partial_signatures WHERE slot >= ? AND position = 0", (since,)
    ).fetchall()
    return [(Slot(slot), MessageId(message_id), PartialSignatureType(kind)) for slot, message_id, kind in rows]


def last_slots(connection: Connection, kind: PartialSignatureType) -> dict[BlsPublicKey, Slot]:
    """Return the newest slot of which a share is in a message of this kind, by share public key."""
    rows = connection.execute(
        "SELECT share_pubkey, max(slot) FROM partial_signatures WHERE type = ? GROUP BY share_pubkey", (kind,)
    ).fetchall()
    return {BlsPublicKey(key): Slot(slot) for key, slot in rows}


def put(connection: Connection, message_id: MessageId, record: PartialSignaturesRecord) -> None:
    """Insert a record; raises Contradiction if there is one."""
    connection.insert(
        "partial_signatures",
        [
            (record.slot, message_id, record.type, position, item.validator_index, item.share_pubkey, item.signing_root)
            for position, item in enumerate(record.items)
        ],
    )
