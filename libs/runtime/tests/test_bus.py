from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

import pytest
from libs.runtime.tests.conftest import PATIENCE_S, Lines, StartNats, a_service, sample, settings_of

from ssv_runtime.bus import Bus, BusTimeout, BusUnavailable, Message, NoResponders
from ssv_runtime.nats_permissions import MAX_PAYLOAD_BYTES

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
        while bus.is_connected:  # noqa: ASYNC110
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


async def test_a_subscription_from_any_moment_of_connecting_is_served(
    certificates: Path, start_nats: StartNats
) -> None:
    settings = settings_of(certificates, "consensus", nats_url=start_nats().url)
    async with a_service("consensus") as service, asyncio.timeout(PATIENCE_S):
        bus = await Bus.connect(settings, service)
        came: asyncio.Queue[Message] = asyncio.Queue()
        subjects: set[str] = set()
        while not bus.is_connected:
            subject = f"moment.{len(subjects)}"
            await bus.subscribe(subject, came.put)
            subjects.add(subject)
            await asyncio.sleep(0)
        for subject in subjects:
            await bus.publish(subject, b"")
        while subjects:
            subjects.remove((await came.get()).subject)


async def publish_until_lost(bus: Bus, data: bytes) -> int:
    """Return how many were published before there was no connection any more."""
    for count in itertools.count():
        try:
            await bus.publish("a", data)
        except BusUnavailable:
            return count
    raise AssertionError("endless")


async def test_a_server_that_hangs_is_given_up_and_gets_nothing_stale_later(
    certificates: Path, start_nats: StartNats
) -> None:
    server = start_nats()
    settings = settings_of(certificates, "consensus", nats_url=server.url)
    async with (
        asyncio.timeout(PATIENCE_S),
        a_service("consensus") as service,
        a_service("p2p-gateway") as other_service,
    ):
        bus = await Bus.connect(settings, service)
        other = await Bus.connect(settings, other_service)
        came: asyncio.Queue[Message] = asyncio.Queue()
        await other.subscribe("a", came.put)
        await bus.connected()
        server.pause()
        waiting = asyncio.ensure_future(bus.request("b", b"", timeout_s=PATIENCE_S))
        published = await publish_until_lost(bus, bytes(1_000_000))
        assert published > 0
        with pytest.raises(BusUnavailable):
            await waiting
        server.resume()
        await bus.connected()
        await other.connected()
        while await server.connections() > 2:  # noqa: ASYNC110 (until all that the old ones had sent is done with)
            await asyncio.sleep(0.01)
        await bus.publish("a", b"fresh")
        stale = 0
        while (await came.get()).data != b"fresh":
            stale += 1
        # What the socket had taken may still come; what had not left the process never does.
        assert stale < published


async def test_what_is_published_before_an_orderly_end_is_sent(certificates: Path, start_nats: StartNats) -> None:
    settings = settings_of(certificates, "consensus", nats_url=start_nats().url)
    async with asyncio.timeout(PATIENCE_S), a_service("exporter") as reader_service:
        reader = await Bus.connect(settings, reader_service)
        await reader.connected()
        came: asyncio.Queue[Message] = asyncio.Queue()
        await reader.subscribe("a", came.put)
        async with a_service("consensus") as service:
            bus = await Bus.connect(settings, service)
            await bus.connected()
            for _ in range(5):
                await bus.publish("a", bytes(1_000_000))
        for _ in range(5):
            assert len((await came.get()).data) == 1_000_000


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


async def test_a_failing_handler_is_logged_and_the_next_message_handled(
    certificates: Path, start_nats: StartNats
) -> None:
    lines = Lines()
    settings = settings_of(certificates, "consensus", nats_url=start_nats().url)
    async with a_service("consensus", lines) as service, asyncio.timeout(PATIENCE_S):
        bus = await Bus.connect(settings, service)
        await bus.connected()
        handled: asyncio.Queue[bytes] = asyncio.Queue()

        async def fragile(message: Message) -> None:
            if message.data == b"bad":
                raise RuntimeError("cannot")
            handled.put_nowait(message.data)

        await bus.subscribe("ssv.gossip.in.*", fragile)
        await bus.publish("ssv.gossip.in.c1", b"bad")
        await bus.publish("ssv.gossip.in.c1", b"good")
        assert await handled.get() == b"good"
        assert sample(service, "ssv_consensus_bus_handler_failures_total", subject="ssv.gossip.in") == 1
    failures = [line for line in lines.events() if line["event"] == "the handler of a message failed"]
    assert failures[0]["subject"] == "ssv.gossip.in.c1"
    assert failures[0]["trace_id"]


async def test_a_full_queue_drops_and_counts(certificates: Path, start_nats: StartNats) -> None:
    settings = settings_of(certificates, "consensus", nats_url=start_nats().url)
    async with a_service("consensus") as service, asyncio.timeout(PATIENCE_S):
        bus = await Bus.connect(settings, service)
        await bus.connected()
        go_on = asyncio.Event()
        handled: asyncio.Queue[bytes] = asyncio.Queue()

        async def slow(message: Message) -> None:
            await go_on.wait()
            handled.put_nowait(message.data)

        subscription = await bus.subscribe("many", slow, pending_messages=3)
        for number in range(10):
            await bus.publish("many", bytes([number]))
        while subscription.dropped + 4 < 10:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        go_on.set()
        kept = [await handled.get() for _ in range(10 - subscription.dropped)]
        assert kept == [bytes([number]) for number in range(len(kept))]
        assert sample(service, "ssv_consensus_bus_dropped_total", subject="many") == subscription.dropped


async def test_nothing_comes_after_unsubscribe(certificates: Path, start_nats: StartNats) -> None:
    settings = settings_of(certificates, "consensus", nats_url=start_nats().url)
    async with a_service("consensus") as service, asyncio.timeout(PATIENCE_S):
        bus = await Bus.connect(settings, service)
        await bus.connected()
        first: asyncio.Queue[Message] = asyncio.Queue()
        second: asyncio.Queue[Message] = asyncio.Queue()
        subscription = await bus.subscribe("a", first.put)
        await bus.subscribe("a", second.put)
        await bus.unsubscribe(subscription)
        await bus.publish("a", b"x")
        await second.get()
        assert first.empty()


async def test_what_the_bus_cannot_carry_is_an_error(certificates: Path, start_nats: StartNats) -> None:
    settings = settings_of(certificates, "consensus", nats_url=start_nats().url)
    async with a_service("consensus") as service, asyncio.timeout(PATIENCE_S):
        bus = await Bus.connect(settings, service)
        await bus.connected()
        came: asyncio.Queue[Message] = asyncio.Queue()
        await bus.subscribe("large", came.put)
        await bus.publish("large", bytes(MAX_PAYLOAD_BYTES - 1024))
        assert len((await came.get()).data) == MAX_PAYLOAD_BYTES - 1024
        with pytest.raises(ValueError, match="at most"):
            await bus.publish("large", bytes(MAX_PAYLOAD_BYTES + 1))
        with pytest.raises(ValueError, match="not a subject"):
            await bus.publish("two words", b"")
