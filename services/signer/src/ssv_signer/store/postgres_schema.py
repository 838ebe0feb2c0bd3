"""The tables in PostgreSQL, as forward-only migrations; `sqlite_schema.py` has the same ones.

`schema_version` counts the migrations that were applied. All that are missing are applied in one transaction, under a
lock, so replicas that start at once apply each of them once, and an interrupted start leaves nothing. A migration that
was released is never changed.

Invariants that the tables keep whatever the code above does: watermarks, rounds, fences and what counts writes never
fall, watermarks and leases are never deleted, and a step or a batch that is on record is never changed. Only pruning
deletes, and only steps and batches.

Source: architecture §5.1 to §5.3; PostgreSQL documentation, "Explicit Locking", "Trigger Functions".
"""

from __future__ import annotations

import psycopg

from ssv_signer.errors import StartRefused
from ssv_signer.store import history_schema


def _guard(table: str, when: str, name: str, condition: str, sentence: str) -> tuple[str, str]:
    """Return a trigger that refuses a row for which `condition` holds, with an integrity error."""
    level = "EACH STATEMENT" if "TRUNCATE" in when else "EACH ROW"
    body = f"RAISE EXCEPTION '{sentence}' USING ERRCODE = 'integrity_constraint_violation';"
    return (
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN IF {condition} THEN {body} END IF; RETURN NEW; END $$",
        f"CREATE TRIGGER {name} BEFORE {when} ON {table} FOR {level} EXECUTE FUNCTION {name}()",
    )


_FIRST = (
    "CREATE TABLE pins (name text PRIMARY KEY, value bytea NOT NULL)",
    # the committees of the shares, with the keys that the registry gave
    "CREATE TABLE committees (committee_id bytea PRIMARY KEY, own_operator_id bigint NOT NULL)",
    """CREATE TABLE committee_operators (
        committee_id bytea NOT NULL REFERENCES committees,
        operator_id bigint NOT NULL,
        public_key bytea NOT NULL,
        PRIMARY KEY (committee_id, operator_id)
    )""",
    """CREATE TABLE shares (
        share_pubkey bytea PRIMARY KEY,
        validator_pubkey bytea NOT NULL,
        committee_id bytea NOT NULL REFERENCES committees,
        sealed_secret bytea,
        active smallint NOT NULL CHECK (active IN (0, 1)),
        may_sign_from_epoch bigint NOT NULL,
        CHECK (active = 0 OR sealed_secret IS NOT NULL)
    )""",
    "CREATE UNIQUE INDEX one_active_share ON shares (validator_pubkey) WHERE active = 1",
    "CREATE INDEX shares_of_committee ON shares (committee_id)",
    # watermarks: one row per share, kept for ever
    """CREATE TABLE attestations (
        share_pubkey bytea PRIMARY KEY,
        source_epoch bigint NOT NULL,
        target_epoch bigint NOT NULL,
        signing_root bytea
    )""",
    "CREATE TABLE proposals (share_pubkey bytea PRIMARY KEY, slot bigint NOT NULL, signing_root bytea)",
    *_guard(
        "attestations",
        "UPDATE",
        "attestations_never_fall",
        "NEW.share_pubkey <> OLD.share_pubkey OR NEW.source_epoch < OLD.source_epoch "
        "OR NEW.target_epoch < OLD.target_epoch "
        "OR NEW.target_epoch = OLD.target_epoch AND NEW.signing_root IS DISTINCT FROM OLD.signing_root",
        "an attestation record can only rise",
    ),
    *_guard(
        "proposals",
        "UPDATE",
        "proposals_never_fall",
        "NEW.share_pubkey <> OLD.share_pubkey OR NEW.slot < OLD.slot "
        "OR NEW.slot = OLD.slot AND NEW.signing_root IS DISTINCT FROM OLD.signing_root",
        "a proposal record can only rise",
    ),
    *_guard("attestations", "DELETE", "attestations_stay", "true", "an attestation record is never deleted"),
    *_guard("proposals", "DELETE", "proposals_stay", "true", "a proposal record is never deleted"),
    *_guard("attestations", "TRUNCATE", "all_attestations_stay", "true", "an attestation record is never deleted"),
    *_guard("proposals", "TRUNCATE", "all_proposals_stay", "true", "a proposal record is never deleted"),
    # consensus: one row per message id and height, one per step; heights first, so that pruning deletes a range
    """CREATE TABLE consensus (
        height bigint NOT NULL,
        message_id bytea NOT NULL,
        round bigint NOT NULL,
        root bytea,
        lock_round bigint,
        lock_root bytea,
        PRIMARY KEY (height, message_id),
        CHECK ((lock_round IS NULL) = (lock_root IS NULL))
    )""",
    """CREATE TABLE consensus_steps (
        height bigint NOT NULL,
        message_id bytea NOT NULL,
        type bigint NOT NULL,
        round bigint NOT NULL,
        message bytea NOT NULL,
        full_data bytea NOT NULL,
        PRIMARY KEY (height, message_id, type, round)
    )""",
    *_guard(
        "consensus",
        "UPDATE",
        "rounds_never_fall",
        "NEW.round < OLD.round "
        "OR NEW.round = OLD.round AND OLD.root IS NOT NULL AND NEW.root IS DISTINCT FROM OLD.root",
        "a round never falls and has one root",
    ),
    *_guard("consensus_steps", "UPDATE", "steps_stay_as_they_are", "true", "a step on record is never changed"),
    # partial signatures: one batch per message id, slot and type
    """CREATE TABLE partial_signatures (
        slot bigint NOT NULL,
        message_id bytea NOT NULL,
        type bigint NOT NULL,
        position bigint NOT NULL,
        validator_index bigint NOT NULL,
        share_pubkey bytea NOT NULL,
        signing_root bytea NOT NULL,
        PRIMARY KEY (slot, message_id, type, position)
    )""",
    *_guard("partial_signatures", "UPDATE", "batches_stay_as_they_are", "true", "a batch on record is never changed"),
    # what a judging transaction takes first, in one round trip; one after another in the order given
    """CREATE FUNCTION lock_records(keys bigint[]) RETURNS void LANGUAGE plpgsql AS $$
    DECLARE key bigint;
    BEGIN
        PERFORM pg_advisory_xact_lock_shared(1397970515, 1);
        FOREACH key IN ARRAY keys LOOP PERFORM pg_advisory_xact_lock(key); END LOOP;
    END $$""",
    """CREATE FUNCTION lock_everything() RETURNS void LANGUAGE plpgsql AS $$
    BEGIN PERFORM pg_advisory_xact_lock(1397970515, 1); END $$""",
)
_LEASES = (
    # who may ask for a committee's signatures, and how far its records have come
    """CREATE TABLE leases (
        committee_id bytea PRIMARY KEY,
        lineage bytea NOT NULL CHECK (length(lineage) = 16),
        fence bigint NOT NULL CHECK (fence > 0),
        seq bigint NOT NULL CHECK (seq > 0),
        holder text NOT NULL,
        quiet_until_slot bigint NOT NULL,
        run text NOT NULL,
        writer bigint NOT NULL
    )""",
    # which run of the server a row was written in, and by which transaction: one that was restored has another xmin
    """CREATE FUNCTION this_run() RETURNS text LANGUAGE sql STABLE AS
    $$ SELECT pg_postmaster_start_time()::timestamp::text $$""",
    """CREATE FUNCTION this_writer() RETURNS bigint LANGUAGE sql STABLE AS
    $$ SELECT pg_current_xact_id()::text::bigint % 4294967296 $$""",
    *_guard(
        "leases",
        "UPDATE",
        "leases_never_fall",
        "NEW.committee_id <> OLD.committee_id OR NEW.fence < OLD.fence OR NEW.seq <= OLD.seq "
        "OR NEW.quiet_until_slot < OLD.quiet_until_slot OR NEW.lineage <> OLD.lineage AND NEW.fence = OLD.fence",
        "a lease can only rise",
    ),
    *_guard("leases", "DELETE", "leases_stay", "true", "a lease is never deleted"),
    *_guard("leases", "TRUNCATE", "all_leases_stay", "true", "a lease is never deleted"),
)
_SHOWN_OBJECTS = (
    # what signing roots stand for, where share keys lie in a store that wants to be shown it
    """CREATE TABLE shown_objects (
        slot bigint NOT NULL,
        signing_root bytea NOT NULL,
        body bytea NOT NULL,
        PRIMARY KEY (slot, signing_root)
    )""",
)
_SHARES_OF_VALIDATORS = (
    # a new share is compared with every one that its validator ever had
    "CREATE INDEX shares_of_validator ON shares (validator_pubkey)",
)
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    _FIRST,
    _LEASES,
    _SHOWN_OBJECTS,
    history_schema.POSTGRES,
    _SHARES_OF_VALIDATORS,
)
_LOCK = "SELECT pg_advisory_xact_lock(1397970515, 2)"
"""The number is "SSVS"; 1 keeps records, 2 migrations."""


def migrate(raw: psycopg.Connection) -> None:
    """Apply the migrations that the database has not seen.

    Raises:
        StartRefused: the database is of a newer version.
        psycopg.Error: the database failed; nothing was applied.
    """
    with raw.transaction():
        raw.execute(_LOCK)
        raw.execute("CREATE TABLE IF NOT EXISTS schema_version (version bigint NOT NULL)")
        row = raw.execute("SELECT max(version) FROM schema_version").fetchone()
        version = (row and row[0]) or 0
        if version > len(MIGRATIONS):
            raise StartRefused("the database was written by a newer signer; use that version or a later one")
        for number in range(version, len(MIGRATIONS)):
            for statement in MIGRATIONS[number]:
                raw.execute(statement.encode())
            raw.execute("INSERT INTO schema_version VALUES (%s)", (number + 1,))
