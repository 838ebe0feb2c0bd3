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

    @property
    def store(self) -> type[SqliteStore | PostgresStore]:
        """The class that opens it."""

    def open(self) -> Store:
        """Open it as a signer does."""

    def run(self, statement: str) -> list[Any]:
        """Run a statement that both understand, past every signer."""


class SqliteDatabase:
    """A file in a folder."""

    store = SqliteStore

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings: dict[str, object] = {"data_dir": folder}

    def open(self) -> Store:
        return SqliteStore.open(self.folder)

    def run(self, statement: str) -> list[Any]:
        with closing(sqlite3.connect(self.folder / FILE_NAME, isolation_level=None)) as connection:
            return connection.execute(statement).fetchall()


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

    def open(self) -> Store:
        return PostgresStore.open(self.dsn_file)

    def run(self, statement: str) -> list[Any]:
        with self.connected() as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def connected(self) -> Iterator[psycopg.Connection[Any]]:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            yield connection
