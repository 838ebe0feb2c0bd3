"""Slashing records of keys as a whole: from and to the interchange format, and what two of them amount to.

The record of a key is its highest attestation and its highest block. Two records of one key, whoever kept them, amount
to one that forbids what either forbids: the higher source, target and slot. The signing root of the highest is
kept only when both know the same one; where they differ, or one does not know it, something else may have been signed
there, so nothing is signed there again.

Invariants: `merged` never falls below either; it is commutative, associative and idempotent, so files can be imported
in any order and as often as one likes.

Source: EIP-3076 (conditions for signing, minimal form); architecture §5.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ssv_protocol.signing.interchange import Interchange, KeyHistory, SignedAttestation, SignedBlock
from ssv_protocol.signing.records import AttestationRecord, ProposalRecord
from ssv_protocol.types.ids import BlsPublicKey, Root


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """The slashing record of one key; None where it is not known to have signed."""

    attestation: AttestationRecord | None = None
    proposal: ProposalRecord | None = None


NOTHING = KeyRecord()


def merged(one: KeyRecord, other: KeyRecord) -> KeyRecord:
    """Return the record that forbids what either forbids."""
    return KeyRecord(
        merged_attestation(one.attestation, other.attestation), merged_proposal(one.proposal, other.proposal)
    )


def merged_attestation(one: AttestationRecord | None, other: AttestationRecord | None) -> AttestationRecord | None:
    """Return the higher source and target, and the root if all is known about that target."""
    if one is None or other is None:
        return one or other
    root = _root_of_highest(one.target, one.signing_root, other.target, other.signing_root)
    return AttestationRecord(max(one.source, other.source), max(one.target, other.target), root)


def merged_proposal(one: ProposalRecord | None, other: ProposalRecord | None) -> ProposalRecord | None:
    """Return the higher slot, and the root if all is known about that slot."""
    if one is None or other is None:
        return one or other
    root = _root_of_highest(one.slot, one.signing_root, other.slot, other.signing_root)
    return ProposalRecord(max(one.slot, other.slot), root)


def records_of(interchange: Interchange) -> dict[BlsPublicKey, KeyRecord]:
    """Return the record of each key in a file, of either form; a key without signatures has an empty one."""
    return records_of_keys(interchange.keys)


def records_of_keys(histories: Iterable[KeyHistory]) -> dict[BlsPublicKey, KeyRecord]:
    """Return the record of each key from its histories, which add up."""
    records: dict[BlsPublicKey, KeyRecord] = {}
    for key in histories:
        records[key.pubkey] = merged(records.get(key.pubkey, NOTHING), _record_of(key))
    return records


def to_interchange(genesis_validators_root: Root, records: Mapping[BlsPublicKey, KeyRecord]) -> Interchange:
    """Return the minimal file of some keys, by public key."""
    keys = (_history_of(pubkey, records[pubkey]) for pubkey in sorted(records))
    return Interchange(genesis_validators_root, tuple(keys))


def _record_of(key: KeyHistory) -> KeyRecord:
    return KeyRecord(_attestation_of(key.attestations), _proposal_of(key.blocks))


def _attestation_of(signed: Iterable[SignedAttestation]) -> AttestationRecord | None:
    record: AttestationRecord | None = None
    for item in signed:
        record = merged_attestation(record, AttestationRecord(item.source, item.target, item.signing_root))
    return record


def _proposal_of(signed: Iterable[SignedBlock]) -> ProposalRecord | None:
    record: ProposalRecord | None = None
    for item in signed:
        record = merged_proposal(record, ProposalRecord(item.slot, item.signing_root))
    return record


def _history_of(pubkey: BlsPublicKey, record: KeyRecord) -> KeyHistory:
    attested, proposed = record.attestation, record.proposal
    return KeyHistory(
        pubkey,
        () if proposed is None else (SignedBlock(proposed.slot, proposed.signing_root),),
        () if attested is None else (SignedAttestation(attested.source, attested.target, attested.signing_root),),
    )


def _root_of_highest(one: int, root: Root | None, other: int, other_root: Root | None) -> Root | None:
    if one == other:
        return root if root == other_root else None
    return root if one > other else other_root
