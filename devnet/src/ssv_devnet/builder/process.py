"""The builder as a child process: checking signatures must not hold up whoever starts it."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from ssv_devnet.builder.record import BuilderRecord, read_record
from ssv_devnet.child_process import ChildProcess, start_child
from ssv_protocol.errors import SsvError
from ssvctl.supervisor.ports import LOOPBACK

_READY = re.compile(r"^READY port=(\d+)", re.MULTILINE)
_POLL_S = 0.05


class BuilderError(SsvError):
    """The devnet's builder cannot run; the text holds its own words."""


@dataclass(frozen=True, slots=True)
class RunningBuilder:
    """A builder that answers at `url`."""

    child: ChildProcess
    url: str

    async def record(self) -> BuilderRecord:
        """Return what it has seen and done so far. Raises BeaconError when it does not answer."""
        return await read_record(self.url)


@asynccontextmanager
async def running_builder(
    beacon_url: str, port: int, log_path: Path, *, bid_every: int = 1, start_timeout_s: float = 60.0
) -> AsyncGenerator[RunningBuilder, None]:
    """Start a builder on `port` that bids in the last of every `bid_every` slots (2: odd ones); stopped on the way out.

    It is ready when this is entered, so the beacon node must answer before.

    Raises:
        BuilderError: ended early, or silent for `start_timeout_s`.
    """
    command = [sys.executable, "-m", "ssv_devnet.builder", "--beacon-url", beacon_url]
    command += ["--port", str(port), "--bid-every", str(bid_every)]
    child = await start_child(command, log_path, with_stdin=True)
    try:
        try:
            ready_port = await asyncio.wait_for(_port_when_ready(child), start_timeout_s)
        except TimeoutError:
            raise BuilderError(f"The builder was not ready in {start_timeout_s} s: {child.last_words()}") from None
        yield RunningBuilder(child, f"http://{LOOPBACK}:{ready_port}")
    finally:
        await child.stop()


async def _port_when_ready(child: ChildProcess) -> int:
    while True:
        ready = _READY.search(child.log_path.read_text(errors="replace"))
        if ready:
            return int(ready[1])
        if child.has_ended:
            raise BuilderError(f"The builder ended with code {child.process.returncode}: {child.last_words()}")
        await asyncio.sleep(_POLL_S)
