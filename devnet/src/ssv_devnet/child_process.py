"""A child process whose output goes to a file.

A file and not a pipe: the child never blocks on a reader that is busy, and its last words outlive it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_STOP_TIMEOUT_S = 5.0
_TAIL_CHARACTERS = 1000


@dataclass(frozen=True, slots=True)
class ChildProcess:
    """A started process and the file that holds what it writes."""

    process: asyncio.subprocess.Process
    log_path: Path

    @property
    def has_ended(self) -> bool:
        """Whether it is gone."""
        return self.process.returncode is not None

    def last_words(self) -> str:
        """Return the end of its output."""
        return self.log_path.read_text(errors="replace")[-_TAIL_CHARACTERS:].strip()

    async def stop(self) -> None:
        """End it. May be called again."""
        await end(self.process)


async def start_child(
    command: Sequence[str | Path], log_path: Path, *, folder: Path | None = None, with_stdin: bool = False
) -> ChildProcess:
    """Start `command` in `folder`; with `with_stdin` its standard input is a pipe that ends with this process."""
    stdin = asyncio.subprocess.PIPE if with_stdin else asyncio.subprocess.DEVNULL
    log_path.parent.mkdir(parents=True, exist_ok=True)
    with log_path.open("wb") as log:
        process = await asyncio.create_subprocess_exec(*command, stdin=stdin, stdout=log, stderr=log, cwd=folder)
    return ChildProcess(process, log_path)


async def end(process: asyncio.subprocess.Process) -> None:
    """Terminate, wait, and kill what does not listen. May be called again."""
    if process.returncode is None:
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), _STOP_TIMEOUT_S)
    except TimeoutError:
        process.kill()
        await process.wait()
