"""Runs the official vectors and prints what passed: python tests/spec/run.py [suite …] [--version …].

Exit code 1 on any failure, on a file that no runner takes, and when the archives are missing.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.spec.case import Case, Runner, Version
from tests.spec.vectors import VectorsMissing, cases

SUITES = ("types", "qbft", "ssv")
VERSIONS: tuple[Version, ...] = get_args(Version)


def runners_of(suite: str) -> Mapping[str, Runner]:
    """Return the runners of a suite by Go type name."""
    runners: Mapping[str, Runner] = importlib.import_module(f"tests.spec.{suite}_suite").RUNNERS
    return runners


def outcome(case: Case, runners: Mapping[str, Runner]) -> str | None:
    """Run a case; return None when it passes, else what went wrong."""
    runner = runners.get(case.type_name)
    if runner is None:
        return f"no runner for {case.type_name}"
    try:
        runner(case)
    except Exception as error:  # whatever it is, the case has not passed
        return f"{type(error).__name__}: {error}"
    return None


def run(suite: str, version: Version) -> int:
    """Run one suite of one archive, print its table and return the number of failures."""
    runners = runners_of(suite)
    passed: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    sub_tests: Counter[str] = Counter()
    started_s = time.monotonic()
    for case in cases(suite, version):
        problem = outcome(case, runners)
        sub_tests[case.type_name] += len(case.json.get("Tests") or [case.json])
        if problem is None:
            passed[case.type_name] += 1
        else:
            failed[case.type_name] += 1
            print(f"FAILED {version} {suite} {case.type_name} {case.name}\n  {problem}")
    for type_name in sorted(passed | failed):
        print(_row(version, f"{suite}/{type_name}", passed[type_name], failed[type_name], sub_tests[type_name]))
    elapsed_s = time.monotonic() - started_s
    title = f"{suite} total, {elapsed_s:.1f} s"
    print(_row(version, title, passed.total(), failed.total(), sub_tests.total()))
    if not passed and not failed:
        print(f"{version} {suite}: the archive has no test files")
        return 1
    return failed.total()


def _row(version: str, title: str, passed: object, failed: object, sub_tests: object) -> str:
    """Return a line of the table; files pass or fail, `sub_tests` is what is in all of them."""
    return f"{version:6} {title:68} {passed!s:>5} {failed!s:>5} {sub_tests!s:>6}"


def main() -> int:
    """Return the exit code."""
    parser = argparse.ArgumentParser(description="Run the official ssv-spec vectors.")
    parser.add_argument("suites", nargs="*", metavar="suite", help=f"of {', '.join(SUITES)}; default all")
    parser.add_argument("--version", choices=VERSIONS, help="only the archive of one rule set")
    arguments = parser.parse_args()
    unknown = set(arguments.suites) - set(SUITES)
    if unknown:
        parser.error(f"unknown suite {', '.join(sorted(unknown))}")
    versions = (arguments.version,) if arguments.version else VERSIONS
    print(_row("rules", "suite/type", "pass", "fail", "tests"))
    try:
        failures = sum(run(suite, version) for suite in arguments.suites or SUITES for version in versions)
    except VectorsMissing as error:
        print(error)
        return 1
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
