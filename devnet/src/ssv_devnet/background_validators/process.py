"""The background validator client as a child process: its signing must not hold up whoever starts it."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from ssv_devnet.child_process import ChildProcess, start_child
from ssv_protocol.types.ids import Epoch, ValidatorIndex


@dataclass(frozen=True, slots=True)
class BackgroundValidators:
    """The running client."""

    child: ChildProcess

    async def release(self, indices: Iterable[ValidatorIndex], from_epoch: Epoch) -> None:
        """Have it do nothing for `indices` from `from_epoch` on; give it a slot's notice."""
        assert self.child.process.stdin is not None
        self.child.process.stdin.write(f"release {','.join(map(str, indices))} {from_epoch}\n".encode())
        await self.child.process.stdin.drain()

    async def stop(self) -> None:
        """End it. May be called again."""
        await self.child.stop()


@asynccontextmanager
async def running_background_validators(
    beacon_url: str, validators: int, log_path: Path
) -> AsyncGenerator[BackgroundValidators, None]:
    """Start the client for the genesis validators 0 … `validators` - 1; stopped on the way out."""
    module = "ssv_devnet.background_validators"
    command = [sys.executable, "-m", module, "--beacon-url", beacon_url, "--validators", str(validators)]
    background = BackgroundValidators(await start_child(command, log_path, with_stdin=True))
    try:
        yield background
    finally:
        await background.stop()
