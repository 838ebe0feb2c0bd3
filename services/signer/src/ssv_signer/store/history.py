"""The optional history: every attestation and block that a key is known to have signed (`history_schema` fills it).

Nothing is judged by it; watermarks alone decide what may be signed. It is for the complete form of an export.

Invariant: while it is kept, a key's watermark is in it. It says of itself where something may be missing (`gap`), also
before it was first kept.

Source: EIP-3076; `ssv_protocol.signing.history`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from ssv_protocol.signing.history import RememberedAttestation, RememberedBlock
from ssv_protocol.signing.interchange import KeyHistory, SignedAttestation, SignedBlock
from ssv_protocol.signing.records import AttestationRecord, ProposalRecord
from ssv_protocol.types.ids import BlsPublicKey, Epoch, Root, Slot
from ssv_signer.store.database import Connection, select_among, select_in
from ssv_signer.store.history_schema import PIN

_VOTE, _BLOCK = "share_pubkey, target_epoch, source_epoch, signing_root", "share_pubkey, slot, signing_root"
Vote = tuple[BlsPublicKey, int, int, bytes]
Block = tuple[BlsPublicKey, int, bytes]


def is_kept(connection: Connection) -> bool:
    """Tell whether what is signed now goes into the history."""
    return connection.execute("SELECT value FROM pins WHERE name = ?", (PIN,)).fetchone() is not None


def keep(connection: Connection, switch: Sequence[str]) -> None:
    """Begin to keep it, if it is not kept: with the watermarks, up to which nothing is known.

    `switch` is what this database needs besides.
    """
    if is_kept(connection):
        return
    for statement in switch:
        connection.execute(statement)
    connection.execute("INSERT INTO pins VALUES (?, ?)", (PIN, b""))
    for table, columns, marks, values in (
        ("signed_attestations", _VOTE, "attestations", "share_pubkey, target_epoch, source_epoch"),
        ("signed_blocks", _BLOCK, "proposals", "share_pubkey, slot"),
    ):
        connection.execute(
            f"INSERT INTO {table} ({columns}, gap) SELECT {values}, coalesce(signing_root, ?), 1 FROM {marks} "  # noqa: S608
            f"WHERE true ON CONFLICT ({columns}) DO UPDATE SET gap = 1",
            (b"",),
        )


def leave_off(connection: Connection, switch: Sequence[str]) -> None:
    """Keep it no longer; what is there stays, and a gap follows it should it be kept again."""
    if is_kept(connection):
        for statement in switch:
            connection.execute(statement)
        connection.execute("DELETE FROM pins WHERE name = ?", (PIN,))


def attestations(
    connection: Connection, keys: Sequence[BlsPublicKey]
) -> dict[BlsPublicKey, list[RememberedAttestation]]:
    """Return the attestations of keys, of those that have one."""
    found: dict[BlsPublicKey, list[RememberedAttestation]] = {}
    query = f"SELECT {_VOTE}, gap FROM signed_attestations WHERE share_pubkey IN"  # noqa: S608
    for key, target, source, root, gap in select_in(connection, query, keys):
        signed = SignedAttestation(Epoch(source), Epoch(target), _root(root))
        found.setdefault(BlsPublicKey(bytes(key)), []).append(RememberedAttestation(signed, bool(gap)))
    return found


def blocks(connection: Connection, keys: Sequence[BlsPublicKey]) -> dict[BlsPublicKey, list[RememberedBlock]]:
    """Return the blocks of keys, of those that have one."""
    found: dict[BlsPublicKey, list[RememberedBlock]] = {}
    query = f"SELECT {_BLOCK}, gap FROM signed_blocks WHERE share_pubkey IN"  # noqa: S608
    for key, slot, root, gap in select_in(connection, query, keys):
        signed = SignedBlock(Slot(slot), _root(root))
        found.setdefault(BlsPublicKey(bytes(key)), []).append(RememberedBlock(signed, bool(gap)))
    return found


def put(connection: Connection, histories: Iterable[KeyHistory], *, goes_on: Collection[BlsPublicKey] = ()) -> None:
    """Add what keys are known to have signed elsewhere. Up to the lowest of each something may be missing.

    `goes_on` has the keys whose earlier entries, all lower ones, were put by a call before.
    """
    for history in histories:
        votes = sorted(_vote(history.pubkey, signed) for signed in history.attestations)
        slots = sorted(_block(history.pubkey, signed) for signed in history.blocks)
        begins = history.pubkey not in goes_on
        for table, columns, rows in (("signed_attestations", _VOTE, votes), ("signed_blocks", _BLOCK, slots)):
            values = "?, " * len(columns.split(","))
            connection.executemany(
                f"INSERT INTO {table} VALUES ({values}?) ON CONFLICT ({columns}) "  # noqa: S608
                f"DO UPDATE SET gap = CASE WHEN excluded.gap = 1 THEN 1 ELSE {table}.gap END",
                [(*row, int(begins and row[1] == rows[0][1])) for row in rows],
            )


def missing(
    connection: Connection,
    attested: Mapping[BlsPublicKey, AttestationRecord],
    proposed: Mapping[BlsPublicKey, ProposalRecord],
) -> tuple[set[Vote], set[Block]]:
    """Return those of the records that the history does not have."""
    votes = {
        _vote(key, SignedAttestation(record.source, record.target, record.signing_root))
        for key, record in attested.items()
    }
    slots = {_block(key, SignedBlock(record.slot, record.signing_root)) for key, record in proposed.items()}
    known_votes = select_among(
        connection, f"SELECT {_VOTE} FROM signed_attestations WHERE ({_VOTE}) IN", list(votes)  # noqa: S608
    )  # fmt: skip
    known_slots = select_among(connection, f"SELECT {_BLOCK} FROM signed_blocks WHERE ({_BLOCK}) IN", list(slots))  # noqa: S608
    return (
        votes - {(BlsPublicKey(bytes(key)), target, source, bytes(root)) for key, target, source, root in known_votes},
        slots - {(BlsPublicKey(bytes(key)), slot, bytes(root)) for key, slot, root in known_slots},
    )


def mark_gaps(connection: Connection, votes: Collection[Vote], slots: Collection[Block]) -> None:
    """Say that up to these entries, which are there if the history is kept, something may be missing."""
    connection.executemany(
        "UPDATE signed_attestations SET gap = 1 "
        "WHERE share_pubkey = ? AND target_epoch = ? AND source_epoch = ? AND signing_root = ?",
        list(votes),
    )
    connection.executemany(
        "UPDATE signed_blocks SET gap = 1 WHERE share_pubkey = ? AND slot = ? AND signing_root = ?", list(slots)
    )


def _vote(key: BlsPublicKey, signed: SignedAttestation) -> Vote:
    return key, signed.target, signed.source, signed.signing_root or b""


def _block(key: BlsPublicKey, signed: SignedBlock) -> Block:
    return key, signed.slot, signed.signing_root or b""


def _root(value: bytes) -> Root | None:
    return Root(bytes(value)) if value else None
