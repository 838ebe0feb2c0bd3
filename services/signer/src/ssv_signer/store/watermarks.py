"""Slashing records: the highest attestation and the highest block of each share. They outlive the share.

Source: architecture §5.1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ssv_protocol.signing.records import AttestationRecord, ProposalRecord
from ssv_protocol.types.ids import BlsPublicKey, Epoch, Root, Slot
from ssv_signer.store.database import Connection, select_in


def attestations(connection: Connection, keys: Sequence[BlsPublicKey]) -> dict[BlsPublicKey, AttestationRecord]:
    """Return the attestation records of shares, of those that have one."""
    query = "SELECT share_pubkey, source_epoch, target_epoch, signing_root FROM attestations WHERE share_pubkey IN"
    return {
        BlsPublicKey(key): AttestationRecord(Epoch(source), Epoch(target), _root(root))
        for key, source, target, root in select_in(connection, query, keys)
    }


def put_attestations(connection: Connection, records: Mapping[BlsPublicKey, AttestationRecord]) -> None:
    """Insert or raise attestation records, by share; raises Contradiction if one would fall."""
    connection.insert(
        "attestations",
        [(key, record.source, record.target, record.signing_root) for key, record in records.items()],
        "ON CONFLICT (share_pubkey) DO UPDATE SET source_epoch = excluded.source_epoch, "
        "target_epoch = excluded.target_epoch, signing_root = excluded.signing_root",
    )


def proposals(connection: Connection, keys: Sequence[BlsPublicKey]) -> dict[BlsPublicKey, ProposalRecord]:
    """Return the block records of shares, of those that have one."""
    query = "SELECT share_pubkey, slot, signing_root FROM proposals WHERE share_pubkey IN"
    return {
        BlsPublicKey(key): ProposalRecord(Slot(slot), _root(root))
        for key, slot, root in select_in(connection, query, keys)
    }


def put_proposals(connection: Connection, records: Mapping[BlsPublicKey, ProposalRecord]) -> None:
    """Insert or raise block records, by share; raises Contradiction if one would fall."""
    connection.insert(
        "proposals",
        [(key, record.slot, record.signing_root) for key, record in records.items()],
        "ON CONFLICT (share_pubkey) DO UPDATE SET slot = excluded.slot, signing_root = excluded.signing_root",
    )


def _root(value: bytes | None) -> Root | None:
    return None if value is None else Root(value)
