"""What keeps an overlay alive while nobody asks it for anything.

Each tick gives up what is overdue and begins at most one liveness check, so that checks make at most ten packets a
second however many nodes strangers name. A lookup of our own id, then of random ids, refreshes the table; an empty
table begins again with the bootnodes.

Source: discv5-theory.md, *Table Maintenance In Practice*.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ssv_discv5.endpoint import Endpoint
from ssv_discv5.enr.record import Record
from ssv_discv5.errors import RequestFailedError
from ssv_discv5.ids import NODE_ID_SIZE, NodeId
from ssv_discv5.overlay.overlay import Overlay
from ssv_discv5.table.entry import Entry

_MAX_CHECKS = 16


@dataclass(frozen=True, slots=True)
class UpkeepSettings:
    """How often what is done; refreshes come at intervals that double from the first to the last."""

    tick_s: float = 0.1
    first_refresh_s: float = 5.0
    last_refresh_s: float = 300.0


class Upkeep:
    """The background work of one overlay."""

    def __init__(
        self,
        overlay: Overlay,
        own_id: NodeId,
        bootnodes: Sequence[Record],
        random_bytes: Callable[[int], bytes],
        seen_at: Callable[[Endpoint], None],
        settings: UpkeepSettings,
    ) -> None:
        self._overlay = overlay
        self._own_id = own_id
        self._bootnodes = bootnodes
        self._random_bytes = random_bytes
        self._seen_at = seen_at
        self._settings = settings
        self._checks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Work until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._tick_always())
                tasks.create_task(self._refresh_always())
        finally:
            for check in self._checks:
                check.cancel()

    async def check(self, entry: Entry) -> None:
        """Ping a node of the table; fetch its record when that changed; count what it sees as our endpoint."""
        now = asyncio.get_running_loop().time
        record = entry.record
        try:
            pong = await self._overlay.ping(record, entry.endpoint)
            self._overlay.table.answered(record.node_id, now())
            if pong.enr_seq > record.seq:
                for newer in await self._overlay.find_node(record, (0,), entry.endpoint):
                    self._overlay.table.add(newer, now())
        except RequestFailedError:
            self._overlay.table.missed(record.node_id, now())
        winner = self._overlay.votes.winner(now())
        if winner is not None:
            self._seen_at(winner)

    async def _tick_always(self) -> None:
        while True:
            await asyncio.sleep(self._settings.tick_s)
            self._overlay.tick()
            if len(self._checks) < _MAX_CHECKS:
                entry = self._overlay.table.due(asyncio.get_running_loop().time())
                if entry is not None:
                    check = asyncio.create_task(self.check(entry))
                    self._checks.add(check)
                    check.add_done_callback(self._checks.discard)

    async def _refresh_always(self) -> None:
        target, pause_s = self._own_id, self._settings.first_refresh_s
        while True:
            if len(self._overlay.table) == 0:
                target, pause_s = self._own_id, self._settings.first_refresh_s
                for record in self._bootnodes:
                    self._overlay.table.add(record, asyncio.get_running_loop().time())
            await self._overlay.lookup(target)
            target = NodeId(self._random_bytes(NODE_ID_SIZE))
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, self._settings.last_refresh_s)
