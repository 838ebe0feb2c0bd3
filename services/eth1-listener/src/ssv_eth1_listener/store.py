"""The registry on disk: SQLite, one transaction a block or a few, and the way back from the last ones.

Invariants: records, last block and its hash change together or not at all, and only what a block changed is written;
a transaction that does not start from the block on record fails, so two processes cannot mix their work in one file;
a file belongs to one contract on one chain for ever.
What the last blocks changed is kept reversed, so that a reorganisation costs what it takes back. Validators that left
are remembered with their share keys: only what the registry saw go may be taken from the signer.
Not guaranteed: that the last blocks survive a power cut (synchronous=NORMAL). They are read from the chain again.

Source: architecture §5.8.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from immutables import Map

from ssv_protocol.registry.apply import AppliedBlock
from ssv_protocol.registry.changes import ValidatorRemoved
from ssv_protocol.registry.draft import Delta, moved
from ssv_protocol.registry.state import ChainMoment, OperatorRecord, Recipient, RegistryState, ValidatorRecord
from ssv_protocol.types.ids import BlsPublicKey, ExecutionAddress, OperatorId
from ssv_runtime.settings import SettingsError

SCHEMA_VERSION = 3
UNDO_BLOCKS = 256
"""How many blocks can be taken back, if every one is on record."""
_SCHEMA = """
CREATE TABLE meta (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    contract BLOB NOT NULL, from_block INTEGER NOT NULL, chain_id INTEGER,
    block_number INTEGER NOT NULL, block_hash BLOB NOT NULL,
    caught_up INTEGER NOT NULL, own_public_pem BLOB
) STRICT;
CREATE TABLE operators (
    operator_id INTEGER PRIMARY KEY, owner BLOB NOT NULL, public_key BLOB NOT NULL, public_pem BLOB
) STRICT;
CREATE TABLE validators (
    public_key BLOB PRIMARY KEY, owner BLOB NOT NULL, cluster_id BLOB NOT NULL, liquidated INTEGER NOT NULL,
    exit_block INTEGER, exit_block_time_s INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE seats (
    validator BLOB NOT NULL REFERENCES validators ON DELETE CASCADE, place INTEGER NOT NULL,
    operator_id INTEGER NOT NULL, share_public_key BLOB NOT NULL, encrypted_key BLOB NOT NULL,
    PRIMARY KEY (validator, place)
) STRICT, WITHOUT ROWID;
CREATE TABLE recipients (
    owner BLOB PRIMARY KEY, fee_recipient BLOB NOT NULL, next_nonce INTEGER NOT NULL,
    changed_block INTEGER, changed_block_time_s INTEGER
) STRICT, WITHOUT ROWID;
"""
_NEW_IN_3 = """
CREATE TABLE undo (
    block_number INTEGER PRIMARY KEY, before_number INTEGER NOT NULL, before_hash BLOB NOT NULL, records BLOB NOT NULL
) STRICT;
CREATE TABLE removals (
    validator BLOB NOT NULL, block_number INTEGER NOT NULL, share_public_keys BLOB NOT NULL,
    PRIMARY KEY (validator, block_number, share_public_keys)
) STRICT, WITHOUT ROWID;
CREATE INDEX removals_by_block ON removals (block_number);
"""
_MIGRATIONS = {
    1: """
ALTER TABLE validators ADD COLUMN exit_block INTEGER;
ALTER TABLE validators ADD COLUMN exit_block_time_s INTEGER;
ALTER TABLE recipients ADD COLUMN changed_block INTEGER;
ALTER TABLE recipients ADD COLUMN changed_block_time_s INTEGER;
""",
    2: _NEW_IN_3,
}
"""By the version that they lead away from, to the next one. What an older version left out of the registry is only on
the chain, so after any of them the registry is read again."""


class StoreError(SettingsError):
    """The registry's database cannot be used as it is; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Saved:
    """What a database held when it was opened. `caught_up`: the state had reached the head of the chain once."""

    state: RegistryState
    caught_up: bool
    own_public_pem: bytes | None
    chain_id: int | None = None


class BlockRef(NamedTuple):
    """A block by number and hash."""

    number: int
    hash: bytes


class RegistryStore:
    """The database at `path` for one contract. Its calls block, and may come from any thread."""

    def __init__(self, path: Path, contract: ExecutionAddress, from_block: int) -> None:
        """Open or make the database; raises StoreError when it is another contract's, or no such database."""
        self._path = path
        self._lock = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        try:
            self._open(contract, from_block)
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise StoreError(f"registry database {path}: {error}; move it away to build it again") from None
        except StoreError:
            self._db.close()
            raise

    def close(self) -> None:
        """Close the file, after a transaction that is under way. May be called again."""
        with self._lock:
            self._db.close()

    def load(self) -> Saved:
        """Return what the database holds."""
        with self._transaction():
            number, block_hash, caught_up, pem, chain_id = self._db.execute(
                "SELECT block_number, block_hash, caught_up, own_public_pem, chain_id FROM meta"
            ).fetchone()
            state = RegistryState(number, block_hash, self._operators(), self._validators(), self._recipients())
        return Saved(state, bool(caught_up), pem, chain_id)

    def pin_chain(self, chain_id: int) -> None:
        """Bind the database to a chain; raises StoreError when it is bound to another."""
        with self._transaction():
            (pinned,) = self._db.execute("SELECT chain_id FROM meta").fetchone()
            if pinned not in {None, chain_id}:
                raise StoreError(
                    f"registry database {self._path} is of chain {pinned}, the execution node of chain {chain_id}: "
                    "correct execution_urls, or move the database away"
                )
            self._db.execute("UPDATE meta SET chain_id = ?", [chain_id])

    def remember_own_key(self, public_pem: bytes) -> None:
        """Keep the operator's public key, so that a restart does not need the signer to know who it is."""
        with self._transaction():
            self._db.execute("UPDATE meta SET own_public_pem = ?", [public_pem])

    def write(self, before: RegistryState, applied: AppliedBlock, caught_up: bool, *, keep_undo: bool = False) -> None:
        """Move the database from `before` to what a block made of it.

        `keep_undo` makes it possible to come back; without it, no earlier state can be come back to either.
        Raises StoreError when the database does not stand at `before`.
        """
        after = applied.state
        with self._transaction():
            self._move(before, after, caught_up)
            _write(self._db, applied.delta, before)
            self._db.executemany(
                "INSERT OR IGNORE INTO removals VALUES (?, ?, ?)",
                [
                    (change.validator.public_key, after.block_number, b"".join(change.validator.share_public_keys))
                    for change in applied.changes
                    if isinstance(change, ValidatorRemoved)
                ],
            )
            if keep_undo:
                records = msgspec.msgpack.encode(applied.delta.reversed(before))
                self._db.execute(
                    "INSERT INTO undo VALUES (?, ?, ?, ?)",
                    [after.block_number, before.block_number, before.block_hash, records],
                )
                oldest = after.block_number - UNDO_BLOCKS
            else:
                oldest = after.block_number
            self._db.execute("DELETE FROM undo WHERE block_number <= ?", [oldest])

    def earlier(self) -> list[BlockRef]:
        """Return the blocks that `roll_back` can go back to, the newest first."""
        with self._transaction():
            rows = self._db.execute("SELECT before_number, before_hash FROM undo ORDER BY block_number DESC").fetchall()
        return [BlockRef(*row) for row in rows]

    def roll_back(self, state: RegistryState, to: BlockRef) -> RegistryState:
        """Take back the blocks after `to`, one of the `earlier` ones, and return the state there.

        Raises StoreError when the database does not stand at `state`, or cannot go back that far.
        """
        with self._transaction():
            before = state
            rows = self._db.execute(
                "SELECT before_number, before_hash, records FROM undo"
                " WHERE block_number > ? ORDER BY block_number DESC",
                [to.number],
            ).fetchall()
            for number, block_hash, records in rows:
                delta = msgspec.msgpack.decode(records, type=Delta)
                _write(self._db, delta, state)
                state = moved(state, delta, number, block_hash)
            if (state.block_number, state.block_hash) != to:
                raise StoreError(f"registry database {self._path} cannot go back to block {to.number}")
            self._move(before, state, caught_up=False)
            self._db.execute("DELETE FROM undo WHERE block_number > ?", [to.number])
            self._db.execute("DELETE FROM removals WHERE block_number > ?", [to.number])
        return state

    def was_removed(self, validator: BlsPublicKey, share_public_key: bytes) -> bool:
        """Tell whether the registry saw a validator with this share go."""
        with self._transaction():
            rows = self._db.execute(
                "SELECT share_public_keys FROM removals WHERE validator = ?", [validator]
            ).fetchall()
        size = len(share_public_key)
        return size > 0 and any(
            share_public_key in {keys[at : at + size] for at in range(0, len(keys), size)} for (keys,) in rows
        )

    def clear(self) -> None:
        """Forget the registry, not what the database is bound to."""
        with self._transaction():
            self._clear()

    def _move(self, before: RegistryState, after: RegistryState, caught_up: bool) -> None:
        moved_rows = self._db.execute(
            "UPDATE meta SET block_number = ?, block_hash = ?, caught_up = max(caught_up, ?)"
            " WHERE block_number = ? AND block_hash = ?",
            [after.block_number, after.block_hash, caught_up, before.block_number, before.block_hash],
        ).rowcount
        if not moved_rows:
            raise StoreError(f"registry database {self._path} was changed by another process: run one for each file")

    def _open(self, contract: ExecutionAddress, from_block: int) -> None:
        self._db.execute("PRAGMA busy_timeout = 5000")
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.execute("PRAGMA foreign_keys = ON")
        with self._transaction():
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
            if version == 0:
                self._create(contract, from_block)
            elif version in _MIGRATIONS:
                self._migrate(version)
            elif version != SCHEMA_VERSION:
                raise StoreError(
                    f"registry database {self._path} has schema {version}, not {SCHEMA_VERSION}: "
                    "move it away to build it again"
                )
        pinned = self._db.execute("SELECT contract, from_block FROM meta").fetchone()
        if pinned != (contract, from_block):
            raise StoreError(
                f"registry database {self._path} is of contract 0x{pinned[0].hex()} from block {pinned[1]}, "
                f"the network file's is 0x{contract.hex()} from block {from_block}: "
                "correct that file, or move the database away"
            )

    def _migrate(self, version: int) -> None:
        for each in range(version, SCHEMA_VERSION):
            self._execute_all(_MIGRATIONS[each])
        self._clear()
        self._db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def _clear(self) -> None:
        for table in ("operators", "validators", "recipients", "undo", "removals"):
            self._db.execute(f"DELETE FROM {table}")  # noqa: S608 (our own names)
        empty = RegistryState()
        self._db.execute(
            "UPDATE meta SET block_number = ?, block_hash = ?, caught_up = 0", [empty.block_number, empty.block_hash]
        )

    def _execute_all(self, statements: str) -> None:
        # not executescript: that would commit the transaction
        for statement in statements.split(";\n"):
            self._db.execute(statement)

    def _create(self, contract: ExecutionAddress, from_block: int) -> None:
        self._execute_all(_SCHEMA)
        self._execute_all(_NEW_IN_3)
        empty = RegistryState()
        self._db.execute(
            "INSERT INTO meta VALUES (1, ?, ?, NULL, ?, ?, 0, NULL)",
            [contract, from_block, empty.block_number, empty.block_hash],
        )
        self._db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def _operators(self) -> Mapping[OperatorId, OperatorRecord]:
        rows = self._db.execute("SELECT operator_id, owner, public_key, public_pem FROM operators")
        return Map({row[0]: OperatorRecord(*row) for row in rows})

    def _validators(self) -> Mapping[BlsPublicKey, ValidatorRecord]:
        columns = "validator, operator_id, share_public_key, encrypted_key"
        seats = self._db.execute(f"SELECT {columns} FROM seats ORDER BY validator, place")  # noqa: S608 (our own names)
        by_validator = groupby(seats, key=itemgetter(0))
        shared: dict[Any, Any] = {}  # thousands have the same owner, cluster and operators

        def records() -> Iterator[tuple[BlsPublicKey, ValidatorRecord]]:
            for row in self._db.execute(
                "SELECT public_key, owner, cluster_id, liquidated, exit_block, exit_block_time_s FROM validators"
                " ORDER BY public_key"
            ):
                key = BlsPublicKey(row[0])
                seated, of_validator = next(by_validator, (None, iter(())))
                if seated != key:
                    raise StoreError(f"registry database {self._path} is damaged; move it away to build it again")
                _, ids, share_keys, encrypted = zip(*of_validator, strict=True)
                owner, cluster, operator_ids = (shared.setdefault(value, value) for value in (row[1], row[2], ids))
                record = ValidatorRecord(
                    key, owner, operator_ids, share_keys, encrypted, cluster, bool(row[3]), _moment(*row[4:])
                )
                yield key, record

        return Map(records())

    def _recipients(self) -> Mapping[ExecutionAddress, Recipient]:
        columns = "owner, fee_recipient, next_nonce, changed_block, changed_block_time_s"
        rows = self._db.execute(f"SELECT {columns} FROM recipients")  # noqa: S608 (our own names)
        return Map(
            {
                owner: Recipient(fee_recipient, nonce, _moment(*changed))
                for owner, fee_recipient, nonce, *changed in rows
            }
        )


def _moment(block_number: int | None, block_time_s: int | None) -> ChainMoment | None:
    return None if block_number is None or block_time_s is None else ChainMoment(block_number, block_time_s)


def _columns(moment: ChainMoment | None) -> tuple[int | None, int | None]:
    return (None, None) if moment is None else (moment.block_number, moment.block_time_s)


def _write(db: sqlite3.Connection, delta: Delta, before: RegistryState) -> None:
    """Make the records that a delta names what it says, in a database that stands at `before`."""
    if delta.operators:
        db.executemany("DELETE FROM operators WHERE operator_id = ?", [(key,) for key in delta.operators])
        operators = [each for each in delta.operators.values() if each is not None]
        db.executemany(
            "INSERT INTO operators VALUES (?, ?, ?, ?)",
            [(each.operator_id, each.owner, each.public_key, each.public_pem) for each in operators],
        )
    if delta.validators:
        _write_validators(db, delta.validators, before)
    if delta.recipients:
        gone = [(owner,) for owner, each in delta.recipients.items() if each is None]
        db.executemany("DELETE FROM recipients WHERE owner = ?", gone)
        db.executemany(
            "INSERT OR REPLACE INTO recipients VALUES (?, ?, ?, ?, ?)",
            [
                (owner, each.fee_recipient, each.next_nonce, *_columns(each.changed))
                for owner, each in delta.recipients.items()
                if each is not None
            ],
        )


def _write_validators(
    db: sqlite3.Connection, written: Mapping[BlsPublicKey, ValidatorRecord | None], before: RegistryState
) -> None:
    """Most events change what a validator does, not who its operators are: their seats are left alone."""
    changed, added, gone = [], [], []
    for key, record in written.items():
        known = before.validators.get(key)
        if record is not None and known is not None and _seats(known) == _seats(record):
            changed.append(record)
        else:
            gone.append((key,))
            if record is not None:
                added.append(record)
    db.executemany(
        "UPDATE validators SET owner = ?, cluster_id = ?, liquidated = ?, exit_block = ?, exit_block_time_s = ?"
        " WHERE public_key = ?",
        [(*_row(each)[1:], each.public_key) for each in changed],
    )
    db.executemany("DELETE FROM validators WHERE public_key = ?", gone)
    db.executemany("INSERT INTO validators VALUES (?, ?, ?, ?, ?, ?)", map(_row, added))
    db.executemany(
        "INSERT INTO seats VALUES (?, ?, ?, ?, ?)",
        [
            (each.public_key, place, *seat)
            for each in added
            for place, seat in enumerate(zip(*_seats(each), strict=True))
        ],
    )


def _seats(record: ValidatorRecord) -> tuple[tuple[OperatorId, ...], tuple[BlsPublicKey, ...], tuple[bytes, ...]]:
    return record.operator_ids, record.share_public_keys, record.encrypted_keys


def _row(record: ValidatorRecord) -> tuple[bytes, bytes, bytes, bool, int | None, int | None]:
    return record.public_key, record.owner, record.cluster_id, record.liquidated, *_columns(record.exit_request)
