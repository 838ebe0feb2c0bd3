"""Head events: to the planner, which looks at their dependent roots, and to the bus as hints."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing, suppress

from ssv_api.v1 import duties_pb2 as pb
from ssv_duty_scheduler.instruments import Instruments
from ssv_duty_scheduler.planner import Planner
from ssv_ethereum.beacon.events import HeadEvent, StreamOpened, Topic
from ssv_ethereum.beacon.node import BeaconNode
from ssv_runtime.bus import Bus, BusUnavailable
from ssv_runtime.nats_permissions import HEAD


async def pass_heads_on(
    node: BeaconNode, bus: Bus, planner: Planner, instruments: Instruments, now: Callable[[], float]
) -> None:
    """Do so for ever. Nobody waits for a head, so one that the bus cannot take is lost."""
    async with aclosing(node.events.listen([Topic.HEAD])) as events:
        async for event in events:
            if isinstance(event, StreamOpened):
                planner.events_reopened()
            elif isinstance(event, HeadEvent):
                instruments.head()
                planner.head_seen(event)
                head = pb.Head(slot=event.slot, block_root=bytes(event.block), seen_unix_ms=int(now() * 1000))
                with suppress(BusUnavailable):
                    await bus.publish(HEAD, head.SerializeToString())
