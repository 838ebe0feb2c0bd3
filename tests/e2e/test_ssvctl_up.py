"""`ssvctl up` and `ssvctl status` as a user runs them, against the devnet's beacon node, EVM and contract."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from tests.support.processes import pids_with

from ssv_devnet.local_network.operators import peers_file, running_operators
from ssv_devnet.local_network.world import World, WorldSettings, running_world
from ssv_protocol.types.ids import OperatorId
from ssvctl.embedded.operator_plan import NATS, START_ORDER
from ssvctl.operator_keys import write_operator_key

SSVCTL = str(Path(sys.executable).with_name("ssvctl"))
READY_WITHIN_S = 120
OPERATOR, PEER, *ABSENT = map(OperatorId, (1, 2, 3, 4))
PASSWORD = "open sesame, a password of its own"


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def world(loop: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world where operator 2 runs already, so that operator 1 finds a peer."""
    settings = WorldSettings(tmp_path_factory.mktemp("world"), slot_s=2)
    stack = AsyncExitStack()

    async def start() -> World:
        world = await stack.enter_async_context(running_world(settings, lambda _: None))
        await stack.enter_async_context(running_operators(world, grouped=[PEER], without=[OPERATOR, *ABSENT]))
        return world

    try:
        yield loop.run(start())
    finally:
        loop.run(stack.aclose())


@asynccontextmanager
async def ssvctl_up(
    world: World, folder: Path, *options: str, execution_url: str | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    key_file, password_file = folder.with_name("operator.json"), folder.with_name("password.txt")
    password_file.write_text(PASSWORD)
    write_operator_key(key_file, world.provisioned.operator_keys[OPERATOR], PASSWORD)
    command: list[str | Path] = [
        SSVCTL,
        "up",
        "--dir",
        folder,
        "--network",
        "local",
        "--network-file",
        world.network_file,
        "--operator-key-file",
        key_file,
    ]
    command += ["--password-file", password_file, "--beacon-url", world.beacon_url]
    command += ["--execution-url", execution_url or world.execution_url]
    command += ["--p2p-peers-file", peers_file(world.settings.folder), *options]
    process = await asyncio.create_subprocess_exec(
        *command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def status(folder: Path) -> tuple[int, str]:
    command: list[str | Path] = [SSVCTL, "status", "--dir", folder]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()


async def until_said(process: asyncio.subprocess.Process, *wanted: str) -> None:
    """Read the live lines until each wanted text was the start of one."""
    assert process.stdout is not None
    lines: list[str] = []
    async with asyncio.timeout(READY_WITHIN_S):
        while not all(any(line.startswith(text) for line in lines) for text in wanted):
            line = await process.stdout.readline()
            assert line, f"ended early: {lines}"
            lines.append(line.decode().rstrip())


@pytest.mark.parametrize("options", [("--grouped",), ()], ids=["grouped", "processes"])
def test_ready_and_gone(loop: asyncio.Runner, world: World, tmp_path: Path, options: tuple[str, ...]) -> None:
    folder = tmp_path / "operator"

    async def scenario() -> None:
        async with ssvctl_up(world, folder, *options) as process:
            nodes = [f"beacon node {world.beacon_url} is good: ", f"execution node {world.execution_url} is good: "]
            ready = [f"{name}: ready" for name in (NATS, *START_ORDER)]
            await until_said(process, *nodes, *ready, "all services are ready")
            code, shown = await status(folder)
            assert code == 0, shown
            assert shown.count(" ready ") == 1 + len(START_ORDER)
            assert len(pids_with(str(folder / "run"))) == (1 if options else len(START_ORDER))
            process.send_signal(signal.SIGTERM)
            assert await process.wait() == 0
        assert pids_with(str(folder)) == []
        code, shown = await status(folder)
        assert code == 1
        assert "nobody runs" in shown

    loop.run(scenario())
    logs = [path.read_text(errors="replace") for path in (folder / "log").iterdir()]
    secrets = [PASSWORD, *(path.read_text().strip() for path in (folder / "certs" / "nats").glob("*.password"))]
    assert not any(secret in log for secret in secrets for log in logs)
    assert not any("PRIVATE KEY" in log for log in logs)


def test_what_is_missing_and_what_was_killed(loop: asyncio.Runner, world: World, tmp_path: Path) -> None:
    folder = tmp_path / "operator"

    async def scenario() -> None:
        async with ssvctl_up(world, folder, execution_url="http://127.0.0.1:9") as process:
            away = "execution node http://127.0.0.1:9 is waited for: eth_chainId: "
            await until_said(process, away, "signer: ready", "eth1-listener: waits for execution")
            code, shown = await status(folder)
            assert code == 1
            assert "check execution_url" in shown
            [signer] = [pid for pid in pids_with(str(folder)) if pid in pids_with("ssv_signer")]
            os.kill(signer, signal.SIGKILL)
            await until_said(process, "signer: does not answer yet")
            await until_said(process, "signer: ready")
            process.kill()  # nobody drains anything
            await process.wait()
        async with asyncio.timeout(READY_WITHIN_S):
            while pids_with(str(folder)):  # noqa: ASYNC110 (the kernel ends them)
                await asyncio.sleep(0.05)

    loop.run(scenario())
