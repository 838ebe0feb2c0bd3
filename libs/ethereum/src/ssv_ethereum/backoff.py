"""Pauses that grow while something fails.

The pause doubles up to a limit. Without jitter: one process waits for one node of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

Sleep = Callable[[float], Awaitable[None]]


class Backoff:
    """Wait `first_s`, then twice as long each time, up to `limit_s`."""

    def __init__(self, first_s: float = 0.1, limit_s: float = 5.0, sleep: Sleep = asyncio.sleep) -> None:
        self._first_s = first_s
        self._limit_s = limit_s
        self._next_s = first_s
        self._sleep = sleep

    async def pause(self) -> None:
        """Wait, and longer next time."""
        pause_s, self._next_s = self._next_s, min(2 * self._next_s, self._limit_s)
        await self._sleep(pause_s)

    def reset(self) -> None:
        """Begin with the shortest pause again, after a success."""
        self._next_s = self._first_s
