"""Both databases: a test that takes `store` or `signer` runs once on each."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from services.signer.tests.databases import Database, PostgresDatabase, SqliteDatabase
from services.signer.tests.harness import Signer, make_world
from tests.support.signing_world import SigningWorld

from ssv_devnet.postgres import Postgres, running_postgres


@pytest.fixture(scope="session")
def world() -> SigningWorld:
    return make_world()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One server for all tests of this process; each test has a schema of its own."""
    with running_postgres() as server:
        yield server


@pytest.fixture
def own_server() -> Iterator[Postgres]:
    """A server that a test may spoil."""
    with running_postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    """A new database, which no signer has opened yet."""
    if request.param == "sqlite":
        return SqliteDatabase(tmp_path / "data")
    return PostgresDatabase(request.getfixturevalue("postgres"), tmp_path)


@pytest.fixture
def signer(tmp_path: Path, world: SigningWorld, database: Database) -> Signer:
    return Signer(tmp_path, world, database)
