"""A real signer process reaches nothing but its database, and leaves no image of its memory."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from services.signer.tests import watched_process
from services.signer.tests.harness import PATIENCE_S, Signer
from tests.support.signing_world import SigningWorld

from ssv_api.v1 import signer_pb2 as pb
from ssv_protocol.types.ids import Instant
from ssv_protocol.types.roles import QbftMessageType

DIALLING = (
    "ssv_ethereum",
    "ssv_runtime.bus",
    "ssv_runtime.registry_client",
    "ssv_runtime.slashing_client",
    "ssv_signer.share_store",
    "ssvctl",
    "nats",
    "requests",
    "urllib3",
    "web3",
    "libp2p",
    "httpx",
    "grpc.experimental",
    "smtplib",
    "ftplib",
    "telnetlib",
    "xmlrpc",
    "kubernetes",
    "lightkube",
)
"""What dials and has no business here, with everything below it."""


@dataclass
class Watched:
    """A signer process; `last` is what it told when it ended."""

    process: subprocess.Popen[str]
    last: dict[str, Any]

    def outgoing(self) -> list[str]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        told: list[str] = json.loads(self.process.stdout.readline())
        return told


@contextmanager
def watched(signer: Signer) -> Iterator[Watched]:
    """Run the signer's process inside the block."""
    port_file = signer.folder / "port"
    settings = signer.settings(grpc_port_file=port_file).model_dump(exclude_unset=True)
    options = [part for key, value in settings.items() for part in (f"--{key.replace('_', '-')}", str(value))]
    command = [sys.executable, "-m", "services.signer.tests.watched_process", *options]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        found = Watched(process, {})
        try:
            next(line for line in process.stderr if "serving gRPC" in line)
            signer.port = int(port_file.read_text())
            yield found
        finally:
            process.terminate()
            out, _ = process.communicate(timeout=PATIENCE_S)
        found.last.update(json.loads(out.splitlines()[-1]))
    assert process.returncode == 0


async def work(signer: Signer) -> None:
    """Have it do everything once that a signer does."""
    world = signer.world
    signer.slot = world.network.chain.slot_at(Instant(time.time()))
    async with signer.client("eth1-listener") as stub:
        await stub.AddShare(world.validator(1).add)
        await stub.ListShares(pb.ListSharesRequest())
    (answer,) = await signer.sign(world.qbft(QbftMessageType.PREPARE, signer.slot, b"v"))
    assert answer.HasField("signed"), answer
    async with signer.client("cli") as stub:
        await stub.ExportSlashing(pb.ExportSlashingRequest())
        await stub.Identity(pb.IdentityRequest())


def hexadecimal(address: str) -> str:
    host, _, port = address.rpartition(":")
    return f"{socket.inet_aton(host)[::-1].hex().upper()}:{int(port):04X}"


@pytest.mark.asyncio
async def test_it_reaches_nothing_but_its_database(signer: Signer) -> None:
    with watched(signer) as process:
        await work(signer)
        connections = set(process.outgoing())
    assert connections == set()  # PostgreSQL is reached by a Unix socket here
    assert process.last["events"] == []


@pytest.mark.asyncio
async def test_it_imports_nothing_that_dials(tmp_path: Path, world: SigningWorld) -> None:
    signer = Signer(tmp_path, world)
    with watched(signer) as process:
        await work(signer)
    imported = set(process.last["modules"])
    assert "ssv_signer.judge" in imported
    unwanted = {name for name in imported if any(name == root or name.startswith(f"{root}.") for root in DIALLING)}
    assert unwanted == set()


def test_it_leaves_no_image_of_its_memory(tmp_path: Path, world: SigningWorld) -> None:
    signer = Signer(tmp_path, world)
    with watched(signer) as process:
        limits = Path(f"/proc/{process.process.pid}/limits").read_text()
        (core,) = [line.split() for line in limits.splitlines() if line.startswith("Max core file size")]
    assert core[4:6] == ["0", "0"]
    assert process.last["core"] == [0, 0]
    assert process.last["dumpable"] == 0


def test_the_watch_sees_a_connection_and_a_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the tests above rely on: of both ends of a connection only the dialling one counts."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        before = watched_process.outgoing()
        with socket.create_connection(address), server.accept()[0]:
            after = watched_process.outgoing()
    assert [each for each in after if each not in before] == [hexadecimal(f"{address[0]}:{address[1]}")]
    code = (
        "import runpy, sys\n"
        "from services.signer.tests import watched_process\n"
        "def dial(*_, **__):\n"
        "    import socket, subprocess\n"
        "    socket.socket().connect_ex(('127.0.0.1', 9))\n"
        "    subprocess.run(['true'])\n"
        "runpy.run_module = dial\n"
        "watched_process.main()\n"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL)
    told = json.loads(done.stdout.splitlines()[-1])
    assert [event.split()[0] for event in told["events"]] == ["socket.connect", "subprocess.Popen"]
    assert told["dumpable"] == 1
