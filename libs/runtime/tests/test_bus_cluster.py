"""Three NATS servers: what is kept outlives any one of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from libs.runtime.tests.conftest import PATIENCE_S, NatsServer, a_service, free_port, settings_of

from ssv_runtime.bus import Bus, BusRefused, BusTimeout, BusUnavailable, NoResponders
from ssv_runtime.bus.streams import api

pytestmark = pytest.mark.asyncio
NOT_YET = (BusRefused, BusTimeout, BusUnavailable, NoResponders)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[list[NatsServer]]:
    ports = [free_port() for _ in range(3)]
    routes = ", ".join(f'"nats-route://127.0.0.1:{port}"' for port in ports)
    servers = []
    for number, port in enumerate(ports):
        folder = tmp_path / f"nats-{number}"
        folder.mkdir()
        place = f'cluster {{ name: "bus", listen: "127.0.0.1:{port}", routes: [{routes}] }}'
        servers.append(NatsServer(folder, f'server_name: "nats-{number}"\n{place}'))
        servers[-1].start()
    yield servers
    for server in servers:
        server.kill()


async def made(bus: Bus) -> None:
    """Make the bucket once the servers have found each other and chosen a leader."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                await bus.kv("duties").ensure()
            except NOT_YET:
                await asyncio.sleep(0.1)
            else:
                return


async def put(bus: Bus, key: str, value: bytes) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                await bus.connected()
                await bus.kv("duties").put(key, value)
            except NOT_YET:
                await asyncio.sleep(0.1)
            else:
                return


async def test_what_three_servers_keep_outlives_one(certificates: Path, cluster: list[NatsServer]) -> None:
    urls = ",".join(server.url for server in cluster)
    settings = settings_of(certificates, "duty-scheduler", nats_url=urls, nats_replicas=3)
    async with a_service("duty-scheduler") as service, asyncio.timeout(3 * PATIENCE_S):
        bus = await Bus.connect(settings, service)
        await bus.connected()
        await made(bus)
        await put(bus, "1.c1", b"before")
        stream = await api(bus._connection).stream_info("KV_duties")
        assert stream.config.num_replicas == 3
        assert stream.cluster is not None
        leader = next(each for number, each in enumerate(cluster) if f"nats-{number}" == stream.cluster.leader)
        leader.kill()
        await put(bus, "1.c1", b"after")
        found = await bus.kv("duties").get("1.c1")
        assert found is not None
        assert found.value == b"after"


async def test_a_stream_of_one_server_becomes_one_of_three(certificates: Path, cluster: list[NatsServer]) -> None:
    urls = ",".join(server.url for server in cluster)
    for replicas in (1, 3):
        settings = settings_of(certificates, "duty-scheduler", nats_url=urls, nats_replicas=replicas)
        async with a_service("duty-scheduler") as service, asyncio.timeout(2 * PATIENCE_S):
            bus = await Bus.connect(settings, service)
            await bus.connected()
            await made(bus)
            stream = await api(bus._connection).stream_info("KV_duties")
            assert stream.config.num_replicas == replicas
