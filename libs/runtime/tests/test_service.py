from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from libs.runtime.tests.conftest import PATIENCE_S, Lines, a_service, required_settings, sample

from ssv_runtime.grouped import grouped_settings, installed_services
from ssv_runtime.service import Service, ServiceSpec, run_grouped, serve
from ssv_runtime.settings import ServiceSettings, SettingsError

pytestmark = pytest.mark.asyncio


async def get(port: int, path: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}{path}") as response:
        return response.status, await response.text()


# tasks
async def test_a_failing_task_is_logged_counted_and_shows_in_readiness() -> None:
    lines = Lines()

    async def fail() -> None:
        raise RuntimeError("a defect")

    async with a_service("signer", lines) as service:
        await service.spawn(fail(), "writer")
        assert service.health.problems() == {"task writer": "failed: RuntimeError"}
        assert sample(service, "ssv_signer_task_failures_total", task="writer") == 1
    failure = next(line for line in lines.events() if line["event"] == "task writer failed")
    assert "RuntimeError: a defect" in failure["exception"]


async def test_a_task_is_restarted_until_it_succeeds() -> None:
    tries: list[int] = []

    async def fail_twice() -> None:
        tries.append(len(tries))
        if len(tries) < 3:
            raise RuntimeError("not yet")

    async with a_service("signer") as service, asyncio.timeout(PATIENCE_S):
        await service.spawn(fail_twice, "reader", restart=True)
        assert len(tries) == 3
        assert service.health.problems() == {}


async def test_a_task_that_loses_a_cancellation_ends_all_the_same() -> None:
    lost = 0

    async def lose_one() -> None:
        nonlocal lost
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:  # as asyncio.wait_for may before Python 3.12
                lost += 1
                if lost > 1:
                    raise

    async with asyncio.timeout(PATIENCE_S), a_service("signer") as service:
        task = service.spawn(lose_one(), "reader")
        await asyncio.sleep(0)
    assert task.done()
    assert lost == 2


async def test_only_a_function_can_be_restarted() -> None:
    async def work() -> None: ...

    coroutine = work()
    async with a_service("signer") as service:
        with pytest.raises(TypeError, match="function"):
            service.spawn(coroutine, "reader", restart=True)
    coroutine.close()


async def test_leaving_ends_tasks_then_resources_the_last_first() -> None:
    ended: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("task")

    async with a_service("signer") as service:
        service.resources.callback(ended.append, "database")
        service.resources.callback(ended.append, "connection")
        service.spawn(work(), "work")
        await asyncio.sleep(0)
    assert ended == ["task", "connection", "database"]


# health
async def test_health_endpoints() -> None:
    lines = Lines()
    async with a_service("signer", lines) as service, service.health.serving("127.0.0.1", 0) as port:
        assert (await get(port, "/readyz"))[0] == 200
        database = service.health.dependency("database")
        assert await get(port, "/readyz") == (503, '{"database": "not connected yet"}')
        database.up()
        assert await get(port, "/readyz") == (200, "{}")
        for _ in range(3):
            database.down("the disk is full", "make room")
        assert await get(port, "/readyz") == (503, '{"database": "the disk is full"}')
        assert await get(port, "/livez") == (200, "ok\n")
        assert 'ssv_signer_dependency_up{dependency="database"} 0.0' in (await get(port, "/metrics"))[1]
        database.up()
        service.stopping.set()
        assert await get(port, "/readyz") == (503, '{"service": "stopping"}')
        assert (await get(port, "/livez"))[0] == 200
    warnings = [line for line in lines.events() if line["level"] == "warning"]
    assert [(line["reason"], line["remedy"]) for line in warnings] == [("the disk is full", "make room")]


async def test_metrics_are_named_after_the_service_and_kept_apart() -> None:
    async with a_service("p2p-gateway") as gateway, a_service("signer") as signer:
        gateway.metrics.counter("messages", "Messages").inc(2)
        signer.metrics.counter("messages", "Messages").inc(3)
        signer.metrics.histogram("sign_seconds", "Time to sign", ["kind"]).labels("qbft").observe(0.01)
        assert sample(gateway, "ssv_p2p_gateway_messages_total") == 2
        assert sample(signer, "ssv_signer_messages_total") == 3
        assert b"ssv_signer" not in gateway.metrics.render()
        assert b'ssv_signer_sign_seconds_bucket{kind="qbft",le="0.01"} 1.0' in signer.metrics.render()
        assert b"ssv_signer_event_loop_lag_seconds" in signer.metrics.render()


# groups
def a_spec(name: str, seen: dict[str, Service], ends: asyncio.Event | None = None) -> ServiceSpec[ServiceSettings]:
    async def run(_settings: ServiceSettings, service: Service) -> None:
        seen[name] = service
        if ends is not None:
            await ends.wait()
            raise RuntimeError("a defect")
        await service.stopping.wait()

    return ServiceSpec(name, ServiceSettings, run)


def in_folder(certificates: Path, folder: Path, name: str, **more: Any) -> ServiceSettings:
    return ServiceSettings(**required_settings(certificates, name), health_port_file=folder / name, **more)


async def running(seen: dict[str, Service], count: int) -> None:
    while len(seen) < count:  # noqa: ASYNC110
        await asyncio.sleep(0.01)


async def test_a_group_has_a_registry_and_a_health_port_each_and_ends_with_a_signal(
    certificates: Path, tmp_path: Path
) -> None:
    seen: dict[str, Service] = {}
    names = ("signer", "consensus")
    group = [(a_spec(name, seen), in_folder(certificates, tmp_path, name)) for name in names]
    async with asyncio.timeout(PATIENCE_S):
        whole = asyncio.create_task(run_grouped(group))
        await running(seen, 2)
        assert seen["signer"].metrics.registry is not seen["consensus"].metrics.registry
        seen["consensus"].health.dependency("nats").down("away")
        ports = {name: int((tmp_path / name).read_text()) for name in names}
        assert (await get(ports["signer"], "/readyz"))[0] == 200
        assert (await get(ports["consensus"], "/readyz"))[0] == 503
        assert "ssv_signer_" not in (await get(ports["consensus"], "/metrics"))[1]
        signal.raise_signal(signal.SIGTERM)
        try:
            assert await whole == 0
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


async def test_one_failure_stops_the_group(certificates: Path, tmp_path: Path) -> None:
    seen: dict[str, Service] = {}
    fail = asyncio.Event()
    specs = (a_spec("signer", seen), a_spec("consensus", seen, fail))
    group = [(spec, in_folder(certificates, tmp_path, spec.name)) for spec in specs]
    async with asyncio.timeout(PATIENCE_S):
        whole = asyncio.create_task(run_grouped(group))
        await running(seen, 2)
        fail.set()
        assert await whole == 1


async def test_a_health_port_that_is_taken_is_a_settings_error(
    certificates: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with a_service("signer") as other, other.health.serving("127.0.0.1", 0) as port:
        spec = a_spec("signer", {})
        settings = in_folder(certificates, tmp_path, "signer", health_port=port)
        assert await serve(spec, settings, asyncio.Event()) == 2
    assert "signer: health_port: cannot listen" in capsys.readouterr().err


class WatcherSettings(ServiceSettings):
    beacon_url: str = "http://localhost"


async def test_a_group_shares_a_file(certificates: Path) -> None:
    seen: dict[str, Service] = {}
    signer = a_spec("signer", seen)
    watcher = ServiceSpec("duty-scheduler", WatcherSettings, a_spec("duty-scheduler", seen).run)
    shared = {key: str(value) for key, value in required_settings(certificates, "signer").items()}
    file = {**shared, "beacon_url": "http://b", "log_level": "error", "signer": {"log_level": "debug"}}
    (_, first), (_, second) = grouped_settings([signer, watcher], file)
    assert (first.log_level, second.log_level) == ("debug", "error")
    assert isinstance(second, WatcherSettings)
    assert second.beacon_url == "http://b"
    with pytest.raises(SettingsError, match="beacon_ulr: no such setting"):
        grouped_settings([signer, watcher], {**file, "beacon_ulr": "x"})
    with pytest.raises(SettingsError, match=r"\[signer\] beacon_url: no such setting"):
        grouped_settings([signer, watcher], {**file, "signer": {"beacon_url": "x"}})


async def test_a_service_that_is_not_installed_is_named() -> None:
    with pytest.raises(SettingsError, match=r"cook: no such service; installed are .*signer"):
        installed_services(["cook"])
