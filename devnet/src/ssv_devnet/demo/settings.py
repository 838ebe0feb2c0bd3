"""What can be chosen about the demo, from environment variables (make variables of the same names)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ssv_devnet.ssv_validators import FEW_SSV_VALIDATORS, SSV_VALIDATORS
from ssv_protocol.errors import SsvError
from ssv_protocol.types.ids import Epoch, OperatorId, ValidatorIndex

OPERATORS = 4
COMMITTEE_SIZES = (4, 7, 10, 13)
SLOTS_PER_EPOCH = 8
"""What the devnet's beacon node is started with; everything else asks the beacon node."""
GROUPED_OF_FOUR = (OperatorId(3), OperatorId(4))
"""Operators that run all their services in one process, when there are four; more than four all do."""
DEFAULT_SLOT_S = 6
LARGE_COMMITTEE_SLOT_S = 12
"""What two cores need for more than four operators: each sends to each, and all of them compute here."""
DEFAULT_VALIDATORS = {4: 16, 7: 8, 10: 4, 13: 2}
"""By committee size: fewer for larger ones. Two cores were seen to carry 13 operators with 2 validators."""
KILL_COUNTED_EPOCH = 1
"""Killed operators die with the start of the second counted epoch."""
CRASHES = 5
"""One service an epoch, from the second counted epoch on."""
LENIENT_MIN_PERCENT = 90
STORES = ("sqlite", "postgres")
MOST_BEACONS = 2
OUTAGE_EPOCHS = 3
"""So many counted epochs it takes to have every beacon node and EVM endpoint away once."""
_BY_USE = (*FEW_SSV_VALIDATORS, *(index for index in SSV_VALIDATORS if index not in FEW_SSV_VALIDATORS))
"""The SSV validators, those first that have the most to do early."""
FIRST_FORK_EPOCH = 2
"""No key signs before epoch 1, and one epoch is to be seen under the old rules."""


class DemoSettingError(SsvError):
    """A variable has a value that makes no sense; the text names both."""


@dataclass(frozen=True, slots=True)
class DemoSettings:
    """`epochs` counts full epochs from the first in which the keys may sign.

    `fork_epoch` is the chain's epoch from which on Boole's rules hold; 0: always, None: never. `kill_signer` is the
    operator whose signers are killed in turn. With `beacons` of 2 there are two EVM endpoints too, and each of the four
    is away for a while.
    """

    epochs: int = 3
    slot_s: int = DEFAULT_SLOT_S
    operators: int = OPERATORS
    validators: tuple[ValidatorIndex, ...] = _BY_USE
    fork_epoch: Epoch | None = None
    plain: bool = False
    kill: tuple[OperatorId, ...] = ()
    down: tuple[OperatorId, ...] = ()
    crash: OperatorId | None = None
    store: str = STORES[0]
    kill_signer: OperatorId | None = None
    beacons: int = 1
    min_percent: int = 95
    folder: Path = Path("build/demo")
    report: Path = Path("build/demo.json")

    @property
    def operator_ids(self) -> tuple[OperatorId, ...]:
        """All operators, as the contract will number them."""
        return tuple(OperatorId(number) for number in range(1, self.operators + 1))

    @property
    def grouped(self) -> tuple[OperatorId, ...]:
        """The operators that run in one process."""
        return GROUPED_OF_FOUR if self.operators == OPERATORS else self.operator_ids


def from_environment(environment: Mapping[str, str] = os.environ) -> DemoSettings:
    """Read the variables DEMO_…, of which the main README has the list; an empty one means the default.

    Raises:
        DemoSettingError: a value makes no sense.
    """
    operators = _number("DEMO_OPERATORS", environment, OPERATORS, COMMITTEE_SIZES[0], COMMITTEE_SIZES[-1])
    if operators not in COMMITTEE_SIZES:
        raise DemoSettingError(f"DEMO_OPERATORS={operators}: committees have 4, 7, 10 or 13 operators")
    kill, down = _operators("DEMO_KILL", environment, operators), _operators("DEMO_DOWN", environment, operators)
    crash = _of_many_processes("DEMO_CRASH", environment, operators, {*kill, *down})
    kill_signer = _of_many_processes("DEMO_KILL_SIGNER", environment, operators, {*kill, *down})
    store = environment.get("DEMO_STORE") or STORES[0]
    if store not in STORES:
        raise DemoSettingError(f"DEMO_STORE={store}: give {' or '.join(STORES)}")
    if kill_signer is not None and store != "postgres":
        raise DemoSettingError("DEMO_KILL_SIGNER needs DEMO_STORE=postgres, which gives the operator a second signer")
    if kill_signer is not None and crash is not None:
        raise DemoSettingError("give DEMO_CRASH or DEMO_KILL_SIGNER: one run can't tell whose kill cost a duty")
    if set(kill) & set(down):
        raise DemoSettingError("DEMO_KILL and DEMO_DOWN name the same operator")
    beacons = _number("DEMO_BEACONS", environment, 1, 1, MOST_BEACONS)
    if beacons > 1 and (crash, kill_signer) != (None, None):
        raise DemoSettingError(
            "give DEMO_BEACONS without DEMO_CRASH and DEMO_KILL_SIGNER: one run can't tell which cost a duty"
        )
    epochs = _number("DEMO_EPOCHS", environment, 3, 1, 1000)
    if beacons > 1 and epochs < OUTAGE_EPOCHS:
        raise DemoSettingError(f"DEMO_BEACONS={beacons} needs DEMO_EPOCHS of at least {OUTAGE_EPOCHS}, got {epochs}")
    if crash is not None:
        epochs = max(epochs, KILL_COUNTED_EPOCH + CRASHES + 1)
    for name, wanted in (("DEMO_KILL", bool(kill)), ("DEMO_KILL_SIGNER", kill_signer is not None)):
        if wanted and epochs <= KILL_COUNTED_EPOCH:
            raise DemoSettingError(f"{name} needs DEMO_EPOCHS of at least {KILL_COUNTED_EPOCH + 1}, got {epochs}")
    min_percent = _number("DEMO_MIN_INCLUDED", environment, 95, 0, 100)
    validators = _number("DEMO_VALIDATORS", environment, DEFAULT_VALIDATORS[operators], 1, len(SSV_VALIDATORS))
    return DemoSettings(
        epochs=epochs,
        slot_s=_slot_s(environment, operators),
        operators=operators,
        validators=_BY_USE[:validators],
        fork_epoch=_fork_epoch(environment),
        plain=bool(environment.get("DEMO_PLAIN")),
        kill=kill,
        down=down,
        crash=crash,
        store=store,
        kill_signer=kill_signer,
        beacons=beacons,
        min_percent=min(min_percent, LENIENT_MIN_PERCENT) if kill else min_percent,
    )


def _slot_s(environment: Mapping[str, str], operators: int) -> int:
    large = operators > OPERATORS
    slot_s = _number("DEMO_SLOT_S", environment, LARGE_COMMITTEE_SLOT_S if large else DEFAULT_SLOT_S, 2, 60)
    if large and slot_s < LARGE_COMMITTEE_SLOT_S:
        raise DemoSettingError(
            f"DEMO_SLOT_S={slot_s}: {operators} operators on one machine need slots of at least "
            f"{LARGE_COMMITTEE_SLOT_S} s; leave DEMO_SLOT_S out, or take 4 operators"
        )
    return slot_s


def _fork_epoch(environment: Mapping[str, str]) -> Epoch | None:
    if not environment.get("DEMO_FORK_EPOCH"):
        return None
    epoch = _number("DEMO_FORK_EPOCH", environment, 0, 0, 1000)
    if 0 < epoch < FIRST_FORK_EPOCH:
        raise DemoSettingError(
            f"DEMO_FORK_EPOCH={epoch}: give 0 (Boole from genesis) or at least {FIRST_FORK_EPOCH}, so that an epoch "
            "before it can be seen"
        )
    return Epoch(epoch)


def _of_many_processes(
    name: str, environment: Mapping[str, str], operators: int, gone: set[OperatorId]
) -> OperatorId | None:
    given = _operators(name, environment, operators)
    grouped = GROUPED_OF_FOUR if operators == OPERATORS else tuple(map(OperatorId, range(1, operators + 1)))
    if len(given) > 1 or set(given) & {*gone, *grouped}:
        raise DemoSettingError(
            f"{name}={environment[name]}: give one operator that runs a process a service and lives (1 or 2 of 4)"
        )
    return given[0] if given else None


def _operators(name: str, environment: Mapping[str, str], operators: int) -> tuple[OperatorId, ...]:
    parts = environment.get(name, "").replace(",", " ").split()
    return tuple(OperatorId(_number(name, {name: part}, 0, 1, operators)) for part in parts)


def _number(name: str, environment: Mapping[str, str], default: int, lowest: int, highest: int) -> int:
    text = environment.get(name) or str(default)
    if not text.isdecimal() or not lowest <= int(text) <= highest:
        raise DemoSettingError(f"{name}={text}: give a whole number from {lowest} to {highest}")
    return int(text)
