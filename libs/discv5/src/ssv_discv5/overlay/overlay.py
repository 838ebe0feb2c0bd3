"""An overlay: engine, table and votes of one protocol id, and the futures of what is under way.

What the engine wants sent goes out by `send`, what it has to tell changes the table or answers a future. Time is
the event loop's, so a loop with virtual time runs a whole network. Peers' nonsense ends in a counter.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from random import Random

from ssv_discv5.endpoint import Endpoint
from ssv_discv5.engine.calls import Contact
from ssv_discv5.engine.engine import Engine, EngineSettings
from ssv_discv5.engine.events import Answered, Dropped, Event, Failed, Found, Met, Requested, Send
from ssv_discv5.engine.nodes import RESULT_LIMIT, pack
from ssv_discv5.enr.local import LocalRecord
from ssv_discv5.enr.record import Record
from ssv_discv5.errors import OversizeError, RequestFailedError
from ssv_discv5.identity import PrivateKey
from ssv_discv5.ids import NodeId, RequestId
from ssv_discv5.overlay.lookup import RESULT_SIZE, Lookup, walk
from ssv_discv5.overlay.votes import Votes
from ssv_discv5.session.session import Peer
from ssv_discv5.table.table import Table, TableSettings
from ssv_discv5.wire.message import FindNode, Ping, Pong, Request, TalkReq, TalkResp
from ssv_discv5.wire.packet import Packet

TalkHandler = Callable[[Peer, bytes], bytes]
"""Answers a TALKREQ of one application protocol: quick, without waiting, raising nothing."""

Answer = Pong | TalkResp | Found


@dataclass(frozen=True, slots=True)
class OverlaySettings:
    """The settings of one overlay's parts."""

    engine: EngineSettings = field(default_factory=EngineSettings)
    table: TableSettings = field(default_factory=TableSettings)
    vote_quorum: int = 3


@dataclass(slots=True)
class Surroundings:
    """What an overlay shares with others on the same socket, and what it is given to live."""

    key: PrivateKey
    local: LocalRecord
    ip_version: int
    send: Callable[[Endpoint, bytes], None]
    random_bytes: Callable[[int], bytes]
    random: Random
    talk_handlers: Mapping[bytes, TalkHandler] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)


class Overlay:
    """The network of one protocol id."""

    def __init__(self, protocol_id: bytes, around: Surroundings, settings: OverlaySettings) -> None:
        self.protocol_id = protocol_id
        self._around = around
        self.table = Table(around.key.node_id, around.ip_version, settings.table, around.random)
        self.votes = Votes(settings.vote_quorum)
        self._engine = Engine(
            around.key,
            protocol_id,
            lambda: around.local.record,
            self.table.get,
            around.random_bytes,
            settings.engine,
        )
        self._futures: dict[RequestId, asyncio.Future[Answer]] = {}
        self._closed = False

    # requests

    async def ping(self, record: Record, at: Endpoint | None = None) -> Pong:
        """Ping a node; raises RequestFailedError without an answer, as the other requests do."""
        contact = self._contact(record, at)
        pong = await self._ask(*self._engine.ping(contact, self._now()))
        assert isinstance(pong, Pong)
        self.votes.add(contact.peer, pong.recipient, self._now())
        return pong

    async def find_node(
        self, record: Record, distances: Iterable[int], at: Endpoint | None = None
    ) -> tuple[Record, ...]:
        """Return the verified records that a node has at log distances from it (0: its own)."""
        contact = self._contact(record, at)
        found = await self._ask(*self._engine.find_node(contact, tuple(distances), self._now()))
        assert isinstance(found, Found)
        return found.records

    async def talk(self, record: Record, protocol: bytes, request: bytes, at: Endpoint | None = None) -> bytes:
        """Return what a node answers to a TALKREQ: empty when it does not know the protocol."""
        contact = self._contact(record, at)
        answer = await self._ask(*self._engine.talk(contact, protocol, request, self._now()))
        assert isinstance(answer, TalkResp)
        return answer.response

    async def walk(self, target: NodeId) -> AsyncGenerator[Record, None]:
        """Look up an id; yield each record heard of on the way. Whoever is asked and heard of enters the table."""
        lookup = self._lookup(target)
        async with aclosing(walk(lookup, self.query)) as records:
            async for record in records:
                yield record

    async def lookup(self, target: NodeId) -> list[Record]:
        """Return the 16 closest nodes to an id that a lookup found."""
        lookup = self._lookup(target)
        async with aclosing(walk(lookup, self.query)) as records:
            async for _ in records:
                pass
        return lookup.closest()

    async def query(self, record: Record, distances: tuple[int, ...]) -> tuple[Record, ...] | None:
        """Ask a node within a lookup: its answer or silence counts for its liveness, what it tells enters the table."""
        try:
            found = await self.find_node(record, distances)
        except RequestFailedError:
            self.table.missed(record.node_id, self._now())
            return None
        self.table.add(record, self._now())
        self.table.answered(record.node_id, self._now())
        for each in found:
            self.table.add(each, self._now())
        return found

    # what comes

    def receive(self, packet: Packet, source: Endpoint) -> None:
        """Take a packet of this overlay's protocol id."""
        self._apply(self._engine.receive(packet, source, self._now()))

    def expects(self, endpoint: Endpoint) -> bool:
        """Tell whether an endpoint owes us an answer."""
        return self._engine.expects(endpoint)

    def tick(self) -> None:
        """Repeat or give up what is overdue; to be called several times a second."""
        self._apply(self._engine.tick(self._now()))

    def close(self) -> None:
        """Fail whatever is under way and whatever is asked later."""
        self._closed = True
        for request_id in list(self._futures):
            self._settle(request_id, None)

    # inside

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _lookup(self, target: NodeId) -> Lookup:
        return Lookup(self._around.key.node_id, target, self.table.closest(target, RESULT_SIZE))

    def _contact(self, record: Record, at: Endpoint | None) -> Contact:
        if self._closed:
            raise RequestFailedError("discovery is closed")
        endpoint = at or record.endpoint(self._around.ip_version)
        if endpoint is None:
            raise RequestFailedError("the node's record has no endpoint that we can reach")
        return Contact(record, endpoint)

    async def _ask(self, request_id: RequestId, events: list[Event]) -> Answer:
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._futures[request_id] = future
        try:
            self._apply(events)
            return await future
        finally:
            self._futures.pop(request_id, None)

    def _apply(self, events: list[Event]) -> None:
        for event in events:
            match event:
                case Send(endpoint, datagram):
                    self._around.send(endpoint, datagram)
                case Answered(request_id, answer):
                    self._settle(request_id, answer)
                case Failed(request_id):
                    self._settle(request_id, None)
                case Requested(peer, request):
                    self._around.counts[f"request:{type(request).__name__.lower()}"] += 1
                    self._serve(peer, request)
                case Met(record, endpoint):
                    self._around.counts["handshake:accepted"] += 1
                    self._met(record, endpoint)
                case Dropped(reason):
                    self._around.counts[f"dropped:{reason}"] += 1

    def _settle(self, request_id: RequestId, answer: Answer | None) -> None:
        future = self._futures.get(request_id)
        if future is None or future.done():
            return
        if answer is None:
            self._around.counts["call:failed"] += 1
            future.set_exception(RequestFailedError("no answer"))
        else:
            self._around.counts["call:answered"] += 1
            future.set_result(answer)

    def _met(self, record: Record, endpoint: Endpoint) -> None:
        """Take a node that came to us into the table if its record names the address that it came from."""
        said = record.endpoint(endpoint.ip.version)
        if said is not None and said.ip == endpoint.ip:
            self.table.add(record, self._now())

    def _serve(self, peer: Peer, request: Request) -> None:
        match request:
            case Ping(request_id, enr_seq):
                known = self.table.get(peer.node_id)
                if known is not None and enr_seq > known.seq:
                    self.table.check_soon(peer.node_id, self._now())
                pong = Pong(request_id, self._around.local.record.seq, peer.endpoint)
                self._apply(self._engine.respond(peer, pong))
            case FindNode(request_id, distances):
                own = [self._around.local.record] if 0 in distances else []
                records = own + self.table.tell(distances, peer.endpoint, RESULT_LIMIT - len(own))
                for nodes in pack(request_id, records):
                    self._apply(self._engine.respond(peer, nodes))
            case TalkReq(request_id, protocol, asked):
                handler = self._around.talk_handlers.get(protocol)
                response = b"" if handler is None else handler(peer, asked)
                try:
                    events = self._engine.respond(peer, TalkResp(request_id, response))
                except OversizeError:
                    self._around.counts["talk:oversize"] += 1
                    events = self._engine.respond(peer, TalkResp(request_id, b""))
                self._apply(events)
