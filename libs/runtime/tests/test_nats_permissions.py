"""Every line of the permissions matrix that matters, against the real nats-server."""

import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import nats
import nats.errors
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import StreamConfig
from nats.js.kv import KeyValue

from ssv_runtime.nats_permissions import (
    DECIDED_STREAM,
    DUTIES_BUCKET,
    MAX_PAYLOAD_BYTES,
    PERMISSIONS,
    inbox_prefix,
    render_nats_conf,
)

PASSWORDS = {service: f"password of {service}" for service in PERMISSIONS}
STREAM = StreamConfig(name=DECIDED_STREAM, subjects=["ssv.decided.>"])


@pytest.fixture(scope="module")
def nats_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("nats")
    (folder / "nats.conf").write_text(render_nats_conf(PASSWORDS))
    binary = Path(sys.executable).with_name("nats-server")
    options: list[str | Path] = [
        "-c",
        folder / "nats.conf",
        "--addr",
        "127.0.0.1",
        "--port",
        "-1",
        "--store_dir",
        folder / "store",
    ]
    command = [binary, *options, "--ports_file_dir", folder, "--log", folder / "log"]
    with subprocess.Popen(command) as server:
        try:
            ports = folder / f"nats-server_{server.pid}.ports"
            yield json.loads(_content(ports))["nats"][0]
        finally:
            server.terminate()


def _content(path: Path) -> str:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with contextlib.suppress(FileNotFoundError):
            if text := path.read_text():
                return text
        time.sleep(0.02)
    raise TimeoutError(path)


class Peer:
    """A service's client and what the server refused it."""

    def __init__(self, client: Client, refusals: "asyncio.Queue[str]") -> None:
        self.client = client
        self._refusals = refusals

    async def refused(self) -> str:
        """The next refusal."""
        return await asyncio.wait_for(self._refusals.get(), 20)

    async def not_refused(self) -> None:
        """Ask for something that is refused: nothing may have been refused before it."""
        await self.client.publish("of.no.business", b"")
        assert "of.no.business" in await self.refused()


@asynccontextmanager
async def peer(url: str, service: str) -> AsyncIterator[Peer]:
    refusals: asyncio.Queue[str] = asyncio.Queue()

    async def on_error(error: Exception) -> None:
        refusals.put_nowait(str(error).lower())

    client = await nats.connect(
        url,
        user=service,
        password=PASSWORDS[service],
        inbox_prefix=inbox_prefix(service),
        error_cb=on_error,
        allow_reconnect=False,
    )
    try:
        yield Peer(client, refusals)
    finally:
        await client.close()


@pytest.mark.asyncio
async def test_no_password_no_connection(nats_url: str) -> None:
    for password in ("", "wrong", PASSWORDS["exporter"]):
        with pytest.raises(nats.errors.Error, match=r"(?i)authorization"):
            await nats.connect(
                nats_url, user="consensus", password=password, allow_reconnect=False, max_reconnect_attempts=0
            )


@pytest.mark.parametrize(
    ("service", "subject", "allowed"),
    [
        ("p2p-gateway", "ssv.gossip.in.c0", True),
        ("p2p-gateway", "ssv.beat.gateway", True),
        ("p2p-gateway", "ssv.gossip.out.t", False),
        ("p2p-gateway", "ssv.decided.c0", False),
        ("p2p-gateway", "$KV.duties.1.c0", False),
        ("p2p-gateway", "ssv.head", False),
        ("consensus", "ssv.gossip.out.t", True),
        ("consensus", "ssv.replay.c0", True),
        ("consensus", "ssv.decided.c0", True),
        ("duty-scheduler", "ssv.decided.c0", True),
        ("consensus", "ssv.beat.worker", True),
        ("consensus", "ssv.gossip.in.c0", False),
        ("consensus", "$KV.duties.1.c0", False),
        ("consensus", "ssv.head", False),
        ("duty-scheduler", "$KV.duties.1.c0", True),
        ("duty-scheduler", "ssv.head", True),
        ("duty-scheduler", "ssv.gossip.in.c0", False),
        ("duty-scheduler", "ssv.gossip.out.t", False),
        ("duty-scheduler", "$KV.other.key", False),
        ("exporter", "ssv.gossip.in.c0", False),
        ("exporter", "ssv.decided.c0", False),
        ("exporter", "$KV.duties.1.c0", False),
        ("exporter", f"$JS.API.STREAM.DELETE.{DECIDED_STREAM}", False),
        ("consensus", f"$JS.API.STREAM.PURGE.KV_{DUTIES_BUCKET}", False),
        ("p2p-gateway", "_INBOX.consensus.stolen.1", False),
    ],
)
@pytest.mark.asyncio
async def test_who_may_publish(nats_url: str, service: str, subject: str, allowed: bool) -> None:
    async with peer(nats_url, service) as one:
        await one.client.publish(subject, b"")
        if not allowed:
            assert subject.lower() in await one.refused()
        await one.not_refused()


@pytest.mark.parametrize(
    ("service", "subject", "allowed"),
    [
        ("p2p-gateway", "ssv.gossip.out.>", True),
        ("p2p-gateway", "ssv.replay.*", True),
        ("p2p-gateway", "ssv.gossip.in.>", False),
        ("consensus", "ssv.gossip.in.c0", True),
        ("consensus", "ssv.head", True),
        ("consensus", "ssv.beat.>", True),
        ("consensus", "ssv.gossip.out.>", False),
        ("consensus", "ssv.>", False),
        ("consensus", "_INBOX.>", False),
        ("duty-scheduler", "ssv.gossip.in.>", False),
        ("duty-scheduler", ">", False),
        ("exporter", "ssv.gossip.in.>", True),
        ("exporter", "ssv.decided.>", True),
        ("duty-scheduler", "ssv.decided.>", True),
        ("exporter", "ssv.replay.>", False),
        ("exporter", "_INBOX.consensus.>", False),
    ],
)
@pytest.mark.asyncio
async def test_who_may_subscribe(nats_url: str, service: str, subject: str, allowed: bool) -> None:
    async with peer(nats_url, service) as one:
        await one.client.subscribe(subject)
        if not allowed:
            assert subject.lower() in await one.refused()
        await one.not_refused()


@pytest.mark.asyncio
async def test_the_gateway_answers_and_no_one_else_reads_it(nats_url: str) -> None:
    async with peer(nats_url, "p2p-gateway") as gateway, peer(nats_url, "consensus") as consensus:

        async def answer(message: Msg) -> None:
            await message.respond(b"peers: " + message.data)

        await gateway.client.subscribe("ssv.gossip.out.>", cb=answer)
        await gateway.client.flush()
        full = bytes(9_000_000)
        reply = await consensus.client.request("ssv.gossip.out.topic", full, timeout=20)
        assert reply.data == b"peers: " + full
        assert consensus.client.max_payload == MAX_PAYLOAD_BYTES
        await gateway.not_refused()
        await consensus.not_refused()


@pytest.mark.asyncio
async def test_duties_from_scheduler_to_readers(nats_url: str) -> None:
    async with peer(nats_url, "duty-scheduler") as scheduler, peer(nats_url, "consensus") as consensus:
        bucket = await scheduler.client.jetstream().create_key_value(bucket=DUTIES_BUCKET)
        await bucket.put("1.c0", b"duties")
        read = await consensus.client.jetstream().key_value(DUTIES_BUCKET)
        assert (await read.get("1.c0")).value == b"duties"
        watcher = await read.watchall()
        seen: KeyValue.Entry = await asyncio.wait_for(anext(aiter(watcher)), 20)
        assert (seen.key, seen.value) == ("1.c0", b"duties")
        await watcher.stop()  # type: ignore[no-untyped-call]
        await scheduler.not_refused()
        await consensus.not_refused()
        await consensus.client.publish("$KV.duties.1.c0", b"forged")
        assert "$kv.duties.1.c0" in await consensus.refused()
        assert (await read.get("1.c0")).value == b"duties"


@pytest.mark.asyncio
async def test_what_was_decided_from_consensus_to_exporter(nats_url: str) -> None:
    async with peer(nats_url, "consensus") as consensus, peer(nats_url, "exporter") as exporter:
        stream = consensus.client.jetstream()
        await stream.add_stream(STREAM)
        acknowledgement = await stream.publish("ssv.decided.c0", b"record")
        assert acknowledgement.stream == DECIDED_STREAM
        reading = exporter.client.jetstream()
        pushed = await reading.subscribe("ssv.decided.>", ordered_consumer=True)
        assert (await pushed.next_msg(20)).data in (b"", b"record")
        pulled = await reading.pull_subscribe("ssv.decided.>", durable="history", stream=DECIDED_STREAM)
        for message in await pulled.fetch(1, timeout=20):
            await message.ack()
        await exporter.not_refused()
        await consensus.not_refused()


def test_every_user_needs_a_password() -> None:
    with pytest.raises(KeyError):
        render_nats_conf({})


def test_nothing_listens_where_no_one_said() -> None:
    config = json.loads(render_nats_conf(PASSWORDS))
    assert config.keys() == {"max_payload", "jetstream", "accounts"}
