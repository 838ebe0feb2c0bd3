"""Slashing records out of and into the database, inside a transaction of the caller.

Invariants: an import raises records and never lowers one; what it merges is read in the transaction that writes it, so
no signature falls between. Records of keys that are not held are kept too, and are there when their share is added.

Where an import knows another object than the record, or an unknown one, at the very target or slot that is on record,
nothing may be signed there again. The tables never exchange a root, so the mark is raised by one instead.

Not guaranteed: protection of a share by the record of another, or of its validator's whole key.

Source: EIP-3076; architecture §5.1, §5.4.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.errors import SsvError
from ssv_protocol.signing import watermarks as rules
from ssv_protocol.signing import window
from ssv_protocol.signing.history import known_attestations, known_blocks
from ssv_protocol.signing.interchange import KeyHistory, SignedAttestation, SignedBlock
from ssv_protocol.signing.records import AttestationRecord, ProposalRecord
from ssv_protocol.signing.watermarks import KeyRecord
from ssv_protocol.types.ids import BlsPublicKey, Epoch, Slot
from ssv_signer.store import history, leases, shares, watermarks
from ssv_signer.store.database import MAX_INTEGER, Connection

Records = Mapping[BlsPublicKey, KeyRecord]


class SlashingImportRefused(SsvError):
    """The records can't be merged; nothing changed."""


@dataclass(frozen=True, slots=True)
class Imported:
    """How many keys an import changed. `not_held` counts those of both that are neither a share nor a plain key."""

    raised: int
    unchanged: int
    not_held: int


def check(records: Records, chain: BeaconChain, clock: Slot, *, accept_future: bool = False) -> None:
    """Refuse marks that no signer can have reached yet: with them the key could not sign until then.

    `accept_future` lifts that, not the limit of the database. Raises SlashingImportRefused.
    """
    last_slot = MAX_INTEGER - 1 if accept_future else window.latest(chain, clock)
    last_epoch = MAX_INTEGER - 1 if accept_future else chain.epoch_of(clock) + 1
    for pubkey, record in records.items():
        marks: list[tuple[str, int, int]] = []
        if record.attestation is not None:
            marks.append(("source epoch", record.attestation.source, last_epoch))
            marks.append(("target epoch", record.attestation.target, last_epoch))
        if record.proposal is not None:
            marks.append(("block slot", record.proposal.slot, last_slot))
        for name, value, last in marks:
            if value > last:
                raise SlashingImportRefused(
                    f"{name} {value} of key 0x{pubkey.hex()} lies in the future (now: slot {clock}, epoch "
                    f"{chain.epoch_of(clock)}); the key could not sign until then. Nothing was "
                    "imported: check the file, or want it (ssvctl: --accept-future)"
                )


def all_records(connection: Connection) -> dict[BlsPublicKey, KeyRecord]:
    """Return the record of every key that ever had one, by key."""
    rows = connection.execute(
        "SELECT share_pubkey FROM attestations UNION SELECT share_pubkey FROM proposals"
    ).fetchall()
    return _records(connection, sorted(BlsPublicKey(bytes(key)) for (key,) in rows))


def histories(connection: Connection, keys: Sequence[BlsPublicKey]) -> list[KeyHistory]:
    """Return what keys are known to have signed since the last gap, with their watermarks."""
    votes, blocks, marks = (
        history.attestations(connection, keys),
        history.blocks(connection, keys),
        _records(connection, keys),
    )
    return [
        _with_mark(key, known_attestations(votes.get(key, ())), known_blocks(blocks.get(key, ())), marks[key])
        for key in keys
    ]


def merge(connection: Connection, records: Records, plain_keys: Collection[BlsPublicKey] = ()) -> Imported:
    """Merge records, which were checked, into those on record. `plain_keys`: what is held besides shares."""
    before = _records(connection, list(records))
    after = {key: _storable(before[key], rules.merged(before[key], records[key])) for key in records}
    raised = [key for key in records if after[key] != before[key]]
    votes = {key: vote for key in raised if (vote := after[key].attestation) and vote != before[key].attestation}
    blocks = {key: block for key in raised if (block := after[key].proposal) and block != before[key].proposal}
    unknown = history.missing(connection, votes, blocks)
    watermarks.put_attestations(connection, votes)
    watermarks.put_proposals(connection, blocks)
    history.mark_gaps(connection, *unknown)  # what led up to these marks is not known here
    leases.changed_otherwise(connection, shares.committees_of(connection, raised))  # to lose this is to be behind
    held = {*shares.active_keys(connection), *plain_keys}
    return Imported(len(raised), len(records) - len(raised), len(records.keys() - held))


def _with_mark(
    key: BlsPublicKey, votes: tuple[SignedAttestation, ...], blocks: tuple[SignedBlock, ...], mark: KeyRecord
) -> KeyHistory:
    """Return a history that forbids at least what the watermark does."""
    if (attested := mark.attestation) is not None:
        highest = SignedAttestation(attested.source, attested.target, attested.signing_root)
        votes = votes if highest in votes else (*votes, highest)
    if (proposed := mark.proposal) is not None:
        last = SignedBlock(proposed.slot, proposed.signing_root)
        blocks = blocks if last in blocks else (*blocks, last)
    return KeyHistory(key, blocks, votes)


def _records(connection: Connection, keys: Sequence[BlsPublicKey]) -> dict[BlsPublicKey, KeyRecord]:
    attested, proposed = watermarks.attestations(connection, keys), watermarks.proposals(connection, keys)
    return {key: KeyRecord(attested.get(key), proposed.get(key)) for key in keys}


def _storable(known: KeyRecord, merged: KeyRecord) -> KeyRecord:
    attested, proposed = merged.attestation, merged.proposal
    old_vote, old_block = known.attestation, known.proposal
    if attested and old_vote and attested.target == old_vote.target and attested.signing_root != old_vote.signing_root:
        attested = AttestationRecord(attested.source, Epoch(attested.target + 1))
    if proposed and old_block and proposed.slot == old_block.slot and proposed.signing_root != old_block.signing_root:
        proposed = ProposalRecord(Slot(proposed.slot + 1))
    return KeyRecord(attested, proposed)
