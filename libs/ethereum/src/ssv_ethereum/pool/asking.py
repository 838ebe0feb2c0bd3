"""The three ways to ask several nodes: one after the other, all and take what comes in time, and all of them to act.

Each raises BeaconError only when no node brought anything. What was asked and is not needed any more is cancelled,
except of those that are to act.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from functools import reduce
from typing import TypeVar

from ssv_ethereum.beacon.errors import BatchRefused, BeaconError, BeaconUnreachable
from ssv_ethereum.pool.member import Ask, Member

T = TypeVar("T")
Good = Callable[[T], bool]


class NoBeaconNode(BeaconUnreachable):
    """There is no node that could be asked."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("(none)", "any request", "; ".join(problems) or "none is configured")


async def first_good(
    members: Sequence[Member],
    question: Ask[T],
    *,
    hedge_s: float,
    at_once: int = 1,
    good: Good[T] = lambda _: True,
) -> T:
    """Return the first good answer: the best node is asked, the next when it fails or has taken `hedge_s`.

    Of several that are asked `at_once` none is blamed for being slower than another. An answer that is not good is
    returned when there is no other.

    Raises:
        BeaconError: all nodes failed; the error is that of the first one asked.
    """
    waiting, loop = deque(members), asyncio.get_running_loop()
    running: dict[asyncio.Task[T], tuple[Member, float]] = {}
    errors: list[BeaconError] = []
    poor: list[T] = []
    asked = 0
    try:
        while waiting or running:
            if waiting:
                member = waiting.popleft()
                running[asyncio.create_task(member.ask(question))] = (member, loop.time())
                asked += 1
                if asked < at_once and waiting:
                    continue
            done, _ = await asyncio.wait(
                running, timeout=hedge_s if waiting else None, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                member, _ = running.pop(task)
                try:
                    answer = task.result()
                except BeaconError as error:
                    errors.append(error)
                    continue
                if good(answer):
                    for other, since in running.values():
                        if at_once == 1 and loop.time() - since > hedge_s:
                            other.given_up(loop.time() - since)
                    return answer
                poor.append(answer)
    finally:
        await _end(list(running))
    if poor:
        return poor[0]
    raise errors[0]


async def gathered(members: Sequence[Member], question: Ask[T], *, patience_s: float) -> list[tuple[Member, T]]:
    """Ask all at once; return what answers came within `patience_s`, or else the first that comes later.

    Members that cannot be relied on count when they answer as soon as the others; nobody waits for them.

    Raises:
        BeaconError: all nodes failed; the error is that of the best one.
    """
    loop = asyncio.get_running_loop()
    begun = loop.time()
    running = {asyncio.create_task(member.ask(question)): member for member in members}
    awaited = {task for task, member in running.items() if member.record.is_reliable} or set(running)
    try:
        pending: set[asyncio.Task[T]] = set(running)
        answers: list[tuple[Member, T]] = []
        while pending and not (answers and (not pending & awaited or loop.time() - begun >= patience_s)):
            left_s = max(0.0, begun + patience_s - loop.time())
            done, pending = await asyncio.wait(pending, timeout=left_s or None, return_when=asyncio.FIRST_COMPLETED)
            answers += [(running[task], task.result()) for task in done if task.exception() is None]
        if answers:
            for task in pending & awaited:
                running[task].given_up(loop.time() - begun)
            return sorted(answers, key=lambda answer: members.index(answer[0]))
        for task in running:
            task.result()
        raise NoBeaconNode(())
    finally:
        await _end([task for task in running if not task.done()])


async def by_every(members: Sequence[Member], deed: Ask[None], others: set[asyncio.Task[None]]) -> None:
    """Have all nodes do something; return as soon as one has, while the rest go on among `others`.

    Raises:
        BatchRefused: no node took all; the error names the items that every node which answered refused.
        BeaconError: all nodes failed; the error is that of the best one.
    """
    tasks = [asyncio.create_task(member.ask(deed)) for member in members]
    for task in tasks:
        others.add(task)
        task.add_done_callback(others.discard)
        task.add_done_callback(_looked_after)
    for each in asyncio.as_completed(tasks):
        try:
            await each
        except BeaconError:
            continue
        return
    errors = [error for task in tasks if isinstance(error := task.exception(), BeaconError)]
    refused = [error for error in errors if isinstance(error, BatchRefused)]
    if refused:
        _raise_common(refused)
        return
    raise errors[0] if errors else NoBeaconNode(())


def _raise_common(errors: Sequence[BatchRefused]) -> None:
    """Raise what all of `errors` refuse; an item that one of them does not name was taken there."""
    common = reduce(set.__and__, ({failure.index for failure in error.failures} for error in errors))
    if common:
        first = errors[0]
        failures = tuple(failure for failure in first.failures if failure.index in common)
        raise BatchRefused(first.endpoint, first.request, first.status, first.message, failures)


def _looked_after(task: asyncio.Task[None]) -> None:
    """Have nobody complain that a failure was not looked at."""
    if not task.cancelled():
        task.exception()


async def _end(tasks: Sequence[asyncio.Task[T]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
