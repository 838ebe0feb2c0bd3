"""Engines on a clock of our own: keys by number, reproducible randomness, datagrams carried by hand."""

import hashlib
from collections.abc import Callable
from random import Random

from ssv_discv5.endpoint import Endpoint
from ssv_discv5.engine.calls import Contact
from ssv_discv5.engine.engine import Engine, EngineSettings
from ssv_discv5.engine.events import Answered, Event, Failed, Met, Requested, Send
from ssv_discv5.engine.nodes import pack
from ssv_discv5.enr.local import LocalRecord, endpoint_pairs
from ssv_discv5.enr.record import Record
from ssv_discv5.identity import PrivateKey
from ssv_discv5.ids import NodeId
from ssv_discv5.rlp import Item
from ssv_discv5.wire.message import FindNode, Ping, Pong, TalkReq, TalkResp
from ssv_discv5.wire.packet import unmask

PROTOCOL = b"ssvdv5"


def private_key(number: int) -> PrivateKey:
    return PrivateKey(hashlib.sha256(b"key of a test" + number.to_bytes(8, "big")).digest())


def endpoint_of(number: int) -> Endpoint:
    """Return an endpoint of its own network for each number."""
    return Endpoint.of(f"{20 + number // 65536}.{number // 256 % 256}.{number % 256}.1", 9000)


def record_of(number: int, endpoint: Endpoint | None = None, seq: int = 1, **pairs: bytes) -> Record:
    more: dict[bytes, Item] = {name.encode(): value for name, value in pairs.items()}
    return Record.sign(private_key(number), seq, {**endpoint_pairs(endpoint or endpoint_of(number)), **more})


class Node:
    """An engine that answers what it is asked and notes what it is told."""

    def __init__(self, number: int, settings: EngineSettings | None = None, seed: int = 0) -> None:
        self.key = private_key(number)
        self.endpoint = endpoint_of(number)
        self.local = LocalRecord(self.key, 1, endpoint_pairs(self.endpoint))
        self.known: dict[NodeId, Record] = {}
        self.engine = Engine(
            self.key,
            PROTOCOL,
            lambda: self.local.record,
            self.known.get,
            Random(f"{number} {seed}").randbytes,
            settings or EngineSettings(),
        )
        self.events: list[Event] = []
        self.tells: list[Record] = []

    @property
    def contact(self) -> Contact:
        return Contact(self.local.record, self.endpoint)

    def take(self, datagram: bytes, source: Endpoint, now: float) -> list[Send]:
        return self.note(self.engine.receive(unmask(self.key.node_id, datagram), source, now))

    def note(self, events: list[Event]) -> list[Send]:
        """Keep events; answer requests; return what is to be sent."""
        sends: list[Send] = []
        for event in events:
            self.events.append(event)
            if isinstance(event, Send):
                sends.append(event)
            elif isinstance(event, Requested):
                sends += [each for each in self._serve(event) if isinstance(each, Send)]
        return sends

    def answers(self) -> list[object]:
        return [event.answer for event in self.events if isinstance(event, Answered)]

    def failures(self) -> int:
        return sum(isinstance(event, Failed) for event in self.events)

    def met(self) -> list[Record]:
        return [event.record for event in self.events if isinstance(event, Met)]

    def _serve(self, event: Requested) -> list[Event]:
        match event.request:
            case Ping(request_id):
                return self.engine.respond(event.peer, Pong(request_id, self.local.record.seq, event.peer.endpoint))
            case FindNode(request_id):
                return [e for nodes in pack(request_id, self.tells) for e in self.engine.respond(event.peer, nodes)]
            case TalkReq(request_id, _, request):
                return self.engine.respond(event.peer, TalkResp(request_id, request[::-1]))


class World:
    """Nodes, and the datagrams between them in the order sent; `lost` says which never arrive."""

    def __init__(self, *nodes: Node) -> None:
        self.nodes = {node.endpoint: node for node in nodes}
        self.now = 0.0
        self.carried: list[tuple[Endpoint, Send]] = []
        self.lost: Callable[[int], bool] = lambda index: False

    def run(self, node: Node, begun: tuple[object, list[Event]]) -> None:
        """Carry what a request begins, and all that follows from it."""
        self.carry([(node.endpoint, send) for send in node.note(begun[1])])

    def carry(self, sends: list[tuple[Endpoint, Send]]) -> None:
        queue = list(sends)
        while queue:
            source, send = queue.pop(0)
            self.carried.append((source, send))
            target = self.nodes.get(send.endpoint)
            if target is None or self.lost(len(self.carried) - 1):
                continue
            queue += [(target.endpoint, each) for each in target.take(send.datagram, source, self.now)]

    def pass_time(self, seconds: float, step: float = 0.1) -> None:
        for _ in range(round(seconds / step)):
            self.now += step
            for node in self.nodes.values():
                self.carry([(node.endpoint, send) for send in node.note(node.engine.tick(self.now))])
