"""The two databases as tests see them: how a signer is told of them, and what is in them behind its back."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import psycopg
import pytest
from tests.support.signer_leases import SignerLeases

from ssv_devnet.postgres import Postgres
from ssv_signer.store.database import Store
from ssv_signer.store.postgres import PostgresStore
from ssv_signer.store.sqlite import FILE_NAME, SqliteStore

ON_SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
ON_POSTGRES = pytest.mark.parametrize("database", ["postgres"], indirect=True)
"""For what only one of them has, or what has nothing to do with the database."""
_numbers = count(1)


class Database(Protocol):
    settings: dict[str, object]
    leases: SignerLeases

    @property
    def store(self) -> type[SqliteStore | PostgresStore]:
        """The class that opens it."""

    def open(self) -> Store:
        """Open it as a signer does."""

    def run(self, statement: str) -> list[Any]:
        """Run a statement that both understand, past every signer."""

    def copy(self) -> int:
        """Keep what is in it now; returns its number."""

    def restore(self, number: int) -> None:
        """Put back what was in it, past every signer and every trigger."""


class SqliteDatabase:
    """A file in a folder."""

    store = SqliteStore

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings: dict[str, object] = {"data_dir": folder}
        self.leases = SignerLeases()

    def open(self) -> Store:
        return SqliteStore.open(self.folder)

    def run(self, statement: str) -> list[Any]:
        with closing(sqlite3.connect(self.folder / FILE_NAME, isolation_level=None)) as connection:
            return connection.execute(statement).fetchall()

    def copy(self) -> int:
        number = next(_numbers)
        self._write(self.folder / FILE_NAME, self.folder / f"copy-{number}")
        return number

    def restore(self, number: int) -> None:
        self._write(self.folder / f"copy-{number}", self.folder / FILE_NAME)

    @staticmethod
    def _write(source: Path, target: Path) -> None:
        # page by page, as a backup does; also while a signer has the file open
        with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target)) as other:
            one.backup(other)


class PostgresDatabase:
    """A schema of its own in a server."""

    store = PostgresStore

    def __init__(self, server: Postgres, folder: Path) -> None:
        self.server = server
        schema = f"signer_{next(_numbers)}"
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {schema}".encode())
        self.dsn = server.dsn(schema)
        self.dsn_file = folder / f"{schema}.dsn"
        self.dsn_file.write_text(self.dsn + "\n")
        self.settings: dict[str, object] = {"store": "postgres", "postgres_dsn_file": self.dsn_file}
        self.leases = SignerLeases()

    def open(self) -> Store:
        return PostgresStore.open(self.dsn_file)

    def run(self, statement: str) -> list[Any]:
        with self.connected() as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def copy(self) -> int:
        number = next(_numbers)
        with self.connected() as connection, connection.transaction():
            connection.execute("SELECT lock_everything()")
            for table in self._tables(connection):
                connection.execute(f"CREATE TABLE copy_{number}_{table} AS TABLE {table}".encode())
        return number

    def restore(self, number: int) -> None:
        # as a dump that is read in: the same rows, written by another transaction
        with self.connected() as connection, connection.transaction():
            connection.execute("SELECT lock_everything()")
            connection.execute("SET LOCAL session_replication_role = replica")
            for table in self._tables(connection):
                connection.execute(f"DELETE FROM {table}".encode())
                connection.execute(f"INSERT INTO {table} TABLE copy_{number}_{table}".encode())

    @staticmethod
    def _tables(connection: psycopg.Connection[Any]) -> list[str]:
        query = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND tablename NOT LIKE 'copy%'"
        return [table for (table,) in connection.execute(query).fetchall() if table != "schema_version"]

    @contextmanager
    def connected(self) -> Iterator[psycopg.Connection[Any]]:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            yield connection
