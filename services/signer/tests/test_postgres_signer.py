"""A signer whose PostgreSQL comes, goes, waits and is exchanged."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psycopg
import pytest
from services.signer.tests.databases import ON_POSTGRES, PostgresDatabase
from services.signer.tests.harness import PATIENCE_S, Signer
from tests.support.signing_world import SigningWorld

from ssv_api.v1 import signer_pb2 as pb
from ssv_devnet.postgres import Postgres, running_postgres
from ssv_protocol.types.ids import Slot
from ssv_protocol.types.roles import QbftMessageType
from ssv_runtime.service import Service
from ssv_signer import vault
from ssv_signer.service import run
from ssv_signer.store.postgres import PostgresStore

PREPARE = QbftMessageType.PREPARE


@ON_POSTGRES
@pytest.mark.asyncio
async def test_a_commit_whose_outcome_is_unknown_signs_nothing_and_the_repeat_finds_the_record(
    signer: Signer, world: SigningWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    committed = PostgresStore.commit

    def commit_and_lose(store: PostgresStore, raw: psycopg.Connection) -> str | None:
        committed(store, raw)
        raise psycopg.OperationalError("the connection was lost")

    async with signer.running():
        await signer.hold(world.validator(1))
        with monkeypatch.context() as broken:
            broken.setattr(PostgresStore, "commit", commit_and_lose)
            (unknown,) = await signer.sign(world.qbft(PREPARE, signer.slot, b"a"))
        await signer.ready()
        other, same = await signer.sign(world.qbft(PREPARE, signer.slot, b"b"), world.qbft(PREPARE, signer.slot, b"a"))
    assert unknown.failed.reason
    assert other.signed == same.signed
    assert same.signed.message
    assert signer.rows("consensus_steps") == 1


@ON_POSTGRES
@pytest.mark.asyncio
async def test_a_connection_that_is_lost_before_the_commit_leaves_nothing(
    signer: Signer, world: SigningWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    committed = PostgresStore.commit

    def lose_and_commit(store: PostgresStore, raw: psycopg.Connection) -> str | None:
        signer.database.run(f"SELECT pg_terminate_backend({raw.info.backend_pid}, 10000)")
        return committed(store, raw)

    async with signer.running():
        assert signer.service is not None
        await signer.hold(world.validator(1))
        with monkeypatch.context() as broken:
            broken.setattr(PostgresStore, "commit", lose_and_commit)
            (lost,) = await signer.sign(world.qbft(PREPARE, signer.slot, b"a"))
            assert "database" in signer.service.health.problems()
            assert signer.rows("consensus_steps") == 0
        await signer.ready()
        (other,) = await signer.sign(world.qbft(PREPARE, signer.slot, b"b"))
    assert lost.failed.reason
    assert other.signed.message


@pytest.mark.asyncio
async def test_a_server_that_crashes_under_load_and_returns(
    own_server: Postgres, tmp_path: Path, world: SigningWorld
) -> None:
    signer = Signer(tmp_path, world, PostgresDatabase(own_server, tmp_path))
    async with signer.running(max_batch=4):
        assert signer.service is not None
        await signer.hold(world.validator(1))
        slots = [Slot(signer.slot - back) for back in range(30)]
        drafts = [world.qbft(PREPARE, slot, b"a") for slot in slots]
        asked = asyncio.create_task(signer.sign(*drafts))
        await asyncio.to_thread(own_server.stop, crash=True)
        before = await asked
        (down,) = await signer.sign(world.qbft(PREPARE, Slot(signer.slot + 1), b"a"))
        problems = signer.service.health.problems()
        await asyncio.to_thread(own_server.start)
        await signer.ready()
        after = await signer.sign(*(world.qbft(PREPARE, slot, b"b") for slot in slots))
    assert down.failed.reason
    assert "database" in problems
    for one, other in zip(before, after, strict=True):
        assert other.signed.message
        if one.HasField("signed"):
            assert one.signed == other.signed
    assert own_server.password not in signer.lines.getvalue()


@pytest.mark.asyncio
async def test_a_commit_that_waits_for_its_standby_shows_in_readiness_and_is_answered_in_the_end(
    own_server: Postgres, tmp_path: Path, world: SigningWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = PostgresDatabase(own_server, tmp_path)
    signer = Signer(tmp_path, world, database)
    async with signer.running():
        await signer.hold(world.validator(1))
    own_server.stop()
    own_server.options["synchronous_standby_names"] = "nobody"
    own_server.start()
    async with signer.running():
        assert signer.service is not None
        monkeypatch.setattr(vault, "_SLOW_S", 0.01)
        asked = asyncio.create_task(signer.sign(world.qbft(PREPARE, signer.slot, b"a")))
        async with asyncio.timeout(PATIENCE_S):
            while "no answer" not in signer.service.health.problems().get("database", ""):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert not asked.done()
        await asyncio.to_thread(own_server.stop, crash=True)
        del own_server.options["synchronous_standby_names"]
        await asyncio.to_thread(own_server.start)
        (unknown,) = await asked
        await signer.ready()
        (signed,) = await signer.sign(world.qbft(PREPARE, signer.slot, b"a"))
    assert unknown.failed.reason
    assert signed.signed.message


@pytest.mark.asyncio
async def test_a_server_that_is_not_there_yet_is_waited_for(world: SigningWorld, tmp_path: Path) -> None:
    with running_postgres() as server:
        signer = Signer(tmp_path, world, PostgresDatabase(server, tmp_path))
        server.stop()
        async with Service("signer") as service:
            signer.service = service
            running = asyncio.create_task(run(signer.settings(grpc_port_file=tmp_path / "port"), service))
            async with asyncio.timeout(PATIENCE_S):
                while "not connected" in service.health.problems().get("database", "not connected yet"):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            told = service.health.problems()["database"]
            assert not (tmp_path / "port").exists()
            await asyncio.to_thread(server.start)
            await signer.ready()
            service.stopping.set()
            await running
    assert "connection" in told
    assert server.password not in told


@pytest.mark.asyncio
async def test_a_signer_that_waits_for_its_server_can_be_stopped(world: SigningWorld, tmp_path: Path) -> None:
    with running_postgres() as server:
        signer = Signer(tmp_path, world, PostgresDatabase(server, tmp_path))
        server.stop()
        async with Service("signer") as service:
            service.stopping.set()
            await run(signer.settings(), service)


@ON_POSTGRES
@pytest.mark.asyncio
async def test_another_database_behind_the_same_name_is_not_written_to(
    signer: Signer, world: SigningWorld, tmp_path: Path
) -> None:
    database = signer.database
    assert isinstance(database, PostgresDatabase)
    (tmp_path / "other").mkdir()
    other = Signer(tmp_path / "other", world, PostgresDatabase(database.server, tmp_path / "other"))
    async with other.running():
        pass
    async with signer.running():
        assert signer.service is not None
        await signer.hold(world.validator(1))
        database.dsn_file.write_text(other.database.dsn)  # type: ignore[attr-defined]
        database.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ssv-signer'")
        answers = [(await signer.sign(world.qbft(PREPARE, signer.slot, b"a")))[0] for _ in range(2)]
        problem = signer.service.health.problems()["database"]
        database.dsn_file.write_text(database.dsn)
        await signer.ready()
        (signed,) = await signer.sign(world.qbft(PREPARE, signer.slot, b"b"))
    assert all(answer.failed.reason for answer in answers)
    assert "another database" in problem
    assert other.rows("consensus_steps") == 0
    assert signed.signed.message


@ON_POSTGRES
@pytest.mark.asyncio
async def test_a_whole_run_tells_nothing_of_the_connection_string(signer: Signer, world: SigningWorld) -> None:
    database = signer.database
    assert isinstance(database, PostgresDatabase)
    async with signer.running():
        assert signer.service is not None
        await signer.hold(world.validator(1))
        await signer.sign(world.qbft(PREPARE, signer.slot, b"a"))
        database.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ssv-signer'")
        await signer.sign(world.qbft(PREPARE, Slot(signer.slot - 1), b"a"))
        metrics = signer.service.metrics.render().decode()
    told = signer.lines.getvalue() + metrics + repr(signer.settings())
    assert database.server.password not in told


@ON_POSTGRES
@pytest.mark.asyncio
async def test_a_share_that_another_signer_let_go_signs_here_no_more(signer: Signer, world: SigningWorld) -> None:
    validator = world.validator(1)
    twin = Signer(signer.folder, world, signer.database)
    async with signer.running(), twin.running():
        await signer.hold(validator)
        twin.slot = signer.slot
        async with twin.client("eth1-listener") as stub:
            await stub.RemoveShare(pb.RemoveShareRequest(validator_pubkey=validator.pubkey))
        (answer,) = await signer.sign(world.post_consensus([validator], signer.slot))
    assert answer.denied.reason
