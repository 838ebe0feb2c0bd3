from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from libs.runtime.tests.conftest import PATIENCE_S, StartNats, a_service, sample, settings_of

from ssv_runtime.bus import Bus, BusTimeout, BusUnavailable, Message, NoResponders

pytestmark = pytest.mark.asyncio


async def test_what_is_published_after_subscribe_returns_is_handled_in_order(
    certificates: Path, start_nats: StartNats
) -> None:
    settings = settings_of(certificates, "consensus", nats_url=start_nats().url)
    async with a_service("consensus") as service:
        bus = await Bus.connect(settings, service)
        await bus.connected()
        came: asyncio.Queue[Message] = asyncio.Queue()
        await bus.subscribe("ssv.gossip.in.*", came.put)
        for number in range(100):
            await bus.publish("ssv.gossip.in.c1", bytes([number]), {"ssv-received-unix-us": "7"})
        async with asyncio.timeout(PATIENCE_S):
            messages = [await came.get() for _ in range(100)]
    assert [message.data for message in messages] == [bytes([number]) for number in range(100)]
    assert messages[0].subject == "ssv.gossip.in.c1"
    assert messages[0].headers["ssv-received-unix-us"] == "7"


async def test_the_server_is_killed_and_started_again(certificates: Path, start_nats: StartNats) -> None:
    server = start_nats()
    settings = settings_of(certificates, "consensus", nats_url=server.url)
    async with a_service("consensus") as service, asyncio.timeout(PATIENCE_S):
        bus = await Bus.connect(settings, service)
        came: asyncio.Queue[Message] = asyncio.Queue()
        await bus.subscribe("a", came.put)  # before there is a connection
        await bus.connected()
        assert service.health.problems() == {}
        server.kill()
        while bus.is_connected:
            await asyncio.sleep(0.01)
        assert "nats" in service.health.problems()
        with pytest.raises(BusUnavailable):
            await bus.publish("a", b"stale")
        with pytest.raises(BusUnavailable):
            await bus.request("a", b"stale", timeout_s=1)
        server.start()
        await bus.connected()
        await bus.publish("a", b"fresh")
        assert (await came.get()).data == b"fresh"
        assert service.health.problems() == {}
        assert sample(service, "ssv_consensus_bus_connects_total") == 2


async def test_requests(certificates: Path, start_nats: StartNats) -> None:
    settings = settings_of(certificates, "consensus", nats_url=start_nats().url)
    async with a_service("consensus") as service, asyncio.timeout(PATIENCE_S):
        bus = await Bus.connect(settings, service)
        await bus.connected()

        async def echo(message: Message) -> None:
            await message.respond(message.data + b"!")

        async def silent(_message: Message) -> None:
            pass

        await bus.subscribe("echo", echo)
        await bus.subscribe("echo", echo)
        await bus.subscribe("silent", silent)
        assert (await bus.request("echo", b"hi", timeout_s=PATIENCE_S)).data == b"hi!"
        assert [answer.data for answer in await bus.request_all("echo", b"x", PATIENCE_S, most=2)] == [b"x!", b"x!"]
        with pytest.raises(NoResponders):
            await bus.request("nobody", b"", timeout_s=PATIENCE_S)
        with pytest.raises(BusTimeout):
            await bus.request("silent", b"", timeout_s=0.05)
        assert await bus.request_all("silent", b"", 0.05) == []
