"""Peers that came and went: all objects of the gateway's process are looked through for what is left of them."""

from __future__ import annotations

import asyncio
import gc
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from multiprocessing.connection import Connection as Pipe
from typing import Any

import pytest
import structlog
import trio
from libp2p.abc import IHost
from libp2p.crypto.secp256k1 import create_new_key_pair
from libp2p.network.swarm import Swarm
from libp2p.peer.id import ID
from libp2p.peer.peerinfo import PeerInfo
from multiaddr import Multiaddr
from tests.support.gateway_messages import network_from_now
from tests.support.gateway_visitors import LISTEN, TOPIC, our_host, stock_host, visiting

from ssv_gossipsub import PeerId
from ssv_p2p_gateway.addresses import peer_address
from ssv_p2p_gateway.dialling import dial
from ssv_p2p_gateway.host import quiet_library
from ssv_p2p_gateway.node import Node, NodeParts, run_node
from ssv_p2p_gateway.traffic import Traffic
from ssv_protocol.types.ids import CommitteeId, Slot
from ssv_protocol.validation.verdict import Accept, GossipVerdict
from ssv_runtime.metrics import Metrics

ROUNDS = 12
PATIENCE_S = 30.0
LONG_S = 3600.0
ID_CHARACTERS = 53


class OpenGate:
    def __init__(self) -> None:
        self.seen: list[bytes] = []

    def came(
        self, topics: Sequence[str], data: bytes, author: bytes, *, signed: bool, peer: bytes = b""
    ) -> GossipVerdict:
        self.seen.append(data)
        return Accept(CommitteeId(bytes(32)), Slot(0))


class Gateway:
    """A node among visitors, each of which is a new peer that leaves again; `gone` has the ids of all of them."""

    def __init__(self, node: Node, gate: OpenGate, pipe: Pipe) -> None:
        self.node = node
        self.host = node._host
        self.gate = gate
        self.gone: set[bytes | str] = set()
        self._pipe = pipe

    @property
    def network(self) -> Swarm:
        network = self.host.get_network()
        assert isinstance(network, Swarm)
        return network

    async def is_visited(self, make: Callable[[], IHost], *, dials: bool = False) -> None:
        self._pipe.send((make, self.node.addresses[0], dials))
        if dials:
            assert await dial(self.host, peer_address(await trio.to_thread.run_sync(self._pipe.recv))) is None
            self._pipe.send(None)
        peer, data = await trio.to_thread.run_sync(self._pipe.recv)
        await until(lambda: data in self.gate.seen)
        assert PeerId(peer) in self.node._gossip.router.peers
        self._pipe.send(None)
        self._leaves(ID(peer))

    async def dials_in_vain(self) -> None:
        peer = self._leaves(ID.from_pubkey(create_new_key_pair().public_key))
        assert await dial(self.host, PeerInfo(peer, [Multiaddr("/ip4/127.0.0.1/tcp/1")])) is not None

    async def meets_one_that_hangs_up(self) -> None:
        stream = await trio.open_tcp_stream("127.0.0.1", self.node.tcp_port)
        await stream.send_all(b"\x13/multistream/1.0.0\n")
        await stream.receive_some(1)
        await stream.aclose()

    async def rounds(self, count: int) -> None:
        """Let a peer of each kind come and go, so many times."""
        for _ in range(count):
            await self.is_visited(our_host)
            await self.is_visited(stock_host)
            await self.is_visited(our_host, dials=True)
            await self.dials_in_vain()
            await self.meets_one_that_hangs_up()
        await until(lambda: not self.network.get_connections_map() and not self.node._gossip._links)
        self.node._gossip.router.heartbeat(time.monotonic() + LONG_S)  # messages and scores are forgotten

    def _leaves(self, peer: ID) -> ID:
        self.gone |= {peer.to_bytes(), str(peer)}
        return peer

    def left(self) -> Counter[str]:
        """Return what the process still has of those that are gone: their ids, by the kind of thing that has them."""
        gc.collect()
        kept: Counter[str] = Counter()
        for thing in gc.get_objects():
            if isinstance(thing, ID):
                kept[f"{ID}"] += thing.to_bytes() in self.gone
            elif isinstance(thing, (dict, list, tuple, set, frozenset, deque)) and thing is not self.gone:
                kept[f"{type(thing)}"] += sum(self._is_gone(item) for item in _items(thing))
        return +kept

    def _is_gone(self, item: object) -> bool:
        if type(item) is str:
            return item[-ID_CHARACTERS:] in self.gone  # also behind a prefix
        return type(item) is bytes and item in self.gone


def _items(thing: Any) -> Iterable[object]:
    return [*thing.keys(), *thing.values()] if isinstance(thing, dict) else list(thing)


def counted() -> Counter[str]:
    """Count the objects of our types and the library's, and trio's tasks and sockets."""
    gc.collect()
    types = Counter(type(thing) for thing in gc.get_objects())
    names = {kind: f"{kind.__module__}.{kind.__qualname__}" for kind in types}
    ours = ("libp2p.", "ssv_", "trio.lowlevel.Task", "trio.Socket", "trio._socket.")
    return Counter({names[kind]: count for kind, count in types.items() if names[kind].startswith(ours)})


async def until(condition: Callable[[], Any]) -> None:
    with trio.fail_after(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 (other tasks' doings, which have no event)
            await trio.sleep(0.02)


@asynccontextmanager
async def a_gateway(pipe: Pipe) -> AsyncIterator[Gateway]:
    quiet_library()  # pytest keeps what is logged, and so the ids in it
    gate = OpenGate()
    loop = asyncio.new_event_loop()
    nodes: list[Node] = []
    parts = NodeParts(
        create_new_key_pair(), LISTEN, gate, Traffic(Metrics("gateway")), structlog.get_logger(), loop, 8,
        network_from_now(), 60, False,
    )  # fmt: skip
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run_node, parts, nodes.append)
            await until(lambda: nodes)
            nodes[0].listen_to([TOPIC])
            yield Gateway(nodes[0], gate, pipe)
            nursery.cancel_scope.cancel()
    finally:
        loop.close()


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    with visiting() as near:
        yield near


async def nothing_is_left(pipe: Pipe) -> None:
    async with a_gateway(pipe) as gateway:
        await gateway.rounds(1)
        before = counted()
        await gateway.rounds(ROUNDS)
        assert len(gateway.gone) == 2 * (ROUNDS + 1) * 4
        with suppress(trio.TooSlowError):  # closing takes the library a moment; what never ends is told below
            await until(lambda: not counted() - before and not gateway.left())
        assert counted() - before == Counter()
        assert gateway.left() == Counter()


async def all_are_let_in(pipe: Pipe) -> None:
    async with a_gateway(pipe) as gateway:
        limiter = gateway.network._inbound_limiter  # the library lets in 300 at once
        limiter.total_tokens = 3
        for _ in range(5):
            await gateway.is_visited(our_host)
            await until(lambda: not limiter.borrowed_tokens)


def test_nothing_is_left_of_peers_that_came_and_went(pipe: Pipe) -> None:
    trio.run(partial(nothing_is_left, pipe))


def test_peers_are_let_in_however_many_there_were(pipe: Pipe) -> None:
    trio.run(partial(all_are_let_in, pipe))
