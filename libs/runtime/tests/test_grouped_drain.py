"""Services of one process drain in order: those that others need last."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from ssv_runtime.names import CONSENSUS, P2P_GATEWAY, SIGNER
from ssv_runtime.service import FAILED, OK, Service, ServiceSpec, run_grouped
from ssv_runtime.settings import ServiceSettings

Run = Callable[[ServiceSettings, Service], Awaitable[None]]


@pytest.fixture
def settings(tmp_path: Path) -> ServiceSettings:
    file = tmp_path / "file"
    file.touch()
    paths = dict.fromkeys(("network_file", "tls_ca", "tls_cert", "tls_key"), file)
    return ServiceSettings.model_validate(paths)


def group(settings: ServiceSettings, runs: dict[str, Run]) -> list[tuple[ServiceSpec[Any], ServiceSettings]]:
    return [(ServiceSpec(name, ServiceSettings, run), settings) for name, run in runs.items()]


def in_order(story: list[str]) -> Run:
    async def run(_settings: ServiceSettings, service: Service) -> None:
        await service.stopping.wait()
        story.append(f"{service.name} drains")
        await asyncio.sleep(0)
        story.append(f"{service.name} ends")

    return run


async def raise_signal(_settings: ServiceSettings, service: Service) -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    await service.stopping.wait()


async def fail(_settings: ServiceSettings, _service: Service) -> None:
    raise RuntimeError("broken")


def test_the_last_drains_first(settings: ServiceSettings) -> None:
    story: list[str] = []
    runs = {SIGNER: in_order(story), P2P_GATEWAY: raise_signal, CONSENSUS: in_order(story)}
    assert asyncio.run(run_grouped(group(settings, runs))) == OK
    assert story == [f"{name} {what}" for name in (CONSENSUS, SIGNER) for what in ("drains", "ends")]


def test_the_failure_of_one_stops_all_in_order(settings: ServiceSettings) -> None:
    story: list[str] = []
    runs = {SIGNER: in_order(story), P2P_GATEWAY: fail, CONSENSUS: in_order(story)}
    assert asyncio.run(run_grouped(group(settings, runs))) == FAILED
    assert story == [f"{name} {what}" for name in (CONSENSUS, SIGNER) for what in ("drains", "ends")]
