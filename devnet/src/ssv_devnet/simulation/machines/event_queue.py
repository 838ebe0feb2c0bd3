"""Time that passes only when something is due: calls in the order of their instants, equal ones in order of asking."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count

from ssv_protocol.types.ids import Instant


class EventQueue:
    """Calls to come, and the instant of the one that runs."""

    def __init__(self, now: Instant) -> None:
        self.now = now
        self._order = count()
        self._calls: list[tuple[Instant, int, Callable[[], None]]] = []

    def at(self, instant: Instant, call: Callable[[], None]) -> None:
        """Call at an instant; at once, after what is due already, when it has passed."""
        heapq.heappush(self._calls, (max(instant, self.now), next(self._order), call))

    def after(self, delay_s: float, call: Callable[[], None]) -> None:
        """Call after a while."""
        self.at(Instant(self.now + delay_s), call)

    def run_until(self, end: Instant) -> None:
        """Let time pass; what is due at `end` is not called."""
        while self._calls and self._calls[0][0] < end:
            self.now, _, call = heapq.heappop(self._calls)
            call()
        self.now = end
