"""One process of the plan: started, and started again whenever it ends on its own.

Invariant: between `start` and the end of `stop` at most one process runs; `stop` leaves none, cancelled or not. The
process does not outlive the supervisor (`tied`). It has a process group of its own, so that Ctrl-C reaches the
supervisor alone, which then drains in order.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from ssv_ethereum.backoff import Backoff
from ssvctl.errors import SsvctlError
from ssvctl.supervisor.plan import PlannedProcess
from ssvctl.supervisor.ports import is_free

BAD_SETTINGS = 2
"""Exit code of a service that can't work with its settings: starting it again will not help."""
_SETTINGS_PREFIX = "SSV_"
_TIE = Path(__file__).with_name("tied.py")
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 10.0
_SETTLED_AFTER_S = 30.0
_TAIL_BYTES = 2000


class ProcessRefused(SsvctlError):
    """A process can't be started at all; the text has its last words."""


class PortTaken(SsvctlError):
    """Somebody else listens where the process should: plan with other ports."""


class KeptProcess:
    """Keeps one process running."""

    def __init__(self, planned: PlannedProcess) -> None:
        self.planned = planned
        self.restarts = 0
        self.last_exit: int | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._wanted = False

    @property
    def pid(self) -> int | None:
        """Process id; None while nothing runs."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    async def start(self) -> None:
        """Start it and keep it running; nothing to do when it is. Raises ProcessRefused when it can't be started."""
        if self._keeper is not None:
            return
        self._wanted = True
        await self._spawn()
        self._keeper = asyncio.create_task(self._keep(), name=f"keep {self.planned.name}")

    async def stop(self, drain_s: float | None = None) -> None:
        """Ask it to end, wait for `drain_s` (None: as planned), then kill it. May be called again."""
        self._wanted = False
        limit_s = self.planned.drain_s if drain_s is None else drain_s
        try:
            self._signal(signal.SIGTERM)
            if self._process is not None:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._process.wait(), limit_s)
        finally:
            self._signal(signal.SIGKILL)
            keeper, self._keeper = self._keeper, None
            if keeper is not None:
                keeper.cancel()
                await asyncio.gather(keeper, return_exceptions=True)
        if self._process is not None:
            await self._process.wait()

    def kill(self) -> None:
        """End it as a crash would; it is started again unless `stop` was called."""
        self._signal(signal.SIGKILL)

    def check(self) -> None:
        """Raise what starting again can't mend: PortTaken, ProcessRefused; for the time before it was ever ready."""
        if self.last_exit is None or self.pid is not None:
            return
        if taken := [port for port in self.planned.ports if not is_free(port)]:
            raise PortTaken(f"{self.planned.name}: port {taken[0]} is in use; stop what listens there")
        if self.last_exit == BAD_SETTINGS:
            raise ProcessRefused(f"{self.planned.name} can't start: {self.last_words()}")

    def last_words(self) -> str:
        """Return the last line that it wrote, or where it should have."""
        with contextlib.suppress(OSError), self.planned.log_path.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - _TAIL_BYTES))
            lines = log.read().decode(errors="replace").strip().splitlines()
            if lines:
                return lines[-1]
        return f"it wrote nothing to {self.planned.log_path}"

    def _signal(self, number: signal.Signals) -> None:
        if self.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    async def _keep(self) -> None:
        pause = Backoff(_FIRST_PAUSE_S, _LONGEST_PAUSE_S)
        while True:
            assert self._process is not None
            started = time.monotonic()
            self.last_exit = await self._process.wait()
            if not self._wanted:
                return
            if time.monotonic() - started > _SETTLED_AFTER_S:
                pause.reset()
            await pause.pause()
            self.restarts += 1
            await self._spawn()

    async def _spawn(self) -> None:
        for service in self.planned.services:
            if service.health_port_file is not None:
                service.health_port_file.unlink(missing_ok=True)
        self.planned.log_path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with self.planned.log_path.open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(
                    *tied(self.planned.argv),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env={**_environment(), **self.planned.environment},
                    process_group=0,
                )
        except OSError as error:
            raise ProcessRefused(f"{self.planned.name} can't be started: {error.strerror}") from None


def tied(command: Sequence[str | Path]) -> list[str]:
    """Return a command that runs `command` (a path first) and dies with this process, kill -9 included."""
    return [sys.executable, "-I", "-S", str(_TIE), str(os.getpid()), *map(str, command)]


def _environment() -> dict[str, str]:
    """Return the supervisor's environment without settings of services: those of one must not become those of all."""
    return {key: value for key, value in os.environ.items() if not key.startswith(_SETTINGS_PREFIX)}
