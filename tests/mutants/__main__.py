"""Make mutants of the safety rules, let the unit tests kill them, and report the survivors.

Exit code 1 when a mutant survives that `accepted.toml` does not name, or when that file names one that is killed.
Everything is in build/mutants.json.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.mutants.accepted import accepted
from tests.mutants.mutant import Mutant, mutants
from tests.mutants.trial import Trial

ROOT = Path(__file__).resolve().parents[2]
REPORT = ROOT / "build" / "mutants.json"
SOURCE = ROOT / "libs" / "protocol" / "src"
TESTS = ("libs/protocol/tests/signing", "libs/protocol/tests/qbft", "libs/protocol/tests/runners")
FILES = (*sorted((SOURCE / "ssv_protocol" / "signing").glob("*.py")), SOURCE / "ssv_protocol/qbft/justification.py")
CPU_LIMIT_S = 60


@dataclass
class Report:
    """What became of each mutant."""

    total: int
    rows: list[dict[str, object]] = field(default_factory=list)
    unused: dict[tuple[str, str, str], str] = field(default_factory=accepted)

    def add(self, mutant: Mutant, outcome: str) -> None:
        """Keep one outcome; print it when it is a survivor without a reason."""
        key = mutant.file, mutant.function, mutant.change
        # an entry is about one mutant: of two that read alike, the second is not covered
        reason = self.unused.pop(key, None) if outcome == "survived" else None
        row = {"file": mutant.file, "line": mutant.line, "function": mutant.function, "change": mutant.change}
        self.rows.append({**row, "outcome": outcome, "reason": reason})
        if outcome == "survived" and reason is None:
            print(f"SURVIVED {mutant.file}:{mutant.line} {mutant.function}: {mutant.change}", flush=True)
        if len(self.rows) % 100 == 0:
            print(f"{len(self.rows)} of {self.total}", flush=True)

    def finish(self, seconds: float, *, whole: bool) -> bool:
        """Print and write the figures; True when all is as it should be."""
        count = Counter(row["outcome"] for row in self.rows)
        survivors = [row for row in self.rows if row["outcome"] == "survived"]
        unexplained = [row for row in survivors if row["reason"] is None]
        unused = list(self.unused) if whole else []
        for key in unused:
            print("no longer survives, take it out of accepted.toml:", *key)
        figures = {
            "made": self.total,
            "tried": len(self.rows),
            "killed": count["killed"] + count["timed out"],
            "timed_out": count["timed out"],
            "survived": len(survivors),
            "unexplained": len(unexplained),
        }
        print(*(f"{name} {number}" for name, number in figures.items()), f"in {seconds:.0f} s", sep=", ")
        REPORT.parent.mkdir(exist_ok=True)
        REPORT.write_text(json.dumps({**figures, "seconds": round(seconds), "mutants": self.rows}, indent=1))
        return len(self.rows) == self.total and not unexplained and not unused


def main() -> int:
    """Run; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--only", default="", help="only mutants whose 'file function' contains this")
    only = parser.parse_args().only
    os.environ["SSV_SIM_FRESH_SEED"] = "2"
    found: list[Mutant] = []
    for path in FILES:
        name = ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")
        found += [
            item for item in mutants(importlib.import_module(name), ROOT) if only in f"{item.file} {item.function}"
        ]
    report = Report(len(found))
    begin = time.monotonic()
    options = ["--capture=no", "-p", "no:terminal", "-p", "no:cacheprovider", "-p", "no:faulthandler"]
    code = pytest.main([*options, *TESTS], plugins=[Trial(found, CPU_LIMIT_S, report.add)])
    good = report.finish(time.monotonic() - begin, whole=not only)
    return 0 if good and code in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED) else 1


if __name__ == "__main__":
    sys.exit(main())
