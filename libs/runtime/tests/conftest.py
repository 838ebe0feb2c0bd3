"""A real NATS server, real certificates, and settings that point to them. Everything on loopback, on free ports."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from ssv_protocol.beacon_chain import BeaconChain, BeaconFork, ScheduledFork
from ssv_protocol.forks import Network
from ssv_protocol.networks import local_network
from ssv_protocol.types.ids import Epoch, ExecutionAddress, ForkVersion, Root
from ssv_runtime.certificates import KeyPair, issue, make_ca
from ssv_runtime.logs import make_logger
from ssv_runtime.names import CALLERS
from ssv_runtime.network_file import write_network_file
from ssv_runtime.service import Service
from ssv_runtime.settings import GrpcServiceSettings

PATIENCE_S = 20.0
NATS_SERVER = Path(sys.executable).with_name("nats-server")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class NatsServer:
    """A NATS server that can be killed and started again at its port."""

    def __init__(self, folder: Path, accounts: str = "") -> None:
        self.port = free_port()
        self.monitor_port = free_port()
        self.url = f"nats://127.0.0.1:{self.port}"
        self._config = folder / "nats.conf"
        self._log = folder / "nats.log"
        self._store = folder / "jetstream"
        self._config.write_text(
            f'listen: "127.0.0.1:{self.port}"\nhttp: "127.0.0.1:{self.monitor_port}"\nmax_payload: 10485760\n'
            f'jetstream {{ store_dir: "{self._store}" }}\n{accounts}\n'
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen([NATS_SERVER, "-c", self._config], stdout=log, stderr=log)
        give_up = time.monotonic() + PATIENCE_S
        while time.monotonic() < give_up:
            assert self._process.poll() is None, self._log.read_text()
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise TimeoutError("the NATS server does not listen")

    def forget(self) -> None:
        """Lose everything that was stored; not while it runs."""
        shutil.rmtree(self._store)

    def pause(self) -> None:
        """Have it hang: its sockets stay open and nothing is read."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    async def connections(self) -> int:
        url = f"http://127.0.0.1:{self.monitor_port}/connz"
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            return int((await response.json())["num_connections"])

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


StartNats = Callable[..., NatsServer]


@pytest.fixture
def start_nats(tmp_path: Path) -> Iterator[StartNats]:
    servers: list[NatsServer] = []

    def start(accounts: str = "") -> NatsServer:
        folder = tmp_path / f"nats{len(servers)}"
        folder.mkdir()
        server = NatsServer(folder, accounts)
        server.start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.kill()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    ca = make_ca(datetime.now(UTC))
    write_pair(folder, "ca", ca)
    for service in sorted(CALLERS):
        write_pair(folder, service, issue(ca, service, datetime.now(UTC)))
    write_network_file(folder / "network.json", a_network())
    return folder


def write_pair(folder: Path, name: str, pair: KeyPair) -> None:
    (folder / f"{name}.pem").write_bytes(pair.certificate)
    (folder / f"{name}.key").write_bytes(pair.private_key)


def a_network() -> Network:
    chain = BeaconChain(
        genesis_time_s=1_700_000_000,
        genesis_validators_root=Root(bytes(range(32))),
        slot_duration_s=6.0,
        slots_per_epoch=8,
        epochs_per_sync_committee_period=8,
        sync_committee_size=32,
        forks=(
            ScheduledFork(BeaconFork.PHASE0, ForkVersion(b"\x01\x00\x00\x00"), Epoch(0)),
            ScheduledFork(BeaconFork.ELECTRA, ForkVersion(b"\x01\x00\x00\x06"), Epoch(0)),
        ),
    )
    return Network(local_network(ExecutionAddress(bytes(range(20))), 6.0, boole_epoch=Epoch(7)), chain)


def required_settings(certificates: Path, service: str) -> dict[str, Any]:
    return {
        "network_file": certificates / "network.json",
        "tls_ca": certificates / "ca.pem",
        "tls_cert": certificates / f"{service}.pem",
        "tls_key": certificates / f"{service}.key",
    }


def settings_of(certificates: Path, service: str, **more: Any) -> GrpcServiceSettings:
    return GrpcServiceSettings(**{**required_settings(certificates, service), **more})


class Lines(io.StringIO):
    """Log lines, read back as JSON."""

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]


@asynccontextmanager
async def a_service(name: str, lines: Lines | None = None) -> AsyncIterator[Service]:
    async with Service(name, log=make_logger(name, "debug", "json", lines or Lines())) as service:
        yield service


def sample(service: Service, name: str, **labels: str) -> float:
    return service.metrics.registry.get_sample_value(name, labels) or 0.0


def environment_without_settings() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith("SSV_")}
