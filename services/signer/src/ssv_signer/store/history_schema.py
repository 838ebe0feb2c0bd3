"""The tables of the optional history of signed objects, in both databases, and what fills them.

Triggers on the watermarks write it, so no way to a new watermark can leave it out. A watermark that was not reached by
signing one object above the one before is marked as a gap: the first of a key, one that was raised, one without a root.

SQLite asks the pin `history` whether it is wanted; PostgreSQL's triggers are switched, so that they cost nothing while
it is not.
"""

from __future__ import annotations

from typing import Final

PIN: Final = "history"
_KEPT = f"EXISTS (SELECT 1 FROM pins WHERE name = '{PIN}')"  # noqa: S608 (a constant)

SQLITE = (
    """CREATE TABLE signed_attestations (
        share_pubkey BLOB NOT NULL,
        target_epoch INTEGER NOT NULL,
        source_epoch INTEGER NOT NULL,
        signing_root BLOB NOT NULL,
        gap INTEGER NOT NULL CHECK (gap IN (0, 1)),
        PRIMARY KEY (share_pubkey, target_epoch, source_epoch, signing_root)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE signed_blocks (
        share_pubkey BLOB NOT NULL,
        slot INTEGER NOT NULL,
        signing_root BLOB NOT NULL,
        gap INTEGER NOT NULL CHECK (gap IN (0, 1)),
        PRIMARY KEY (share_pubkey, slot, signing_root)
    ) STRICT, WITHOUT ROWID""",
    *(
        f"""CREATE TRIGGER attestations_are_remembered_{name} AFTER {event} ON attestations WHEN {_KEPT}
        BEGIN INSERT INTO signed_attestations VALUES (
            NEW.share_pubkey, NEW.target_epoch, NEW.source_epoch, ifnull(NEW.signing_root, x''), {gap}
        ) ON CONFLICT DO NOTHING; END"""  # noqa: S608 (constants)
        for name, event, gap in (
            ("first", "INSERT", "1"),
            ("then", "UPDATE", "NEW.signing_root IS NULL OR NEW.target_epoch = OLD.target_epoch"),
        )
    ),
    *(
        f"""CREATE TRIGGER blocks_are_remembered_{name} AFTER {event} ON proposals WHEN {_KEPT}
        BEGIN INSERT INTO signed_blocks VALUES (NEW.share_pubkey, NEW.slot, ifnull(NEW.signing_root, x''), {gap})
        ON CONFLICT DO NOTHING; END"""  # noqa: S608 (constants)
        for name, event, gap in (("first", "INSERT", "1"), ("then", "UPDATE", "NEW.signing_root IS NULL"))
    ),
)

POSTGRES = (
    """CREATE TABLE signed_attestations (
        share_pubkey bytea NOT NULL,
        target_epoch bigint NOT NULL,
        source_epoch bigint NOT NULL,
        signing_root bytea NOT NULL,
        gap smallint NOT NULL CHECK (gap IN (0, 1)),
        PRIMARY KEY (share_pubkey, target_epoch, source_epoch, signing_root)
    )""",
    """CREATE TABLE signed_blocks (
        share_pubkey bytea NOT NULL,
        slot bigint NOT NULL,
        signing_root bytea NOT NULL,
        gap smallint NOT NULL CHECK (gap IN (0, 1)),
        PRIMARY KEY (share_pubkey, slot, signing_root)
    )""",
    """CREATE FUNCTION remember_attestation() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE gap boolean := true;
    BEGIN
        IF TG_OP = 'UPDATE' THEN gap := NEW.signing_root IS NULL OR NEW.target_epoch = OLD.target_epoch; END IF;
        INSERT INTO signed_attestations VALUES (
            NEW.share_pubkey, NEW.target_epoch, NEW.source_epoch, coalesce(NEW.signing_root, ''), gap::int
        ) ON CONFLICT DO NOTHING;
        RETURN NULL;
    END $$""",
    """CREATE FUNCTION remember_block() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE gap boolean := true;
    BEGIN
        IF TG_OP = 'UPDATE' THEN gap := NEW.signing_root IS NULL; END IF;
        INSERT INTO signed_blocks VALUES (NEW.share_pubkey, NEW.slot, coalesce(NEW.signing_root, ''), gap::int)
        ON CONFLICT DO NOTHING;
        RETURN NULL;
    END $$""",
    "CREATE TRIGGER attestations_are_remembered AFTER INSERT OR UPDATE ON attestations "
    "FOR EACH ROW EXECUTE FUNCTION remember_attestation()",
    "CREATE TRIGGER blocks_are_remembered AFTER INSERT OR UPDATE ON proposals "
    "FOR EACH ROW EXECUTE FUNCTION remember_block()",
    "ALTER TABLE attestations DISABLE TRIGGER attestations_are_remembered",
    "ALTER TABLE proposals DISABLE TRIGGER blocks_are_remembered",
)
POSTGRES_SWITCH = {
    kept: (
        f"ALTER TABLE attestations {verb} TRIGGER attestations_are_remembered",
        f"ALTER TABLE proposals {verb} TRIGGER blocks_are_remembered",
    )
    for kept, verb in ((True, "ENABLE"), (False, "DISABLE"))
}
