"""Head events of all beacon nodes: to the bus as hints, and to the planner, which looks at their dependent roots.

The first node that has a slot's head is the one that counts for the hint. Dependent roots are taken from the node that
is asked for duties alone: two nodes that see different heads would have the planner ask again and again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing, suppress

from ssv_api.v1 import duties_pb2 as pb
from ssv_duty_scheduler.instruments import Instruments
from ssv_duty_scheduler.planner import Planner
from ssv_ethereum.beacon.events import HeadEvent, StreamOpened, Topic
from ssv_ethereum.beacon.node import BeaconNode
from ssv_ethereum.pool.pool import BeaconPool
from ssv_runtime.bus import Bus, BusUnavailable
from ssv_runtime.nats_permissions import HEAD


class Heads:
    """Follows the heads of `pool`."""

    def __init__(
        self, pool: BeaconPool, bus: Bus, planner: Planner, instruments: Instruments, now: Callable[[], float]
    ) -> None:
        self._pool = pool
        self._bus = bus
        self._planner = planner
        self._instruments = instruments
        self._now = now
        self._newest = -1

    async def run(self) -> None:
        """Follow all nodes for ever."""
        async with asyncio.TaskGroup() as group:
            for node in self._pool.nodes:
                group.create_task(self._follow(node))

    async def _follow(self, node: BeaconNode) -> None:
        async with aclosing(node.events.listen([Topic.HEAD])) as events:
            async for event in events:
                if not self._pool.may_be_asked(node):
                    continue
                if isinstance(event, StreamOpened):
                    self._planner.events_reopened()
                elif isinstance(event, HeadEvent):
                    if node is self._pool.best:
                        self._planner.head_seen(event)
                    if event.slot > self._newest:
                        self._newest = event.slot
                        await self._pass_on(event)

    async def _pass_on(self, event: HeadEvent) -> None:
        """Nobody waits for a head, so one that the bus cannot take is lost."""
        self._instruments.head()
        head = pb.Head(slot=event.slot, block_root=bytes(event.block), seen_unix_ms=int(self._now() * 1000))
        with suppress(BusUnavailable):
            await self._bus.publish(HEAD, head.SerializeToString())
