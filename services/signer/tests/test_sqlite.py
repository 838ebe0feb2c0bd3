"""What only the SQLite file has: its settings and its migrations."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ssv_signer.store import sqlite_schema
from ssv_signer.store.sqlite import FILE_NAME, SqliteStore


def test_the_file_is_as_safe_as_sqlite_makes_it(tmp_path: Path) -> None:
    with closing(SqliteStore.open(tmp_path)) as store:
        pragma = {name: store.raw.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")}
    assert pragma == {"journal_mode": "wal", "synchronous": 2}


def test_migrations_run_once_and_an_interrupted_one_runs_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    released = sqlite_schema.MIGRATIONS
    SqliteStore.open(tmp_path).close()
    monkeypatch.setattr(sqlite_schema, "MIGRATIONS", (*released, ("CREATE TABLE later (a) STRICT", "no sql")))
    with closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as connection:
        with pytest.raises(sqlite3.OperationalError):
            sqlite_schema.migrate(connection, tmp_path)
        assert connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'later'").fetchone() == (0,)
        monkeypatch.setattr(sqlite_schema, "MIGRATIONS", (*released, ("CREATE TABLE later (a INTEGER) STRICT",)))
        for _ in range(2):
            sqlite_schema.migrate(connection, tmp_path)
        assert connection.execute("PRAGMA user_version").fetchone() == (len(released) + 1,)
