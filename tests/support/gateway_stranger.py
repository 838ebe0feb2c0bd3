"""A peer of no operator: the gateway's own node with nobody at the gate, so that it can say anything."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import structlog
from libp2p.crypto.secp256k1 import create_new_key_pair
from libp2p.peer.id import ID
from libp2p.pubsub.pb import rpc_pb2

from ssv_p2p_gateway.addresses import listen_address, peer_address
from ssv_p2p_gateway.gossip_patches import NETWORK_DEGREE
from ssv_p2p_gateway.guest import run_trio
from ssv_p2p_gateway.node import Node, NodeParts, run_node
from ssv_p2p_gateway.traffic import Traffic
from ssv_protocol.types.ids import CommitteeId, Slot
from ssv_protocol.validation.verdict import Accept, GossipVerdict
from ssv_runtime.metrics import Metrics


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

    async def send(self, message: rpc_pb2.Message) -> None:
        """Send a pubsub message as it stands to every peer."""
        pubsub = self.node._pubsub

        async def push() -> None:
            for peer in pubsub.peers:
                pubsub.router.send_rpc(peer, rpc_pb2.RPC(publish=[message]))

        await self.node._portal.call(push)

    async def say(
        self, topic: str, data: bytes, change: Callable[[rpc_pb2.Message], object] = lambda message: None
    ) -> None:
        """Send data as the network does; `change` makes it otherwise."""
        message = rpc_pb2.Message(data=data, topicIDs=[topic], from_id=self.id.to_bytes(), seqno=os.urandom(8))
        change(message)
        await self.send(message)

    @property
    def id(self) -> ID:
        return self.node._host.get_id()


@asynccontextmanager
async def stranger_at(address: str, topics: Sequence[str]) -> AsyncIterator[Stranger]:
    """Run a stranger that is connected to the peer at `address` and listens to `topics`."""
    gate = OpenGate()
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
    )
    running = asyncio.create_task(run_trio(lambda: run_node(parts, ready.set_result)))
    try:
        node = await ready
        await node.listen_to(topics)
        await node.keep_connected([peer_address(address)])
        yield Stranger(node, gate)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
