"""Time that passes only while everybody waits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import looptime

from ssv_protocol.types.ids import Instant

T = TypeVar("T")
LIMIT_S = 3600.0
"""Of fake time; whoever still waits then waits for ever."""


def run(scenario: Callable[[], Awaitable[T]]) -> T:
    """Run a scenario from time 0 on; a task that failed without anybody noticing fails it."""
    loop = looptime.new_event_loop(noop_cycles=0)
    faults: list[dict[str, object]] = []
    loop.set_exception_handler(lambda _, context: faults.append(context))

    async def awaited() -> T:
        async with asyncio.timeout(LIMIT_S):
            return await scenario()

    try:
        result: T = loop.run_until_complete(awaited())
    finally:
        loop.close()
    assert not faults, faults
    return result


def now() -> Instant:
    """The time of the running loop, which is the chain's too."""
    return Instant(asyncio.get_running_loop().time())
