"""The nodes under test, each to be run in a process of its own: ours, and py-libp2p's stock router.

Both have the gateway's validation, hand accepted messages to nobody, and run with trio as asyncio's guest. The stock
router has py-libp2p's own byte path, and gets what it needs to take part at all: no spam protection (10 messages a
second), queues of 512.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from multiprocessing.connection import Connection as Pipe

import structlog
from libp2p import create_yamux_muxer_option, new_host
from libp2p.crypto.secp256k1 import create_new_key_pair
from libp2p.custom_types import TProtocol
from libp2p.peer.id import ID
from libp2p.pubsub import pubsub as stock
from libp2p.pubsub import rpc_queue
from libp2p.pubsub.gossipsub import GossipSub
from libp2p.pubsub.pb import rpc_pb2
from libp2p.tools.anyio_service import background_trio_service

from ssv_p2p_gateway.addresses import listen_address
from ssv_p2p_gateway.collector import settle
from ssv_p2p_gateway.gate import Gate
from ssv_p2p_gateway.gossip.parameters import MAX_RPC_BYTES
from ssv_p2p_gateway.guest import run_trio
from ssv_p2p_gateway.host import quiet_library
from ssv_p2p_gateway.message_id import message_id
from ssv_p2p_gateway.node import Node, NodeParts, run_node
from ssv_p2p_gateway.traffic import Traffic
from ssv_p2p_gateway.world import World
from ssv_protocol.forks import Network
from ssv_protocol.registry.state import RegistryState
from ssv_protocol.types.ids import Instant
from ssv_protocol.validation.verdict import Accept
from ssv_runtime.metrics import Metrics
from ssv_runtime.registry_client import RegistryView

LISTEN = listen_address("/ip4/127.0.0.1/tcp/0")
DEGREE = 8


class _Judge:
    """The gateway's gate, and answers to the parent."""

    def __init__(self, pipe: Pipe, network: Network, state: RegistryState) -> None:
        quiet_library()
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
        self.traffic = Traffic(Metrics("p2p-gateway"))
        self.accepted = 0
        world = World(network)
        world.registry_came(RegistryView(state, head_block=state.block_number), Instant(time.time()))
        self.gate = Gate(world, self.traffic, structlog.get_logger(), self._deliver)
        self._pipe = pipe

    def serve(self, address: str) -> None:
        """Tell where the node listens, and answer questions."""
        self._pipe.send(address)
        threading.Thread(target=self._answer, daemon=True).start()

    def _deliver(self, *_: object) -> None:
        self.accepted += 1

    def _answer(self) -> None:
        while True:
            self._pipe.recv()
            refused: Counter[str] = self.traffic.refused_by_reason
            self._pipe.send((self.accepted, time.process_time(), dict(refused)))


def run_ours(pipe: Pipe, network: Network, state: RegistryState, topic: str) -> None:
    """Run the gateway's node."""

    async def main() -> None:
        judge = _Judge(pipe, network, state)
        loop = asyncio.get_running_loop()
        parts = NodeParts(
            create_new_key_pair(), LISTEN, judge.gate, judge.traffic, structlog.get_logger(), loop, DEGREE, network, 60,
            False,
        )  # fmt: skip

        def started(node: Node) -> None:
            node.listen_to([topic])
            settle()  # as the gateway does
            judge.serve(node.addresses[0])

        await run_trio(lambda: run_node(parts, started))

    asyncio.run(main())


def run_stock(pipe: Pipe, network: Network, state: RegistryState, topic: str) -> None:
    """Run py-libp2p's router."""

    class LongQueue(rpc_queue.RpcQueue):
        def __init__(self) -> None:
            super().__init__(512, MAX_RPC_BYTES)

    stock.RpcQueue = LongQueue  # type: ignore[attr-defined,assignment]

    async def guest() -> None:
        judge = _Judge(pipe, network, state)
        host = new_host(key_pair=create_new_key_pair(), listen_addrs=[LISTEN], muxer_opt=create_yamux_muxer_option())
        router = GossipSub(
            [TProtocol("/meshsub/1.1.0")], DEGREE, 3 * DEGREE // 4, 3 * DEGREE // 2,
            heartbeat_interval=0.7,  # type: ignore[arg-type]
            adaptive_gossip_enabled=False, eclipse_protection_enabled=False, spam_protection_enabled=False,
        )  # fmt: skip
        pubsub = stock.Pubsub(
            host, router, strict_signing=False, msg_id_constructor=lambda message: message_id(message.data),
            max_inbound_rpc_size=MAX_RPC_BYTES,
        )  # fmt: skip

        def judged(peer: ID, message: rpc_pb2.Message) -> bool:
            topics = tuple(message.topicIDs)
            came = judge.gate.came(topics, message.data, message.from_id, signed=False, peer=peer.to_bytes())
            return isinstance(came, Accept)

        async with host.run([LISTEN]), background_trio_service(router), background_trio_service(pubsub):
            await pubsub.wait_until_ready()
            pubsub.set_topic_validator(topic, judged, is_async_validator=False)
            subscription = await pubsub.subscribe(topic)
            judge.serve(str(host.get_addrs()[0]))
            while True:
                await subscription.get()

    asyncio.run(run_trio(guest))
