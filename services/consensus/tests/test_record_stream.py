from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from services.consensus.tests.fake_time import run

from ssv_api.v1.exporter_pb2 import DutyRecord
from ssv_consensus.record_stream import WAITING_LIMIT, RecordStream
from ssv_runtime.bus import Bus, BusUnavailable, NoResponders
from ssv_runtime.logs import make_logger


@dataclass
class FakeBus:
    """`trouble` says by the number of the try what goes wrong with it."""

    trouble: Callable[[int], Exception | None] = lambda _: None
    tries: int = 0
    streams: list[tuple[str, list[str], dict[str, Any]]] = field(default_factory=list)
    stored: list[tuple[str, int]] = field(default_factory=list)

    async def ensure_stream(self, name: str, subjects: list[str], **limits: Any) -> None:
        self.streams.append((name, subjects, limits))

    async def publish_stream(self, subject: str, data: bytes) -> int:
        self.tries += 1
        if (error := self.trouble(self.tries)) is not None:
            raise error
        self.stored.append((subject, DutyRecord.FromString(data).slot))
        return len(self.stored)


def record(slot: int) -> DutyRecord:
    return DutyRecord(operator_id=1, committee_id=b"\xab\xcd", slot=slot)


def publish(bus: FakeBus, slots: int) -> None:
    async def scenario() -> None:
        stream = RecordStream(cast(Bus, bus), make_logger("consensus", "error"), 60.0, 1000)
        running = asyncio.create_task(stream.run())
        await stream.flushed()  # nothing yet
        for slot in range(slots):
            stream.put(record(slot))
        await stream.flushed()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    run(scenario)


def test_records_are_stored_in_order_in_a_bounded_stream_made_once() -> None:
    bus = FakeBus()
    publish(bus, 3)
    assert bus.stored == [("ssv.decided.abcd", slot) for slot in range(3)]
    assert bus.streams == [("decided", ["ssv.decided.>"], {"max_age_s": 60.0, "max_bytes": 1000})]


def test_a_record_is_tried_until_it_is_stored() -> None:
    bus = FakeBus(lambda number: BusUnavailable("away") if number < 4 else None)
    publish(bus, 2)
    assert [slot for _, slot in bus.stored] == [0, 1]


def test_a_stream_that_is_gone_is_made_again() -> None:
    bus = FakeBus(lambda number: NoResponders("no stream") if number == 2 else None)
    publish(bus, 3)
    assert [slot for _, slot in bus.stored] == [0, 1, 2]
    assert len(bus.streams) == 2


def test_the_oldest_are_lost_when_too_many_wait() -> None:
    bus = FakeBus(lambda number: BusUnavailable("away") if number < 2 else None)
    publish(bus, WAITING_LIMIT + 5)
    assert [slot for _, slot in bus.stored] == list(range(5, WAITING_LIMIT + 5))
