"""Runs the interchange vectors on every store and prints what passed: python tests/interchange/run.py.

Exit code 1 on any failure and when the vectors are missing.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.interchange.replay import FORMS, replay
from tests.interchange.stores import NewStore, stores
from tests.interchange.vectors import VectorsMissing, vectors


def run(name: str, new_store: NewStore) -> int:
    """Run all vectors on one store in both forms, print the count of vectors and return that of failures."""
    failed = total = attempts = 0
    for vector in vectors():
        problems = []
        for form in FORMS:
            with new_store() as store:
                problems += [f"{form}: {problem}" for problem in replay(vector, store, form)]
        total += 1
        attempts += sum(len(step["blocks"]) + len(step["attestations"]) for step in vector.steps)
        failed += bool(problems)
        for problem in problems:
            print(f"FAILED interchange on {name}, {vector.name}: {problem}")
    print(f"interchange: {total - failed}/{total} on {name} ({attempts} objects, each after both forms of the import)")
    return failed


def main() -> int:
    """Return the exit code."""
    try:
        with stores() as known:
            failures = sum(run(name, new_store) for name, new_store in known.items())
    except VectorsMissing as error:
        print(error)
        return 1
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
