"""The folder of an embedded operator, and who runs it.

    operator.toml  certs/  data/ (what must not be lost)  run/ (of the running processes)  log/

Invariant: one supervisor a folder; the lock is the kernel's and goes with its holder, however that ends.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ssvctl.errors import SsvctlError


@dataclass(frozen=True, slots=True)
class OperatorFolder:
    """Where an operator's files are. `root` is absolute, because services run with other working directories."""

    root: Path

    @classmethod
    def at(cls, root: Path) -> OperatorFolder:
        """Return the folder at `root`."""
        return cls(root.absolute())

    @property
    def settings_file(self) -> Path:
        """What the operator wrote."""
        return self.root / "operator.toml"

    @property
    def certificates(self) -> Path:
        """Made by `ssvctl certs make`."""
        return self.root / "certs"

    @property
    def data(self) -> Path:
        """Databases, the network key, the bus's streams."""
        return self.root / "data"

    @property
    def run(self) -> Path:
        """Files that hold only while the operator runs."""
        return self.root / "run"

    @property
    def service_settings(self) -> Path:
        """Settings of all services, written at each start."""
        return self.run / "services.toml"

    @property
    def lock(self) -> Path:
        """Held by the supervisor; its content is the supervisor's process id."""
        return self.run / "lock"

    def log(self, process: str) -> Path:
        """Return the log of a process."""
        return self.root / "log" / f"{process}.log"

    def health_port_file(self, service: str) -> Path:
        """Return the file with the port of a service's health server."""
        return self.run / f"{service}.health"


@contextmanager
def held(folder: OperatorFolder) -> Iterator[None]:
    """Be the folder's only supervisor inside the block; raises SsvctlError when there is one."""
    for path in (folder.root, folder.data, folder.run):
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open(os.open(folder.lock, os.O_RDWR | os.O_CREAT, 0o600), "r+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = lock.read().strip()
            raise SsvctlError(f"{folder.root} is run by process {pid} already; end that one first") from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield
        lock.truncate(0)


def supervisor_pid(folder: OperatorFolder) -> int | None:
    """Return the process id of the folder's supervisor; None when nobody runs it."""
    try:
        with folder.lock.open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(lock.read() or 0)
            return None
    except FileNotFoundError:
        return None
