"""Discovery: one socket, one key, one record, one overlay for each protocol id.

A datagram is unmasked once and goes to the overlay whose protocol id its header names; other ids are dropped
without an answer. Overlays share nothing but key, record and socket: a node met in one is not told of in another.

Not guaranteed: that a found node can be reached, or that it says the truth in its record. Only the signature of a
record is proved; what its values mean is for the caller's predicate.

Source: discv5-wire.md; discv5-theory.md.
"""

import asyncio
import os
import random
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field

from ssv_discv5.endpoint import Endpoint
from ssv_discv5.enr.local import LocalRecord, endpoint_pairs
from ssv_discv5.enr.record import Record
from ssv_discv5.errors import Discv5Error, MalformedError
from ssv_discv5.identity import PrivateKey
from ssv_discv5.ids import NODE_ID_SIZE, NodeId
from ssv_discv5.lru import Lru
from ssv_discv5.overlay.overlay import Overlay, OverlaySettings, Surroundings, TalkHandler
from ssv_discv5.overlay.upkeep import Upkeep, UpkeepSettings
from ssv_discv5.rate_limit import Rate, RateLimit
from ssv_discv5.rlp import Item
from ssv_discv5.udp import UdpSocket
from ssv_discv5.wire.packet import unmask

SSV = b"ssvdv5"
LEGACY = b"discv5"

Predicate = Callable[[Record], bool]


@dataclass(frozen=True, slots=True)
class DiscoverySettings:
    """How a node discovers; `fixed_endpoint` leaves the record's address to the caller instead of the peers' vote."""

    protocol_ids: tuple[bytes, ...] = (SSV, LEGACY)
    bootnodes: Sequence[Record] = ()
    fixed_endpoint: bool = False
    per_address: Rate = field(default_factory=lambda: Rate(per_s=50, burst=200))
    total: Rate = field(default_factory=lambda: Rate(per_s=1000, burst=2000))
    overlay: OverlaySettings = field(default_factory=OverlaySettings)
    upkeep: UpkeepSettings = field(default_factory=UpkeepSettings)
    find_again_s: float = 600.0
    find_pause_s: float = 1.0
    find_max_pause_s: float = 30.0
    find_memory: int = 4096


class Discovery:
    """A node of the discovery network; not running before `start`."""

    def __init__(
        self,
        key: PrivateKey,
        seq: int,
        pairs: Mapping[bytes, Item],
        settings: DiscoverySettings,
        *,
        ip_version: int = 4,
        talk_handlers: Mapping[bytes, TalkHandler] | None = None,
        random_bytes: Callable[[int], bytes] = os.urandom,
        choices: random.Random | None = None,
    ) -> None:
        """Make a node with a record of `pairs` and at least number `seq`; raises OversizeError above 300 bytes."""
        self._settings = settings
        self._local = LocalRecord(key, seq, pairs)
        self._random_bytes = random_bytes
        self._limit = RateLimit(settings.per_address, settings.total)
        self._send: Callable[[Endpoint, bytes], None] = lambda endpoint, datagram: None
        self.counts: Counter[str] = Counter()
        """Packets, requests, calls and drops by reason, for metrics."""
        self._around = Surroundings(
            key=key,
            local=self._local,
            ip_version=ip_version,
            send=self._transmit,
            random_bytes=random_bytes,
            random=choices or random.SystemRandom(),
            talk_handlers=talk_handlers or {},
            counts=self.counts,
        )
        self.overlays = {each: Overlay(each, self._around, settings.overlay) for each in settings.protocol_ids}
        """By protocol id, in the order of preference."""
        self._socket: UdpSocket | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._closed = asyncio.Event()

    @property
    def enr(self) -> Record:
        """Return our current record."""
        return self._local.record

    async def start(self, host: str, port: int) -> Endpoint:
        """Bind the socket and begin; return where it is bound. Raises OSError."""
        socket = await UdpSocket.open(host, port, self.received)
        self._socket = socket
        self.run(socket.send)
        return socket.bound

    def run(self, send: Callable[[Endpoint, bytes], None]) -> None:
        """Begin on a transport of the caller's, which gives datagrams to `received`."""
        self._send = send
        for overlay in self.overlays.values():
            upkeep = Upkeep(
                overlay,
                self._around.key.node_id,
                self._settings.bootnodes,
                self._random_bytes,
                self._seen_at,
                self._settings.upkeep,
            )
            self._tasks.append(asyncio.create_task(upkeep.run()))

    async def close(self) -> None:
        """End all work and close the socket: requests under way fail, `find` ends.

        Raises what made the upkeep stop before, if anything did: that would be a defect.
        """
        self._closed.set()
        for task in self._tasks:
            task.cancel()
        ended = await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        for overlay in self.overlays.values():
            overlay.close()
        if self._socket is not None:
            self._socket.close()
        for outcome in ended:
            if isinstance(outcome, Exception):
                raise outcome

    def update(self, changes: Mapping[bytes, Item | None]) -> Record:
        """Change our record (None removes a key); raises OversizeError, and then changes nothing.

        A change raises the sequence number, and every node of the tables is told the number within their next checks.
        """
        if self._local.update(changes):
            for overlay in self.overlays.values():
                overlay.table.check_all_soon(asyncio.get_running_loop().time())
        return self.enr

    async def find(self, predicate: Predicate) -> AsyncGenerator[Record, None]:
        """Yield nodes that satisfy the predicate: from the tables, then from random lookups without end.

        A record is yielded again when its node changed it, or after `find_again_s`. Lookups that bring nothing new
        come at growing intervals. It ends when discovery is closed; close the iterator to end it earlier.
        """
        yielded: Lru[NodeId, int] = Lru(self._settings.find_memory, self._settings.find_again_s)
        now = asyncio.get_running_loop().time

        def is_new(record: Record) -> bool:
            if record.seq <= (yielded.get(record.node_id, now()) or -1) or not predicate(record):
                return False
            yielded.put(record.node_id, record.seq, now())
            return True

        pause = self._settings.find_pause_s
        while not self._closed.is_set():
            news = 0
            for overlay in self.overlays.values():
                async with aclosing(self._candidates(overlay)) as candidates:
                    async for record in candidates:
                        if is_new(record):
                            news += 1
                            yield record
            pause = self._settings.find_pause_s if news else min(2 * pause, self._settings.find_max_pause_s)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closed.wait(), pause)

    def received(self, datagram: bytes, source: Endpoint) -> None:
        """Take a datagram: raises nothing, whatever it holds."""
        expected = any(overlay.expects(source) for overlay in self.overlays.values())
        if not expected and not self._limit.admit(source.ip, asyncio.get_running_loop().time()):
            self.counts["dropped:rate limit"] += 1
            return
        try:
            packet = unmask(self._around.key.node_id, datagram)
        except MalformedError as error:
            self.counts[f"dropped:{error}"] += 1
            return
        overlay = self.overlays.get(packet.protocol_id)
        if overlay is None:
            self.counts["dropped:another protocol id"] += 1
            return
        self.counts["packets:in"] += 1
        overlay.receive(packet, source)

    async def _candidates(self, overlay: Overlay) -> AsyncGenerator[Record, None]:
        for entry in list(overlay.table):
            yield entry.record
        async with aclosing(overlay.walk(NodeId(self._random_bytes(NODE_ID_SIZE)))) as walked:
            async for record in walked:
                yield record

    def _transmit(self, endpoint: Endpoint, datagram: bytes) -> None:
        self.counts["packets:out"] += 1
        self._send(endpoint, datagram)

    def _seen_at(self, endpoint: Endpoint) -> None:
        """Take the endpoint that the peers agree on into our record."""
        if self._settings.fixed_endpoint:
            return
        try:
            self.update(endpoint_pairs(endpoint))
        except Discv5Error:
            self.counts["record:no room for the endpoint"] += 1
