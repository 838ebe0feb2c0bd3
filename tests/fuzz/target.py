"""What is fuzzed, and the run of it: in batches, until there were enough inputs or the time is over."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

BATCH = 500
T = TypeVar("T")


@dataclass(frozen=True)
class Target(Generic[T]):
    """A decoder. `judge` answers what became of an input in a word, and raises nothing unless there is a defect."""

    name: str
    inputs: st.SearchStrategy[T]
    judge: Callable[[T], str]


@dataclass
class Report:
    """What came out. `slowest_ms` (CPU) and the input's size tell of time that grows faster than the input."""

    name: str
    inputs: int = 0
    seconds: float = 0.0
    slowest_ms: float = 0.0
    slowest_bytes: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)


def fuzz(target: Target[T], inputs: int, seconds: float, first_seed: int = 0) -> Report:
    """Judge this many inputs, fewer if the time is over before; raises what a defective decoder raised."""
    report = Report(target.name)
    begun = time.monotonic()
    batch = first_seed
    while report.inputs < inputs and time.monotonic() - begun < seconds:
        _batch(target, report, min(BATCH, inputs - report.inputs), batch)
        batch += 1
    report.seconds = time.monotonic() - begun
    return report


def _batch(target: Target[T], report: Report, count: int, number: int) -> None:
    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(target.inputs)
    def judge(value: T) -> None:
        begun = time.thread_time()  # whoever shares the machine is not in it
        outcome = target.judge(value)
        took_ms = 1e3 * (time.thread_time() - begun)
        report.inputs += 1
        report.outcomes[outcome] += 1
        if took_ms > report.slowest_ms:
            report.slowest_ms = took_ms
            report.slowest_bytes = len(value) if isinstance(value, bytes) else 0

    judge()
