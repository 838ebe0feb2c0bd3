"""Plain keys: a folder of EIP-2335 keystores, `name.json` with its password in `name.txt`, read into memory.

Read at the start and whenever asked to; keys can sign as soon as each is open, and those whose files went are dropped
at the end. A keystore that did not change is not decrypted again. One that can't be read is a problem of its own and
keeps no other from being read.

Invariants: a password or a secret is in no log, no repr and no answer. The secrets live as long as this object; Python
can't overwrite them.
"""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import msgspec
from structlog.typing import FilteringBoundLogger

from ssv_protocol.crypto import eip2335
from ssv_protocol.crypto.bls import SecretKey
from ssv_protocol.errors import ProtocolError, SsvError
from ssv_protocol.nesting import is_shallow
from ssv_protocol.types.ids import BlsPublicKey

_MAX_THREADS = 4  # each may take 256 MiB for scrypt
_Stamp = tuple[tuple[int, int], ...]


class KeystoreUnusable(SsvError):
    """The keystore or its password can't be used; the text names the file and no secret."""


class ReloadState(StrEnum):
    """How reading the folder stands."""

    IDLE = "idle"
    RUNNING = "running"
    COMPLETED = "completed"
    COMPLETED_WITH_ERRORS = "completed_with_errors"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ReloadStatus:
    """The last time the folder was read."""

    state: ReloadState = ReloadState.IDLE
    at: datetime | None = None
    problems: tuple[str, ...] = ()


class KeyFolder:
    """The keys of a folder; None has no keys and never will."""

    def __init__(self, folder: Path | None, log: FilteringBoundLogger) -> None:
        self.status = ReloadStatus()
        self._folder = folder
        self._log = log
        self._keys: dict[BlsPublicKey, SecretKey] = {}
        self._known: dict[Path, tuple[_Stamp, SecretKey]] = {}

    def __repr__(self) -> str:
        return f"KeyFolder({len(self._keys)} keys)"

    @property
    def running(self) -> bool:
        """Whether the folder is being read now."""
        return self.status.state is ReloadState.RUNNING

    def public_keys(self) -> list[BlsPublicKey]:
        """Return the keys that can sign, in order."""
        return sorted(self._keys)

    def loaded(self) -> frozenset[BlsPublicKey]:
        """Return the keys that can sign."""
        return frozenset(self._keys)

    def secret(self, pubkey: BlsPublicKey) -> SecretKey | None:
        """Return a key's secret."""
        return self._keys.get(pubkey)

    def begin(self) -> None:
        """Say that the folder is being read, before `load` is awaited."""
        self.status = ReloadStatus(ReloadState.RUNNING, datetime.now(UTC))

    async def load(self) -> None:
        """Read the folder."""
        self.begin()
        state, problems = ReloadState.FAILED, ["reading was interrupted"]
        try:
            problems = await self._load()
            state = ReloadState.COMPLETED_WITH_ERRORS if problems else ReloadState.COMPLETED
        except OSError as error:
            problems = [f"{self._folder}: {error.strerror}"]
        finally:
            self.status = ReloadStatus(state, datetime.now(UTC), tuple(problems))
        self._log.info("read the keystores", keys=len(self._keys), problems=len(problems))

    async def _load(self) -> list[str]:
        files = await asyncio.to_thread(self._files)
        problems: list[str] = []
        found: dict[Path, tuple[_Stamp, SecretKey]] = {}
        loop, threads = asyncio.get_running_loop(), min(os.cpu_count() or 1, _MAX_THREADS)
        pool = ThreadPoolExecutor(threads, thread_name_prefix="keystore")
        try:
            reading = [loop.run_in_executor(pool, self._read, file) for file in files]
            for file, result in zip(files, reading, strict=True):
                try:
                    found[file] = await result
                except KeystoreUnusable as error:
                    self._log.warning("a keystore can't be used", problem=str(error))
                    problems.append(str(error))
                    continue
                secret = found[file][1]
                self._keys[secret.public_key()] = secret
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        self._known = found
        self._keys = {secret.public_key(): secret for _, secret in found.values()}
        return problems

    def _files(self) -> list[Path]:
        if self._folder is None:
            return []
        return sorted(path for path in self._folder.iterdir() if path.suffix == ".json")

    def _read(self, keystore: Path) -> tuple[_Stamp, SecretKey]:
        password = keystore.with_suffix(".txt")
        stamp = tuple(_stamp(path) for path in (keystore, password))
        known = self._known.get(keystore)
        return known if known is not None and known[0] == stamp else (stamp, read_keystore(keystore, password))


def read_keystore(keystore: Path, password_file: Path) -> SecretKey:
    """Return the key in a keystore. Slow on purpose of its format; raises KeystoreUnusable."""
    try:
        text = _content(keystore)
        content = msgspec.json.decode(text) if is_shallow(text) else None
        if not isinstance(content, dict) or content.get("version") != eip2335.VERSION:
            raise KeystoreUnusable(f"{keystore} is no EIP-2335 keystore of version {eip2335.VERSION}")
        password = _content(password_file).decode().strip("\r\n")
        secret = SecretKey.from_bytes(eip2335.decrypt(content.get("crypto", {}), password))
    except eip2335.WrongPassword:
        raise KeystoreUnusable(f"the password in {password_file} does not open {keystore}") from None
    except (eip2335.KeystoreInvalid, ProtocolError, ValueError):
        raise KeystoreUnusable(f"{keystore} is damaged or holds no validator key") from None
    named = content.get("pubkey")
    if isinstance(named, str) and named and named.removeprefix("0x").lower() != secret.public_key().hex():
        raise KeystoreUnusable(f"{keystore} holds another key than the one it names")
    return secret


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise KeystoreUnusable(f"{path}: {error.strerror}") from None


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError as error:
        raise KeystoreUnusable(f"{path}: {error.strerror}") from None
    return status.st_mtime_ns, status.st_size
