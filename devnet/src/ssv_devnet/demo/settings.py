"""What can be chosen about the demo, from environment variables (make variables of the same names)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ssv_protocol.errors import SsvError
from ssv_protocol.types.ids import OperatorId, ValidatorIndex

OPERATORS = 4
SLOTS_PER_EPOCH = 8
"""What the devnet's beacon node is started with; everything else asks the beacon node."""
SSV_VALIDATORS = tuple(ValidatorIndex(index) for index in range(16, 32))
GROUPED = (OperatorId(3), OperatorId(4))
"""Operators that run all their services in one process; the others run a process a service."""
KILL_COUNTED_EPOCH = 1
"""Killed operators die with the start of the second counted epoch."""
CRASHES = 5
"""One service an epoch, from the second counted epoch on."""
LENIENT_MIN_PERCENT = 90


class DemoSettingError(SsvError):
    """A variable has a value that makes no sense; the text names both."""


@dataclass(frozen=True, slots=True)
class DemoSettings:
    """`epochs` counts full epochs from the first in which the keys may sign."""

    epochs: int = 3
    slot_s: int = 6
    plain: bool = False
    kill: tuple[OperatorId, ...] = ()
    down: tuple[OperatorId, ...] = ()
    crash: OperatorId | None = None
    min_percent: int = 95
    folder: Path = Path("build/demo")
    report: Path = Path("build/demo.json")


def from_environment(environment: Mapping[str, str] = os.environ) -> DemoSettings:
    """Read the variables DEMO_EPOCHS, _SLOT_S, _PLAIN, _KILL, _DOWN, _CRASH and _MIN_INCLUDED.

    Raises:
        DemoSettingError: a value makes no sense.
    """
    kill, down = _operators("DEMO_KILL", environment), _operators("DEMO_DOWN", environment)
    crash = _operators("DEMO_CRASH", environment)
    if len(crash) > 1 or set(crash) & {*kill, *down, *GROUPED}:
        raise DemoSettingError(
            f"DEMO_CRASH={environment['DEMO_CRASH']}: give one operator that runs a process a service and lives"
        )
    if set(kill) & set(down):
        raise DemoSettingError("DEMO_KILL and DEMO_DOWN name the same operator")
    epochs = _number("DEMO_EPOCHS", environment.get("DEMO_EPOCHS") or "3", 1, 1000)
    if crash:
        epochs = max(epochs, KILL_COUNTED_EPOCH + CRASHES + 1)
    if kill and epochs <= KILL_COUNTED_EPOCH:
        raise DemoSettingError(f"DEMO_KILL needs DEMO_EPOCHS of at least {KILL_COUNTED_EPOCH + 1}, got {epochs}")
    min_percent = _number("DEMO_MIN_INCLUDED", environment.get("DEMO_MIN_INCLUDED") or "95", 0, 100)
    return DemoSettings(
        epochs=epochs,
        slot_s=_number("DEMO_SLOT_S", environment.get("DEMO_SLOT_S") or "6", 2, 60),
        plain=bool(environment.get("DEMO_PLAIN")),
        kill=kill,
        down=down,
        crash=crash[0] if crash else None,
        min_percent=min(min_percent, LENIENT_MIN_PERCENT) if kill else min_percent,
    )


def _operators(name: str, environment: Mapping[str, str]) -> tuple[OperatorId, ...]:
    parts = environment.get(name, "").replace(",", " ").split()
    return tuple(OperatorId(_number(name, part, 1, OPERATORS)) for part in parts)


def _number(name: str, text: str, lowest: int, highest: int) -> int:
    if not text.isdecimal() or not lowest <= int(text) <= highest:
        raise DemoSettingError(f"{name}={text}: give a whole number from {lowest} to {highest}")
    return int(text)
