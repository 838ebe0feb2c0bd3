"""Duty records to the stream that exporters read.

The worker makes the stream if it is not there. While the bus is away records wait, the oldest go first when they are
too many; duties never wait for them.
"""

from __future__ import annotations

import asyncio
from collections import deque

from structlog.typing import FilteringBoundLogger

from ssv_api.v1.exporter_pb2 import DutyRecord
from ssv_runtime.bus import Bus, BusError
from ssv_runtime.nats_permissions import DECIDED, DECIDED_STREAM

WAITING_LIMIT = 1000
RETRY_S = 1.0


class RecordStream:
    """Publishes records one after the other, each until it is stored."""

    def __init__(self, bus: Bus, log: FilteringBoundLogger, max_age_s: float, max_bytes: int) -> None:
        self._bus = bus
        self._log = log
        self._max_age_s = max_age_s
        self._max_bytes = max_bytes
        self._waiting: deque[DutyRecord] = deque(maxlen=WAITING_LIMIT)
        self._came = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()

    def put(self, record: DutyRecord) -> None:
        """Take a record to be published."""
        if len(self._waiting) == WAITING_LIMIT:
            self._log.warning("a duty record is lost: the bus takes none", slot=self._waiting[0].slot)
        self._waiting.append(record)
        self._came.set()
        self._empty.clear()

    async def run(self) -> None:
        """Publish until cancelled."""
        is_made = False
        while True:
            await self._came.wait()
            record = self._waiting[0]
            try:
                if not is_made:
                    await self._bus.ensure_stream(
                        DECIDED_STREAM, [f"{DECIDED}.>"], max_age_s=self._max_age_s, max_bytes=self._max_bytes
                    )
                    is_made = True
                await self._bus.publish_stream(f"{DECIDED}.{record.committee_id.hex()}", record.SerializeToString())
            except BusError as error:
                self._log.warning("a duty record is not stored yet", slot=record.slot, reason=str(error))
                is_made = False
                await asyncio.sleep(RETRY_S)
                continue
            self._done_with(record)

    async def flushed(self) -> None:
        """Wait until every record is stored."""
        await self._empty.wait()

    def _done_with(self, record: DutyRecord) -> None:
        if self._waiting and self._waiting[0] is record:  # else the limit has pushed it out
            self._waiting.popleft()
        if not self._waiting:
            self._came.clear()
            self._empty.set()
