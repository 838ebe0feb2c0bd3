"""One committee of four in one process: what a slot's duty costs, with real RSA and BLS.

All that four operators do for a slot is in the measured path: admission, consensus, the signer with its rules, share
signatures, reconstruction and batch verification. Only the wire and the beacon node are missing. A fake clock skips
the waits and everything runs on one thread, so instances per second are per core.

Of a committee's validators the slot's share attests: all, divided by the slots of an epoch, rounded up.

Prints a table and writes build/bench/qbft.json. No figure is asserted; a duty that is not complete is an error.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from math import ceil
from pathlib import Path

from rich.console import Console
from rich.table import Table

from ssv_consensus import duty_task
from ssv_devnet.measuring.committee_of_four import OPERATORS, Measured, run_duties, split
from ssv_devnet.measuring.stopwatch import Stopwatch
from ssv_protocol.crypto import rsa
from ssv_protocol.crypto.bls import SecretKey
from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.types.fast_codec import FastSszContainer
from ssv_protocol.types.ssz import SszContainer

OUTPUT = Path(__file__).resolve().parents[1] / "build" / "bench" / "qbft.json"
VALIDATORS = (1, 32, 500)
PUBLIC_SLOTS_PER_EPOCH = 32
BLS_SIGN, RSA_SIGN, RSA_VERIFY, COMBINE, SSZ, OTHER = PARTS = (
    "BLS sign",
    "RSA sign",
    "RSA verify",
    "combine",
    "SSZ",
    "other",
)
WATCHED = [
    (SecretKey, "sign", BLS_SIGN),
    (OperatorPrivateKey, "sign", RSA_SIGN),
    (rsa, "verify", RSA_VERIFY),
    (duty_task, "combine", COMBINE),
    *((owner, name, SSZ) for owner in (SszContainer, FastSszContainer) for name in ("encode", "decode")),
    (SszContainer, "hash_tree_root", SSZ),
]


@dataclass(frozen=True, slots=True)
class Result:
    """One row of the table; `split_ms` is the CPU time of an instance by what it was spent on."""

    validators: int
    attesting: int
    instances: int
    instances_per_s: float
    cpu_ms_per_instance: float
    cpu_ms_per_operator: float
    messages_per_instance: float
    bytes_per_instance: float
    split_ms: dict[str, float]


def measure(validators: int, slots_per_epoch: int, cpu_s: float) -> Result:
    """Measure one size: first as it is, then for half the time under a stopwatch."""
    attesting = ceil(validators / slots_per_epoch)
    keys = split(validators)
    plain = run_duties(keys, attesting, cpu_s)
    stopwatch = Stopwatch(WATCHED)
    watched = run_duties(keys, attesting, cpu_s / 2, during=stopwatch)
    cpu_ms = plain.cpu_s * 1000 / plain.instances
    return Result(
        validators,
        attesting,
        plain.instances,
        plain.instances / plain.cpu_s,
        cpu_ms,
        cpu_ms / len(OPERATORS),
        plain.messages / plain.instances,
        plain.bytes / plain.instances,
        _split_ms(watched, stopwatch),
    )


def _split_ms(watched: Measured, stopwatch: Stopwatch) -> dict[str, float]:
    named = {part: stopwatch.spent_s[part] for part in PARTS if part != OTHER}
    named[OTHER] = watched.cpu_s - sum(named.values())
    return {part: seconds * 1000 / watched.instances for part, seconds in named.items()}


def table_of(results: list[Result], slots_per_epoch: int) -> Table:
    """Return the results for people."""
    table = Table(
        title=f"A committee of {len(OPERATORS)} on one core, {slots_per_epoch} slots an epoch",
        caption="An instance is a slot's duty, done by all operators. From `messages` on, all figures are per "
        "instance; the parts are CPU milliseconds.",
    )
    for name in ("validators", "attesting", "inst/s", "ms/inst", "ms/operator", "messages", "kB", *PARTS):
        table.add_column(name, justify="right")
    for row in results:
        table.add_row(
            str(row.validators),
            str(row.attesting),
            f"{row.instances_per_s:.1f}",
            f"{row.cpu_ms_per_instance:.1f}",
            f"{row.cpu_ms_per_operator:.1f}",
            f"{row.messages_per_instance:.0f}",
            f"{row.bytes_per_instance / 1000:.1f}",
            *(f"{row.split_ms[part]:.1f}" for part in PARTS),
        )
    return table


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--slots-per-epoch", type=int, default=PUBLIC_SLOTS_PER_EPOCH, help="32 on public networks")
    parser.add_argument("--seconds", type=float, default=5.0, help="CPU time to measure each size for")
    arguments = parser.parse_args()
    results = [measure(count, arguments.slots_per_epoch, arguments.seconds) for count in VALIDATORS]
    Console(width=140).print(table_of(results, arguments.slots_per_epoch))
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    rows = [asdict(result) for result in results]
    OUTPUT.write_text(json.dumps({"slots_per_epoch": arguments.slots_per_epoch, "results": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
