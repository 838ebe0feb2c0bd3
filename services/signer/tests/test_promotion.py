"""A real streaming standby that follows asynchronously, loses the last transactions and takes over."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest
from services.signer.tests.databases import PostgresDatabase
from services.signer.tests.harness import PATIENCE_S, Signer
from tests.support.signer_leases import SignerLeases
from tests.support.signing_world import SigningWorld

from ssv_devnet.postgres import Postgres, running_postgres
from ssv_protocol.types.ids import Slot
from ssv_protocol.types.roles import QbftMessageType
from ssv_signer.store.postgres import PostgresStore

PREPARE = QbftMessageType.PREPARE


@pytest.fixture
def primary() -> Iterator[Postgres]:
    with running_postgres() as server:
        yield server


@contextmanager
def standby_of(server: Postgres) -> Iterator[Postgres]:
    """Start a standby in a folder that goes away with it."""
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        standby = Postgres(folder)
        standby.password = server.password
        standby._run("pg_basebackup", "-D", str(folder / "data"), "-d", server.dsn(), "-R", "--checkpoint=fast",
                     "--no-sync")  # fmt: skip
        standby.start()
        try:
            yield standby
        finally:
            standby.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run(server: Postgres, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def until(server: Postgres, query: str, wanted: object) -> None:
    give_up = time.monotonic() + PATIENCE_S
    while run(server, query) != [(wanted,)]:
        assert time.monotonic() < give_up
        time.sleep(0.02)


@pytest.mark.asyncio
@pytest.mark.parametrize("worker_lives", [True, False], ids=["WorkerKnows", "NobodyKnows"])
async def test_a_standby_that_lost_the_last_transactions_signs_nothing_of_them_again(
    primary: Postgres, world: SigningWorld, tmp_path: Path, worker_lives: bool
) -> None:
    database = PostgresDatabase(primary, tmp_path)
    signer, validator = Signer(tmp_path, world, database), world.validator(1)
    with standby_of(primary) as standby:
        async with signer.running(cold_start="witness"):
            await signer.hold(validator)
            vote, other = (
                world.post_consensus([validator], signer.slot, world.vote(signer.slot, h)) for h in (b"a", b"b")
            )
            a, b = (world.qbft(PREPARE, signer.slot, value) for value in (b"a", b"b"))
            (kept,) = await signer.sign(world.qbft(PREPARE, Slot(signer.slot - 1), b"a"))
            (sequence,) = run(primary, "SELECT pg_current_wal_lsn()::text")[0]
            until(standby, f"SELECT pg_last_wal_replay_lsn() >= '{sequence}'", True)
            run(standby, "ALTER SYSTEM SET primary_conninfo = ''")
            run(standby, "SELECT pg_reload_conf()")
            until(standby, "SELECT count(*) FROM pg_stat_wal_receiver", 0)
            lost = await signer.sign(a, vote)
            assert all(answer.signed.message for answer in (kept, *lost))
            primary.stop(crash=True)
            run(standby, "SELECT pg_promote()")
            until(standby, "SELECT pg_is_in_recovery()", False)
            database.dsn_file.write_text(standby.dsn(schema_of(database)) + "\n")
            await signer.ready()
            leases = signer.leases if worker_lives else SignerLeases("new")
            signer.leases = leases
            answers = await signer.sign(b, other)
            assert not any(answer.signed.message for answer in answers)
            assert "record_behind" in [answer.denied.reason for answer in answers] or not worker_lives
            async with signer.client() as stub:
                (claimed,) = await leases.claim(stub, world.committee_id())
            again = await signer.sign(b, other, a, vote)
            assert {answer.denied.reason for answer in again} == {"safety_delay"}
            assert signer.service is not None
            assert "record" in signer.service.health.problems()
            signer.slot = Slot(claimed.quiet_until_slot)
            now = await signer.sign(
                world.qbft(PREPARE, signer.slot, b"b"), world.post_consensus([validator], signer.slot)
            )
            assert all(answer.signed.message for answer in now)


def schema_of(database: PostgresDatabase) -> str:
    return database.dsn.rsplit("search_path=", 1)[1].rstrip("'")


def test_a_replicated_server_must_have_a_synchronous_standby(primary: Postgres, tmp_path: Path) -> None:
    database = PostgresDatabase(primary, tmp_path)
    with closing(PostgresStore.open(database.dsn_file, replicated=True)) as store:
        alone = store.weakness()
        with standby_of(primary) as standby:
            until(primary, "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'", 1)
            asynchronous = store.weakness()
            run(primary, "ALTER SYSTEM SET synchronous_standby_names = '*'")
            run(primary, "SELECT pg_reload_conf()")
            until(primary, "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'", 1)
            synchronous = store.weakness()
            standby.stop()
            until(primary, "SELECT count(*) FROM pg_stat_replication", 0)
            gone = store.weakness()
    assert alone is not None
    assert "postgres_replicated" in alone
    assert asynchronous is not None
    assert "asynchronously" in asynchronous
    assert synchronous is None
    assert gone is not None
    assert "no synchronous standby" in gone
