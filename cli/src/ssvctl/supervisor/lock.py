"""Who runs a folder: a lock file that is the kernel's and goes with its holder, however that ends.

The file's content is the holder's process id; it means something only while the lock is held.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ssvctl.errors import SsvctlError


@contextmanager
def held(lock_file: Path) -> Iterator[None]:
    """Hold the lock inside the block; raises SsvctlError when somebody does already."""
    lock_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open(os.open(lock_file, os.O_RDWR | os.O_CREAT, 0o600), "r+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = lock.read().strip()
            raise SsvctlError(f"{lock_file.parent} is in use by process {pid}; end that one first") from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield
        lock.truncate(0)


def holder(lock_file: Path) -> int | None:
    """Return the process id of who holds the lock; None when nobody does."""
    try:
        with lock_file.open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(lock.read() or 0)
            return None
    except FileNotFoundError:
        return None
