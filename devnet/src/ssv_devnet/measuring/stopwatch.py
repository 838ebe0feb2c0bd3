"""Where the time goes: the own time of a few functions, while they are being watched.

Time of a watched function inside another watched one counts for the inner only, so the parts add up.
"""

from __future__ import annotations

import time
from collections import defaultdict
from types import TracebackType
from typing import Any


class Stopwatch:
    """Times functions of classes and modules as long as it is entered. One thread only."""

    def __init__(self, targets: list[tuple[Any, str, str]]) -> None:
        """Take (owner, name of the function, label); several functions may share a label."""
        self.spent_s: dict[str, float] = defaultdict(float)
        self._targets = targets
        self._originals: list[tuple[Any, str, Any]] = []
        self._running: list[str] = []
        self._since_s = 0.0

    def __enter__(self) -> Stopwatch:
        for owner, name, label in self._targets:
            original = owner.__dict__[name]
            self._originals.append((owner, name, original))
            if isinstance(original, classmethod):
                setattr(owner, name, classmethod(self._timed(original.__func__, label)))
            else:
                setattr(owner, name, self._timed(original, label))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._originals:
            owner, name, original = self._originals.pop()
            setattr(owner, name, original)

    def _timed(self, function: Any, label: str) -> Any:
        def timed(*args: Any, **kwargs: Any) -> Any:
            self._count_until_now()
            self._running.append(label)
            try:
                return function(*args, **kwargs)
            finally:
                self._count_until_now()
                self._running.pop()

        return timed

    def _count_until_now(self) -> None:
        now_s = time.perf_counter()
        if self._running:
            self.spent_s[self._running[-1]] += now_s - self._since_s
        self._since_s = now_s
