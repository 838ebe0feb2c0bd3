"""The SQLite file: opened, migrated, and written in transactions whose commit is durable.

Invariants: WAL with synchronous=FULL, so a commit that returned is on the disk; every transaction that writes takes the
write lock before it reads, so what it judged by can't have changed when it writes, not even by a second process on the
same file. One thread uses a connection; sqlite3 itself refuses any other.

Not guaranteed: anything about a file system that lies about fsync, or that several machines share.

Source: sqlite.org/wal.html, sqlite.org/pragma.html#pragma_synchronous; architecture §5.1.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from ssv_signer.errors import StartRefused
from ssv_signer.store import sqlite_schema
from ssv_signer.store.database import Connection, Contradiction, Rows, StoreError, Value

FILE_NAME = "signer.sqlite"
_BUSY_TIMEOUT_S = 5.0
_KEYS_AT_ONCE = 500
_RUN_BYTES = 16
_PRIVATE_FILE, _PRIVATE_FOLDER = 0o600, 0o700


class _Rows:
    """What a statement gave, all of it: reading on could fail too."""

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self._next = iter(cursor.fetchall())
        self.rowcount = cursor.rowcount

    def fetchone(self) -> Any:
        return next(self._next, None)

    def fetchall(self) -> list[Any]:
        return list(self._next)


class _Connection:
    """sqlite3's connection, with this package's errors."""

    row_writer = "0"

    def __init__(self, raw: sqlite3.Connection) -> None:
        self.raw = raw

    def execute(self, sql: str, parameters: Sequence[Value] = ()) -> Rows:
        try:
            return _Rows(self.raw.execute(sql, parameters))
        except sqlite3.Error as error:
            raise _translated(error) from error

    def executemany(self, sql: str, parameters: Iterable[Sequence[Value]]) -> None:
        try:
            self.raw.executemany(sql, parameters)
        except sqlite3.Error as error:
            raise _translated(error) from error

    def insert(self, table: str, rows: Sequence[Sequence[Value]], otherwise: str = "") -> None:
        if rows:
            values = ", ".join("?" * len(rows[0]))
            self.executemany(f"INSERT INTO {table} VALUES ({values}) {otherwise}", rows)  # noqa: S608

    def select_among(self, query: str, keys: Sequence[Sequence[Value]]) -> Iterator[Any]:
        for rows, values in _parts(keys):
            yield from self.execute(f"{query} ({rows})", values).fetchall()

    def select_joined(self, columns: str, keys: Sequence[Sequence[Value]], query: str) -> Iterator[Any]:
        for rows, values in _parts(keys):
            yield from self.execute(f"WITH asked({columns}) AS ({rows}) {query}", values).fetchall()


class SqliteStore:
    """The file. Open, use and close it in one thread."""

    name = "SQLite"
    remedy = "check the disk of the data folder"
    comes_back = False
    history_switch: Mapping[bool, Sequence[str]] = {True: (), False: ()}

    def __init__(self, raw: sqlite3.Connection) -> None:
        self.raw = raw
        self._connection = _Connection(raw)
        self.verify: Callable[[Connection], None] | None = None

    @classmethod
    def open(cls, data_dir: Path) -> SqliteStore:
        """Open or create the file in `data_dir` and bring its schema up to date; raises StartRefused."""
        path = data_dir / FILE_NAME
        try:
            data_dir.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, _PRIVATE_FILE))
            store = cls(sqlite3.connect(path, timeout=_BUSY_TIMEOUT_S, isolation_level=None))
            store._configure(path)
            sqlite_schema.migrate(store.raw, path)
            _sync_folder(data_dir)
        except sqlite3.Error as error:
            raise StartRefused(f"{path} can't be opened ({error}); check the disk, or restore the file") from None
        except OSError as error:
            raise StartRefused(f"{path} can't be opened ({error.strerror}); check the folder's permissions") from None
        return store

    def _configure(self, path: Path) -> None:
        (mode,) = self.raw.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal":
            raise StartRefused(f"{path} can't use a write-ahead log; put the data folder on a local disk")
        run = secrets.token_hex(_RUN_BYTES)
        self.raw.create_function("this_run", 0, lambda: run)
        self.raw.create_function("this_writer", 0, lambda: 0)
        self.raw.execute("PRAGMA synchronous = FULL")
        self.raw.execute("PRAGMA secure_delete = ON")
        self.raw.execute("PRAGMA foreign_keys = ON")

    def judging(self, keys: Iterable[bytes]) -> AbstractContextManager[Connection]:
        """Give a transaction; there is one at a time, whatever `keys` are."""
        return self.alone()

    def alone(self) -> AbstractContextManager[Connection]:
        """Give the connection inside a transaction: durable when the block is left, undone when it raises."""
        return self._transaction("BEGIN IMMEDIATE")

    def reading(self) -> AbstractContextManager[Connection]:
        """Give the connection inside a transaction that sees one moment and keeps no writer waiting."""
        return self._transaction("BEGIN")

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[Connection]:
        self._connection.execute(begin)
        try:
            yield self._connection
            self.commit()
        except BaseException:
            if self.raw.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo the block's writes when it raises, and only those."""
        self._connection.execute("SAVEPOINT one")
        try:
            yield
        except BaseException:
            if self.raw.in_transaction:  # an I/O error may have ended the whole transaction
                self._connection.execute("ROLLBACK TO one")
                self._connection.execute("RELEASE one")
            raise
        self._connection.execute("RELEASE one")

    def weakness(self) -> str | None:
        """Return None: what is committed is on the disk."""
        return None

    def commit(self) -> None:
        """Make the transaction durable; raises StoreError when that is not certain."""
        self._connection.execute("COMMIT")

    def close(self) -> None:
        """Close the file; what was committed stays."""
        self.raw.close()


def _parts(keys: Sequence[Sequence[Value]]) -> Iterator[tuple[str, list[Value]]]:
    """Yield keys, so many at once as a statement takes, as SQL and parameters."""
    for start in range(0, len(keys), _KEYS_AT_ONCE):
        part = keys[start : start + _KEYS_AT_ONCE]
        one = f"({', '.join('?' * len(part[0]))})"
        yield f"VALUES {', '.join([one] * len(part))}", [value for key in part for value in key]


def _translated(error: sqlite3.Error) -> StoreError:
    kind = Contradiction if isinstance(error, sqlite3.IntegrityError) else StoreError
    return kind(f"{type(error).__name__}: {error}")


def _sync_folder(folder: Path) -> None:
    # the name of a new file is durable only with its folder
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
