"""A peer of no operator: the gateway's own node with nobody at the gate, so that it can say anything."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import structlog
from libp2p.crypto.secp256k1 import create_new_key_pair
from libp2p.peer.id import ID

from ssv_gossipsub.wire import encode
from ssv_p2p_gateway.addresses import listen_address, peer_address
from ssv_p2p_gateway.gossip.parameters import NETWORK_DEGREE
from ssv_p2p_gateway.guest import run_trio
from ssv_p2p_gateway.node import Node, NodeParts, run_node
from ssv_p2p_gateway.peers.trimming import SOME_PEERS
from ssv_p2p_gateway.traffic import Traffic
from ssv_protocol.types.ids import CommitteeId, Slot
from ssv_protocol.validation.verdict import Accept, GossipVerdict
from ssv_runtime.metrics import Metrics
from tests.support.gateway_messages import network_from_now


class OpenGate:
    """Lets everything through."""

    def __init__(self) -> None:
        self.seen: list[bytes] = []

    def came(
        self, topics: Sequence[str], data: bytes, author: bytes, *, signed: bool, peer: bytes = b""
    ) -> GossipVerdict:
        self.seen.append(data)
        return Accept(CommitteeId(bytes(32)), Slot(0))


class Stranger:
    def __init__(self, node: Node, gate: OpenGate) -> None:
        self.node = node
        self.gate = gate

    def send(self, frame: bytes) -> None:
        """Send a frame as it stands to every peer."""
        gossip = self.node._gossip
        for peer in gossip.router.peers.values():
            assert peer.outbox.message(frame)
        gossip._flush()

    def say(self, topic: str, data: bytes, **otherwise: bytes) -> None:
        """Send data as the network does, but for what is to be otherwise: author, signature, key."""
        fields = {"author": self.id.to_bytes(), "seqno": os.urandom(8), **otherwise}
        self.send(encode.message_frame(encode.message(data=data, topic=topic, **fields).encoded))

    @property
    def id(self) -> ID:
        return self.node._host.get_id()


@asynccontextmanager
async def stranger_at(address: str, topics: Sequence[str]) -> AsyncIterator[Stranger]:
    """Run a stranger that is connected to the peer at `address` and listens to `topics`."""
    gate = OpenGate()
    network = network_from_now()
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[Node] = loop.create_future()
    parts = NodeParts(
        create_new_key_pair(),
        listen_address("/ip4/127.0.0.1/tcp/0"),
        gate,
        Traffic(Metrics("stranger")),
        structlog.get_logger(),
        loop,
        NETWORK_DEGREE,
        network,
        SOME_PEERS,
        True,
    )
    running = asyncio.create_task(run_trio(lambda: run_node(parts, ready.set_result)))
    try:
        node = await ready
        node.listen_to(topics)
        await node.keep_connected([peer_address(address)])
        yield Stranger(node, gate)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
