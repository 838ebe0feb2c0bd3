"""The databases that a signer under test may have: how it is told of them, and what is in them when it is dead."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg

from ssv_devnet.postgres import running_postgres

STORES = ("sqlite", "postgres")
FROM_ENVIRONMENT = os.environ.get("SSV_SIGNER_STORE", "sqlite")
Read = Callable[[str, Sequence[object]], list[Any]]
"""Rows of a query with `?` for parameters."""
_FILES = ("signer.sqlite", "signer.sqlite-wal")


class SqliteFile:
    """A file in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.settings: dict[str, object] = {"data_dir": folder / "data"}

    @contextmanager
    def left(self) -> Iterator[Read]:
        """Read what a kill left, from a copy: the recovery of the log is left to the next signer, as after a crash."""
        scratch = self._folder / "copy"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        for name in _FILES:
            if (self._folder / "data" / name).exists():
                shutil.copyfile(self._folder / "data" / name, scratch / name)
        with closing(sqlite3.connect(scratch / _FILES[0])) as connection:
            yield lambda query, parameters: connection.execute(query, tuple(parameters)).fetchall()


class PostgresServer:
    """A server that outlives the signers."""

    def __init__(self, folder: Path, dsn: str) -> None:
        self._dsn = dsn
        dsn_file = folder / "postgres.dsn"
        dsn_file.write_text(dsn)
        self.settings: dict[str, object] = {"store": "postgres", "postgres_dsn_file": dsn_file}

    @contextmanager
    def left(self) -> Iterator[Read]:
        """Read what is committed; a transaction that the dead signer left open is none of it."""
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            yield lambda query, parameters: connection.execute(query.replace("?", "%s").encode(), parameters).fetchall()


ChaosDatabase = SqliteFile | PostgresServer


@contextmanager
def new_database(store: str, folder: Path) -> Iterator[ChaosDatabase]:
    """Give a database of one of `STORES`."""
    if store == "sqlite":
        yield SqliteFile(folder)
        return
    with running_postgres() as server:
        yield PostgresServer(folder, server.dsn())
