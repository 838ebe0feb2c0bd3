"""Slashing records: the highest attestation and the highest block of each share. They outlive the share.

Source: architecture §5.1.
"""

from __future__ import annotations

import sqlite3

from ssv_protocol.signing.records import AttestationRecord, ProposalRecord
from ssv_protocol.types.ids import BlsPublicKey, Epoch, Root, Slot


def attestation(connection: sqlite3.Connection, share_pubkey: BlsPublicKey) -> AttestationRecord | None:
    """Return the attestation record of a share."""
    row = connection.execute(
        "SELECT source_epoch, target_epoch, signing_root FROM attestations WHERE share_pubkey = ?", (share_pubkey,)
    ).fetchone()
    return None if row is None else AttestationRecord(Epoch(row[0]), Epoch(row[1]), _root(row[2]))


def put_attestation(connection: sqlite3.Connection, share_pubkey: BlsPublicKey, record: AttestationRecord) -> None:
    """Insert or raise the attestation record of a share; raises sqlite3.IntegrityError if it would fall."""
    connection.execute(
        "INSERT INTO attestations VALUES (?, ?, ?, ?) ON CONFLICT (share_pubkey) DO UPDATE SET "
        "source_epoch = excluded.source_epoch, target_epoch = excluded.target_epoch, "
        "signing_root = excluded.signing_root",
        (share_pubkey, record.source, record.target, record.signing_root),
    )


def proposal(connection: sqlite3.Connection, share_pubkey: BlsPublicKey) -> ProposalRecord | None:
    """Return the block record of a share."""
    row = connection.execute(
        "SELECT slot, signing_root FROM proposals WHERE share_pubkey = ?", (share_pubkey,)
    ).fetchone()
    return None if row is None else ProposalRecord(Slot(row[0]), _root(row[1]))


def put_proposal(connection: sqlite3.Connection, share_pubkey: BlsPublicKey, record: ProposalRecord) -> None:
    """Insert or raise the block record of a share; raises sqlite3.IntegrityError if it would fall."""
    connection.execute(
        "INSERT INTO proposals VALUES (?, ?, ?) ON CONFLICT (share_pubkey) DO UPDATE SET "
        "slot = excluded.slot, signing_root = excluded.signing_root",
        (share_pubkey, record.slot, record.signing_root),
    )


def _root(value: bytes | None) -> Root | None:
    return None if value is None else Root(value)
