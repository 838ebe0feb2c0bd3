"""The tables in SQLite, as forward-only migrations; `postgres_schema.py` has the same ones.

`user_version` of the file counts the migrations that were applied; each is applied in one transaction with its
count, so an interrupted one begins anew. A migration that was released is never changed.

Invariants that the tables keep whatever the code above does: watermarks, rounds, fences and what counts writes never
fall, watermarks and leases are never deleted, and a step or a batch that is on record is never changed. Only pruning
deletes, and only steps and batches.

Source: architecture §5.1 to §5.3.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from ssv_signer.errors import StartRefused
from ssv_signer.store import history_schema

_FIRST = (
    "CREATE TABLE pins (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID",
    # the committees of the shares, with the keys that the registry gave
    "CREATE TABLE committees (committee_id BLOB PRIMARY KEY, own_operator_id INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    """CREATE TABLE committee_operators (
        committee_id BLOB NOT NULL REFERENCES committees,
        operator_id INTEGER NOT NULL,
        public_key BLOB NOT NULL,
        PRIMARY KEY (committee_id, operator_id)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE shares (
        share_pubkey BLOB PRIMARY KEY,
        validator_pubkey BLOB NOT NULL,
        committee_id BLOB NOT NULL REFERENCES committees,
        sealed_secret BLOB,
        active INTEGER NOT NULL CHECK (active IN (0, 1)),
        may_sign_from_epoch INTEGER NOT NULL,
        CHECK (active = 0 OR sealed_secret IS NOT NULL)
    ) STRICT, WITHOUT ROWID""",
    "CREATE UNIQUE INDEX one_active_share ON shares (validator_pubkey) WHERE active = 1",
    "CREATE INDEX shares_of_committee ON shares (committee_id)",
    # watermarks: one row per share, kept for ever
    """CREATE TABLE attestations (
        share_pubkey BLOB PRIMARY KEY,
        source_epoch INTEGER NOT NULL,
        target_epoch INTEGER NOT NULL,
        signing_root BLOB
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE proposals (
        share_pubkey BLOB PRIMARY KEY,
        slot INTEGER NOT NULL,
        signing_root BLOB
    ) STRICT, WITHOUT ROWID""",
    """CREATE TRIGGER attestations_never_fall BEFORE UPDATE ON attestations
    WHEN NEW.source_epoch < OLD.source_epoch OR NEW.target_epoch < OLD.target_epoch
      OR NEW.target_epoch = OLD.target_epoch AND NEW.signing_root IS NOT OLD.signing_root
    BEGIN SELECT RAISE(ABORT, 'an attestation record can only rise'); END""",
    """CREATE TRIGGER proposals_never_fall BEFORE UPDATE ON proposals
    WHEN NEW.slot < OLD.slot OR NEW.slot = OLD.slot AND NEW.signing_root IS NOT OLD.signing_root
    BEGIN SELECT RAISE(ABORT, 'a proposal record can only rise'); END""",
    """CREATE TRIGGER attestations_stay BEFORE DELETE ON attestations
    BEGIN SELECT RAISE(ABORT, 'an attestation record is never deleted'); END""",
    """CREATE TRIGGER proposals_stay BEFORE DELETE ON proposals
    BEGIN SELECT RAISE(ABORT, 'a proposal record is never deleted'); END""",
    # consensus: one row per message id and height, one per step; heights first, so that pruning deletes a range
    """CREATE TABLE consensus (
        height INTEGER NOT NULL,
        message_id BLOB NOT NULL,
        round INTEGER NOT NULL,
        root BLOB,
        lock_round INTEGER,
        lock_root BLOB,
        PRIMARY KEY (height, message_id),
        CHECK ((lock_round IS NULL) = (lock_root IS NULL))
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE consensus_steps (
        height INTEGER NOT NULL,
        message_id BLOB NOT NULL,
        type INTEGER NOT NULL,
        round INTEGER NOT NULL,
        message BLOB NOT NULL,
        full_data BLOB NOT NULL,
        PRIMARY KEY (height, message_id, type, round)
    ) STRICT""",
    """CREATE TRIGGER rounds_never_fall BEFORE UPDATE ON consensus
    WHEN NEW.round < OLD.round OR NEW.round = OLD.round AND OLD.root IS NOT NULL AND NEW.root IS NOT OLD.root
    BEGIN SELECT RAISE(ABORT, 'a round never falls and has one root'); END""",
    """CREATE TRIGGER steps_stay_as_they_are BEFORE UPDATE ON consensus_steps
    BEGIN SELECT RAISE(ABORT, 'a step on record is never changed'); END""",
    # partial signatures: one batch per message id, slot and type
    """CREATE TABLE partial_signatures (
        slot INTEGER NOT NULL,
        message_id BLOB NOT NULL,
        type INTEGER NOT NULL,
        position INTEGER NOT NULL,
        validator_index INTEGER NOT NULL,
        share_pubkey BLOB NOT NULL,
        signing_root BLOB NOT NULL,
        PRIMARY KEY (slot, message_id, type, position)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TRIGGER batches_stay_as_they_are BEFORE UPDATE ON partial_signatures
    BEGIN SELECT RAISE(ABORT, 'a batch on record is never changed'); END""",
)
_LEASES = (
    # who may ask for a committee's signatures, and how far its records have come
    """CREATE TABLE leases (
        committee_id BLOB PRIMARY KEY,
        lineage BLOB NOT NULL CHECK (length(lineage) = 16),
        fence INTEGER NOT NULL CHECK (fence > 0),
        seq INTEGER NOT NULL CHECK (seq > 0),
        holder TEXT NOT NULL,
        quiet_until_slot INTEGER NOT NULL,
        run TEXT NOT NULL,
        writer INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID""",
    """CREATE TRIGGER leases_never_fall BEFORE UPDATE ON leases
    WHEN NEW.committee_id <> OLD.committee_id OR NEW.fence < OLD.fence OR NEW.seq <= OLD.seq
      OR NEW.quiet_until_slot < OLD.quiet_until_slot OR NEW.lineage <> OLD.lineage AND NEW.fence = OLD.fence
    BEGIN SELECT RAISE(ABORT, 'a lease can only rise'); END""",
    """CREATE TRIGGER leases_stay BEFORE DELETE ON leases
    BEGIN SELECT RAISE(ABORT, 'a lease is never deleted'); END""",
)
_SHOWN_OBJECTS = (
    # what signing roots stand for, where share keys lie in a store that wants to be shown it
    """CREATE TABLE shown_objects (
        slot INTEGER NOT NULL,
        signing_root BLOB NOT NULL,
        body BLOB NOT NULL,
        PRIMARY KEY (slot, signing_root)
    ) STRICT""",
)
_SHARES_OF_VALIDATORS = (
    # a new share is compared with every one that its validator ever had
    "CREATE INDEX shares_of_validator ON shares (validator_pubkey)",
)
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    _FIRST,
    _LEASES,
    _SHOWN_OBJECTS,
    history_schema.SQLITE,
    _SHARES_OF_VALIDATORS,
)


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Apply the migrations that the file has not seen; raises StartRefused for a file of a newer version."""
    while True:
        connection.execute("BEGIN IMMEDIATE")
        try:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version > len(MIGRATIONS):
                raise StartRefused(f"{path} was written by a newer signer; use that version or a later one")
            pending = version < len(MIGRATIONS)
            if pending:
                for statement in MIGRATIONS[version]:
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {version + 1}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        if not pending:
            return
