"""Ownership signatures of many blocks, checked ahead in batches, and by several processes where there are many.

A batch holds the interpreter while it is computed, so it is kept short enough for the service to answer in between; a
long history goes to processes of its own, which leave when it is read.

Invariant: what a process did not answer is checked here, so their number changes how long it takes and nothing else.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from subprocess import PIPE

import msgspec

from ssv_ethereum.ownership_worker import LENGTH_BYTES, framed
from ssv_ethereum.registry_blocks import BlockUpdate
from ssv_protocol.crypto import bls
from ssv_protocol.registry.ownership import CheckedClaims, Claim, ownership_claims
from ssv_protocol.registry.state import RegistryState

SIGNATURES_AT_ONCE = 64
MANY = 256
"""From how many on it is worth to have processes."""
MOST_PROCESSES = 2
"""Each takes memory that a small container may not have, and two read the largest network in a minute or two."""
_FEW = 4


def useful_processes() -> int:
    """Return how many processes this machine has cores for; none if they would only take turns."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MOST_PROCESSES) if cores > 1 else 0


class OwnershipChecks:
    """Checks signatures ahead. `rest` when there is nothing more to do for now."""

    def __init__(self, processes: int = 0) -> None:
        self._processes = processes
        self._workers: list[asyncio.subprocess.Process] = []

    @property
    def pids(self) -> list[int]:
        """The processes that are at work."""
        return [worker.pid for worker in self._workers]

    async def ahead(self, state: RegistryState, updates: Sequence[BlockUpdate]) -> CheckedClaims:
        """Check what `updates` will ask for once they are applied to `state`."""
        checked = CheckedClaims()
        logs = [log for update in updates for log in update.logs]
        if len(logs) < _FEW:
            return checked  # no batch: applying checks them as fast
        claims = await asyncio.to_thread(ownership_claims, state, logs)
        parts = [claims[at : at + SIGNATURES_AT_ONCE] for at in range(0, len(claims), SIGNATURES_AT_ONCE)]
        left = deque(parts)
        if len(claims) >= MANY:
            await self._by_processes(left, checked)
        while left:
            part = left.popleft()
            checked.add(part, await asyncio.to_thread(bls.verify_many, part, secrets.token_bytes))
        return checked

    async def rest(self) -> None:
        """End all processes; they are started again when they are needed. May be called again."""
        workers, self._workers = self._workers, []
        for worker in workers:
            with suppress(ProcessLookupError):
                worker.kill()
        await asyncio.gather(*(worker.wait() for worker in workers))

    async def _by_processes(self, left: deque[list[Claim]], checked: CheckedClaims) -> None:
        """Have the processes check what is left; what none of them answered is left afterwards."""

        async def work(worker: asyncio.subprocess.Process) -> None:
            while left:
                part = left.popleft()
                try:
                    checked.add(part, await _asked(worker, part))
                except (OSError, EOFError, msgspec.MsgspecError, ValueError):
                    left.append(part)
                    self._workers.remove(worker)
                    with suppress(ProcessLookupError):
                        worker.kill()
                    await worker.wait()
                    return

        try:
            await self._start()
            await asyncio.gather(*(work(worker) for worker in tuple(self._workers)))
        except BaseException:
            await self.rest()  # an answer may be on its way that nobody waits for
            raise

    async def _start(self) -> None:
        with suppress(OSError):  # no room for another process
            while len(self._workers) < self._processes:
                command = [sys.executable, "-m", "ssv_ethereum.ownership_worker"]
                self._workers.append(await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE))


async def _asked(worker: asyncio.subprocess.Process, claims: Sequence[Claim]) -> list[bool]:
    """Return a worker's answer. Raises OSError, EOFError, MsgspecError, ValueError when it has none."""
    if worker.stdin is None or worker.stdout is None:
        raise EOFError
    worker.stdin.write(framed(msgspec.msgpack.encode(claims)))
    await worker.stdin.drain()
    length = int.from_bytes(await worker.stdout.readexactly(LENGTH_BYTES), "big")
    answer = msgspec.msgpack.decode(await worker.stdout.readexactly(length), type=list[bool])
    if len(answer) != len(claims):
        raise ValueError("an answer to another question")
    return answer
