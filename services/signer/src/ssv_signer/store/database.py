"""The SQLite file: opened, migrated, and written in transactions whose commit is durable.

Invariants: WAL with synchronous=FULL, so a commit that returned is on the disk; every transaction takes the write
lock before it reads, so what it judged by can't have changed when it writes, not even by a second process on the
same file. One thread uses a connection; sqlite3 itself refuses any other.

Not guaranteed: anything about a file system that lies about fsync, or that several machines share.

Source: sqlite.org/wal.html, sqlite.org/pragma.html#pragma_synchronous; architecture §5.1.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ssv_signer.errors import StartRefused
from ssv_signer.store import schema

FILE_NAME = "signer.sqlite"
MAX_INTEGER = 2**63 - 1
"""The largest integer of SQLite; the wire has 64 unsigned bits."""
_BUSY_TIMEOUT_S = 5.0
_PRIVATE_FILE, _PRIVATE_FOLDER = 0o600, 0o700


class Database:
    """A connection. Open, use and close it in one thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    @classmethod
    def open(cls, data_dir: Path) -> Database:
        """Open or create the file in `data_dir` and bring its schema up to date; raises StartRefused."""
        path = data_dir / FILE_NAME
        try:
            data_dir.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, _PRIVATE_FILE))
            database = cls(sqlite3.connect(path, timeout=_BUSY_TIMEOUT_S, isolation_level=None))
            database._configure(path)
            schema.migrate(database.connection, path)
            _sync_folder(data_dir)
        except sqlite3.Error as error:
            raise StartRefused(f"{path} can't be opened ({error}); check the disk, or restore the file") from None
        except OSError as error:
            raise StartRefused(f"{path} can't be opened ({error.strerror}); check the folder's permissions") from None
        return database

    def _configure(self, path: Path) -> None:
        (mode,) = self.connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal":
            raise StartRefused(f"{path} can't use a write-ahead log; put the data folder on a local disk")
        self.connection.execute("PRAGMA synchronous = FULL")
        self.connection.execute("PRAGMA secure_delete = ON")
        self.connection.execute("PRAGMA foreign_keys = ON")

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Give the connection inside a transaction: durable when the block is left, undone when it raises."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield self.connection
            self.commit()
        except BaseException:
            self._roll_back()
            raise

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo the block's writes when it raises, and only those."""
        self.connection.execute("SAVEPOINT one")
        try:
            yield
        except BaseException:
            if self.connection.in_transaction:  # an I/O error may have ended the whole transaction
                self.connection.execute("ROLLBACK TO one")
                self.connection.execute("RELEASE one")
            raise
        self.connection.execute("RELEASE one")

    def commit(self) -> None:
        """Make the transaction durable; raises sqlite3.Error when that is not certain."""
        self.connection.execute("COMMIT")

    def _roll_back(self) -> None:
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")

    def close(self) -> None:
        """Close the file; what was committed stays."""
        self.connection.close()


def _sync_folder(folder: Path) -> None:
    # the name of a new file is durable only with its folder
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
