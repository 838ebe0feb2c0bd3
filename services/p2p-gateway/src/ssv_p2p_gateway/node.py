"""The gossip node: host, router and static peers together. Made and run in trio, spoken to from asyncio.

What it shall do is set from outside (`topics`, `static_peers`) and told again to the next node after a failure; a node
keeps nothing that must live longer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import trio
from libp2p.abc import IHost
from libp2p.crypto.keys import KeyPair
from libp2p.peer.peerinfo import PeerInfo
from libp2p.tools.anyio_service import background_trio_service
from multiaddr import Multiaddr
from structlog.typing import FilteringBoundLogger

from ssv_p2p_gateway.gossip_patches import Gate, SsvPubsub, SsvRouter
from ssv_p2p_gateway.guest import Portal
from ssv_p2p_gateway.host import make_host, stop_dialling
from ssv_p2p_gateway.static_peers import StaticPeers
from ssv_p2p_gateway.traffic import Traffic


@dataclass(frozen=True, slots=True)
class ConnectedPeer:
    """A peer that is connected, and what it listens to."""

    peer_id: str
    address: str
    topics: tuple[str, ...]


class Node:
    """A running gossip node. The public methods are called from asyncio."""

    def __init__(self, host: IHost, pubsub: SsvPubsub, static_peers: StaticPeers, portal: Portal) -> None:
        self._host = host
        self._pubsub = pubsub
        self._static_peers = static_peers
        self._portal = portal
        self._wanted_topics: frozenset[str] = frozenset()
        self._wanted_peers: Sequence[PeerInfo] = ()
        self._following = trio.Lock()

    @property
    def peer_id(self) -> str:
        """The id that the network knows the node by."""
        return str(self._host.get_id())

    @property
    def addresses(self) -> list[str]:
        """Where the node listens, with its peer id."""
        return [str(address) for address in self._host.get_addrs()]

    @property
    def topics(self) -> list[str]:
        """What the node listens to."""
        return sorted(self._pubsub.topic_ids)

    @property
    def peer_count(self) -> int:
        """How many connected peers speak gossip."""
        return len(self._pubsub.peers)

    def peers(self) -> list[ConnectedPeer]:
        """Return the connected peers."""
        return [
            ConnectedPeer(
                str(peer_id),
                ", ".join(str(address) for address in connections[0].get_transport_addresses()),
                tuple(sorted(topic for topic, peers in self._pubsub.peer_topics.items() if peer_id in peers)),
            )
            for peer_id, connections in self._host.get_network().get_connections_map().items()
            if connections
        ]

    def publish(self, topic: str, data: bytes) -> asyncio.Future[int]:
        """Publish; the future has the number of peers that it went to."""

        async def publish() -> int:
            return await self._pubsub.publish_own(topic, data)

        return self._portal.call(publish)

    async def listen_to(self, topics: Collection[str]) -> None:
        """Subscribe these topics and no others."""

        self._wanted_topics = frozenset(topics)
        await self._portal.call(self._follow_topics)

    async def keep_connected(self, peers: Sequence[PeerInfo]) -> None:
        """Stay connected to these peers from now on."""
        self._wanted_peers = peers
        await self._portal.call(self._follow_peers)

    # These look at what is wanted when they run, for trio may run two of them in either order.
    async def _follow_topics(self) -> None:
        async with self._following:
            wanted = self._wanted_topics
            for topic in sorted(set(self._pubsub.topic_ids) - wanted):
                await self._pubsub.unsubscribe(topic)
            for topic in sorted(wanted - set(self._pubsub.topic_ids)):
                await self._pubsub.subscribe(topic)

    async def _follow_peers(self) -> None:
        self._static_peers.keep(self._wanted_peers)


@dataclass(frozen=True, slots=True)
class NodeParts:
    """What a node is made of."""

    key: KeyPair
    listen: Multiaddr
    gate: Gate
    traffic: Traffic
    log: FilteringBoundLogger
    loop: asyncio.AbstractEventLoop
    gossip_degree: int


async def run_node(parts: NodeParts, started: Callable[[Node], None]) -> None:
    """Run a node in trio until it is cancelled or fails; `started` is told when it listens."""
    host = make_host(parts.key, parts.listen)
    router = SsvRouter(parts.traffic.queue_drops.inc, parts.gossip_degree)
    pubsub = SsvPubsub(host, router, parts.gate, parts.traffic.duplicates.inc)
    async with (
        host.run([parts.listen]),
        background_trio_service(router),
        background_trio_service(pubsub),
        trio.open_nursery() as nursery,
    ):
        await stop_dialling(host)
        await pubsub.wait_until_ready()
        static_peers = StaticPeers(host, nursery, parts.log)
        started(Node(host, pubsub, static_peers, Portal(nursery, parts.loop)))
        await trio.sleep_forever()
