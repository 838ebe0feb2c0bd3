"""The bus with an operator's real users: who may say what, and what the server keeps."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from libs.runtime.tests.conftest import PATIENCE_S, Lines, NatsServer, StartNats, a_service, sample, settings_of

from ssv_runtime.bus import Bus, BusRefused, BusUnavailable, KvEntry, NoResponders
from ssv_runtime.nats_permissions import PERMISSIONS as NATS_USERS
from ssv_runtime.nats_permissions import render_nats_conf
from ssv_runtime.settings import GrpcServiceSettings

pytestmark = pytest.mark.asyncio
SettingsOf = Callable[[str], GrpcServiceSettings]


def one_operator(certificates: Path, start_nats: StartNats, tmp_path: Path) -> tuple[NatsServer, SettingsOf]:
    """Return a server with the operator's real accounts, and each user's settings, with a password file."""
    for name in NATS_USERS:
        (tmp_path / f"{name}.password").write_text(f"password-of-{name}\n")
    accounts = json.loads(render_nats_conf({name: f"password-of-{name}" for name in NATS_USERS}))["accounts"]
    server = start_nats(f"accounts: {json.dumps(accounts)}")

    def settings(name: str) -> GrpcServiceSettings:
        password_file = tmp_path / f"{name}.password"
        return settings_of(certificates, name, nats_url=server.url, nats_user=name, nats_password_file=password_file)

    return server, settings


async def test_a_subject_of_another_service_is_refused_with_a_clear_error(
    certificates: Path, start_nats: StartNats, tmp_path: Path
) -> None:
    _, settings = one_operator(certificates, start_nats, tmp_path)
    lines = Lines()
    async with a_service("consensus", lines) as service, asyncio.timeout(PATIENCE_S):
        bus = await Bus.connect(settings("consensus"), service)
        await bus.connected()
        with pytest.raises(BusRefused, match=r"ssv\.gossip\.in\.c1"):
            await bus.request("ssv.gossip.in.c1", b"forged", timeout_s=PATIENCE_S)
        with pytest.raises(BusRefused, match="duties"):
            await bus.kv("duties").put("1.c1", b"forged")
        assert bus.is_connected
        assert sample(service, "ssv_consensus_bus_refused_total") == 2
    refusals = [line for line in lines.events() if line["event"] == "NATS refused"]
    assert "ssv.gossip.in.c1" in refusals[0]["reason"]
    assert refusals[0]["remedy"]


async def test_a_wrong_password_shows_in_readiness_and_is_not_logged(
    certificates: Path, start_nats: StartNats, tmp_path: Path
) -> None:
    _, settings = one_operator(certificates, start_nats, tmp_path)
    password_file = tmp_path / "consensus.password"
    password_file.write_text("not-the-password")
    lines = Lines()
    async with a_service("consensus", lines) as service, asyncio.timeout(PATIENCE_S):
        bus = await Bus.connect(settings("consensus"), service)
        while "Authorization" not in service.health.problems()["nats"]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert "not-the-password" not in lines.getvalue()
        password_file.write_text("password-of-consensus")
        await bus.connected()


async def test_duties_reach_a_watcher_across_a_restart(
    certificates: Path, start_nats: StartNats, tmp_path: Path
) -> None:
    server, settings = one_operator(certificates, start_nats, tmp_path)
    async with (
        asyncio.timeout(PATIENCE_S),
        a_service("duty-scheduler") as writer_service,
        a_service("consensus") as reader_service,
    ):
        writer = await Bus.connect(settings("duty-scheduler"), writer_service)
        reader = await Bus.connect(settings("consensus"), reader_service)
        entries = reader.kv("duties").watch("*.c1")  # before the bucket is there
        next_entry = asyncio.ensure_future(anext(entries))
        await writer.connected()
        await reader.connected()
        await writer.kv("duties").ensure()
        await writer.kv("duties").ensure(max_age_s=3600)  # again, with other limits
        assert await writer.kv("duties").get("1.c1") is None
        revision = await writer.kv("duties").put("1.c1", b"first")
        assert await next_entry == KvEntry("1.c1", b"first", revision)
        assert await reader.kv("duties").get("1.c1") == KvEntry("1.c1", b"first", revision)
        server.kill()
        while writer.is_connected:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        with pytest.raises(BusUnavailable):
            await writer.kv("duties").put("2.c1", b"second")
        server.start()
        await writer.connected()
        await writer.kv("duties").put("2.other", b"not asked for")
        revision = await writer.kv("duties").put("2.c1", b"second")
        assert await anext(entries) == KvEntry("2.c1", b"second", revision)
        await entries.aclose()


async def test_a_bucket_that_was_lost_and_made_anew_is_read_from_its_start(
    certificates: Path, start_nats: StartNats, tmp_path: Path
) -> None:
    server, settings = one_operator(certificates, start_nats, tmp_path)
    async with (
        asyncio.timeout(PATIENCE_S),
        a_service("duty-scheduler") as writer_service,
        a_service("consensus") as reader_service,
    ):
        writer = await Bus.connect(settings("duty-scheduler"), writer_service)
        reader = await Bus.connect(settings("consensus"), reader_service)
        entries = reader.kv("duties").watch()
        await writer.connected()
        await reader.connected()
        await writer.kv("duties").ensure()
        for value in (b"1", b"2", b"3"):
            await writer.kv("duties").put("1.c1", value)
        assert (await anext(entries)).value is not None
        server.kill()
        server.forget()
        while writer.is_connected or reader.is_connected:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        server.start()
        await writer.connected()
        await writer.kv("duties").ensure()
        revision = await writer.kv("duties").put("2.c1", b"new")
        while (entry := await anext(entries)).value != b"new":
            assert entry.key == "1.c1"
        assert entry == KvEntry("2.c1", b"new", revision)
        assert revision == 1
        await entries.aclose()


async def test_a_stream_numbers_what_it_keeps(certificates: Path, start_nats: StartNats, tmp_path: Path) -> None:
    _, settings = one_operator(certificates, start_nats, tmp_path)
    async with a_service("consensus") as service, asyncio.timeout(PATIENCE_S):
        bus = await Bus.connect(settings("consensus"), service)
        await bus.connected()
        with pytest.raises(NoResponders):
            await bus.publish_stream("ssv.decided.c1", b"x")
        await bus.ensure_stream("decided", ["ssv.decided.>"], max_age_s=600, max_bytes=1_000_000)
        assert [await bus.publish_stream("ssv.decided.c1", b"x") for _ in range(3)] == [1, 2, 3]
        with pytest.raises(BusUnavailable):
            await bus.ensure_stream("other", ["other"], max_age_s=600, max_bytes=1_000_000)
