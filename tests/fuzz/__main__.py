"""`python -m tests.fuzz`: every target for SSV_FUZZ_INPUTS inputs (100,000) or SSV_FUZZ_SECONDS (120), then a table.

SSV_FUZZ_SEED moves on to other inputs. The first defect ends the run with the least input that shows it.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.fuzz import gossip, peers
from tests.fuzz.target import Report, Target, fuzz

SHOWN = 6


def main() -> int:
    """Run all targets; an exception is a defect."""
    inputs = int(os.environ.get("SSV_FUZZ_INPUTS", "100000"))
    seconds = float(os.environ.get("SSV_FUZZ_SECONDS", "120"))
    first_seed = int(os.environ.get("SSV_FUZZ_SEED", "0"))
    console = Console(width=150)
    reports = []
    targets: list[Target[Any]] = [*gossip.targets(), *peers.targets()]
    for target in targets:
        reports.append(fuzz(target, inputs, seconds, first_seed))
        console.print(f"{target.name}: {reports[-1].inputs} inputs", highlight=False)
    console.print(_table(reports))
    return 0


def _table(reports: list[Report]) -> Table:
    table = Table("decoder", "inputs", "s", "slowest ms", "of bytes", "outcomes")
    for report in reports:
        outcomes = ", ".join(f"{name} {count}" for name, count in report.outcomes.most_common(SHOWN))
        figures = (report.inputs, f"{report.seconds:.0f}", f"{report.slowest_ms:.1f}", report.slowest_bytes or "")
        table.add_row(report.name, *map(str, figures), outcomes)
    return table


if __name__ == "__main__":
    sys.exit(main())
