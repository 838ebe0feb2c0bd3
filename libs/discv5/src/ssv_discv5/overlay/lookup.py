"""An iterative lookup: ask the closest nodes known for closer ones until the 16 closest have answered.

`Lookup` is the bookkeeping, without I/O; `walk` drives it with three questions at a time and yields what it hears of.
Both are bounded: a peer that invents ever closer nodes ends at `MAX_QUERIES`.

Source: discv5-theory.md, *Lookup*.
"""

import asyncio
import bisect
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable

from ssv_discv5.enr.record import Record
from ssv_discv5.ids import MAX_DISTANCE, NodeId, distance, log_distance

ALPHA = 3
RESULT_SIZE = 16
MAX_QUERIES = 64
DISTANCES_ASKED = 3
_MAX_CANDIDATES = 4 * RESULT_SIZE

Query = Callable[[Record, tuple[int, ...]], Coroutine[None, None, tuple[Record, ...] | None]]
"""Asks a node for records at log distances from it; None when it does not answer."""


class Lookup:
    """What a lookup of `target` knows: candidates by distance, and whom it asked."""

    def __init__(self, own_id: NodeId, target: NodeId, start: Iterable[Record]) -> None:
        self.target = target
        self._candidates: list[tuple[int, Record]] = []
        self._heard: set[NodeId] = {own_id}
        self._asked: set[NodeId] = set()
        self.learn(start)

    def next(self) -> Record | None:
        """Return whom to ask now, None when nobody (for the moment, while answers are outstanding)."""
        if len(self._asked) >= MAX_QUERIES:
            return None
        for _, record in self._candidates[:RESULT_SIZE]:
            if record.node_id not in self._asked:
                self._asked.add(record.node_id)
                return record
        return None

    def learn(self, records: Iterable[Record]) -> list[Record]:
        """Take records; return those not heard of before in this lookup."""
        fresh = []
        for record in records:
            if record.node_id not in self._heard:
                self._heard.add(record.node_id)
                fresh.append(record)
                bisect.insort(self._candidates, (distance(self.target, record.node_id), record), key=lambda c: c[0])
        del self._candidates[_MAX_CANDIDATES:]
        return fresh

    def failed(self, record: Record) -> None:
        """Leave out a node that did not answer: another takes its place among the closest."""
        self._candidates = [candidate for candidate in self._candidates if candidate[1] is not record]

    def closest(self) -> list[Record]:
        """Return the closest nodes heard of that did not fail."""
        return [record for _, record in self._candidates[:RESULT_SIZE]]


def distances_to_ask(target: NodeId, node_id: NodeId) -> tuple[int, ...]:
    """Return the log distances from a node at which it would keep nodes close to the target, the best first."""
    best = log_distance(target, node_id)
    around = [best + sign * step for step in range(1, DISTANCES_ASKED) for sign in (1, -1)]
    return tuple([d for d in (best, *around) if 0 < d <= MAX_DISTANCE][:DISTANCES_ASKED])


async def walk(lookup: Lookup, query: Query) -> AsyncGenerator[Record, None]:
    """Run a lookup; yield each record once, as it is heard of. Close the iterator to end early."""
    running: dict[asyncio.Task[tuple[Record, ...] | None], Record] = {}
    try:
        while True:
            while len(running) < ALPHA and (node := lookup.next()) is not None:
                asking = query(node, distances_to_ask(lookup.target, node.node_id))
                running[asyncio.create_task(asking)] = node
            if not running:
                return
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                node, records = running.pop(task), task.result()
                if records is None:
                    lookup.failed(node)
                    continue
                for record in lookup.learn(records):
                    yield record
    finally:
        for task in running:
            task.cancel()
