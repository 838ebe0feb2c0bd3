"""Signer processes on one data folder: one works, the next one waits with its imports done."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).parents[2]
_START_TIMEOUT_S = 30.0


class Signers:
    """Starts signer after signer with the same settings. `stop` ends the one that waits."""

    def __init__(self, folder: Path, arguments: Sequence[str], sabotage: bool) -> None:
        self._folder = folder
        self._arguments = [*(["--records-after-signing"] if sabotage else []), *arguments]
        self._count = 0
        self._waiting: tuple[Process, Path] | None = None

    async def prepare(self) -> None:
        """Start a process that waits."""
        self._count += 1
        port_file = self._folder / f"port-{self._count}"
        with (self._folder / "signer.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tests.chaos.signer_child",
                *self._arguments,
                "--grpc-port-file",
                str(port_file),
                cwd=ROOT,
                stdin=PIPE,
                stdout=DEVNULL,
                stderr=log,
            )
        self._waiting = process, port_file

    async def start(self) -> tuple[Process, int]:
        """Let the waiting process work; returns it with its port, once it serves."""
        if self._waiting is None:
            await self.prepare()
        assert self._waiting is not None
        (process, port_file), self._waiting = self._waiting, None
        assert process.stdin is not None
        process.stdin.write(b"go\n")
        async with asyncio.timeout(_START_TIMEOUT_S):
            while not port_file.exists():
                if process.returncode is not None:
                    raise RuntimeError(f"the signer ended with {process.returncode}; see {self._folder / 'signer.log'}")
                await asyncio.sleep(0.002)
        return process, int(port_file.read_text())

    async def stop(self) -> None:
        """End the process that waits."""
        if self._waiting is not None:
            await kill(self._waiting[0])


async def kill(process: Process) -> None:
    """kill -9, and wait until it is gone."""
    with suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGKILL)
    await process.wait()
