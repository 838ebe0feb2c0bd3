"""What the background process tells about itself, in files under the network's folder."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import msgspec

from ssv_protocol.errors import SsvError
from ssv_runtime.files import write_atomically

T = TypeVar("T")
DEFAULT_FOLDER = Path("build/devnet")


class NetworkState(msgspec.Struct, frozen=True):
    """The standing network: complete once it runs. `grouped` operators are one process each."""

    beacon_url: str
    execution_url: str
    contract: str
    operators: list[int]
    grouped: list[int]
    validators: list[int]
    signing_epoch: int


class EpochSeen(msgspec.Struct, frozen=True):
    """What the observer saw of an epoch's attestations of the SSV validators."""

    epoch: int
    due: int
    included: int


class StateUnreadable(SsvError):
    """A state file is damaged."""


def lock_file(folder: Path) -> Path:
    """Return the lock that the background process holds."""
    return folder / "lock"


def log_file(folder: Path) -> Path:
    """Return what the background process writes while it starts and afterwards."""
    return folder / "devnet.log"


def write_state(folder: Path, state: NetworkState) -> None:
    """Say that the network stands."""
    write_atomically(folder / "state.json", msgspec.json.encode(state))


def read_state(folder: Path) -> NetworkState | None:
    """Return the network's state; None while it starts. Raises StateUnreadable."""
    return _read(folder / "state.json", NetworkState)


def write_seen(folder: Path, seen: list[EpochSeen]) -> None:
    """Say what the observer saw lately."""
    write_atomically(folder / "observed.json", msgspec.json.encode(seen))


def read_seen(folder: Path) -> list[EpochSeen]:
    """Return what the observer saw lately, oldest first. Raises StateUnreadable."""
    return _read(folder / "observed.json", list[EpochSeen]) or []


def _read(path: Path, kind: type[T]) -> T | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError as error:
        raise StateUnreadable(f"{path}: {error}") from None
