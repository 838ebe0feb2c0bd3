"""The gossip node: host, gossip and static peers together. Made and run in trio, spoken to from asyncio.

What it shall do is set from outside (`topics`, `static_peers`) and told again to the next node after a failure; a node
keeps nothing that must live longer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from random import Random

import trio
from libp2p.abc import IHost, INetConn
from libp2p.crypto.keys import KeyPair
from libp2p.peer.id import ID
from libp2p.peer.peerinfo import PeerInfo
from libp2p.rcmgr import Direction
from multiaddr import Multiaddr
from structlog.typing import FilteringBoundLogger

from ssv_gossipsub import Peer, PeerId, PeerScore, Router, TopicScoreParameters
from ssv_p2p_gateway.dialling import dial
from ssv_p2p_gateway.gossip.envelope import counted_envelope_check
from ssv_p2p_gateway.gossip.gossip import Gate, Gossip
from ssv_p2p_gateway.gossip.parameters import router_parameters, score_parameters
from ssv_p2p_gateway.guest import Portal
from ssv_p2p_gateway.handshake.exchange import Handshakes, Views
from ssv_p2p_gateway.handshake.node_info import NodeInfo
from ssv_p2p_gateway.handshake.rules import domains_around, subnets_of
from ssv_p2p_gateway.host import AGENT, Notifee, make_host, stop_dialling
from ssv_p2p_gateway.message_id import router_message_id
from ssv_p2p_gateway.peers.forgetting import forget
from ssv_p2p_gateway.peers.keeper import PeerKeeper
from ssv_p2p_gateway.peers.meetings import Meetings
from ssv_p2p_gateway.static_peers import StaticPeers
from ssv_p2p_gateway.traffic import Traffic
from ssv_p2p_gateway.transport.connection import Meter
from ssv_protocol.forks import Network
from ssv_protocol.types.ids import DomainType, Instant, Slot
from ssv_protocol.validation.topology import all_topics


@dataclass(frozen=True, slots=True)
class ConnectedPeer:
    """A peer that is connected; `gossip` is None while it has no gossip stream, `info` before the handshake."""

    peer_id: str
    address: str
    outbound: bool
    gossip: Peer | None
    score: PeerScore | None
    info: NodeInfo | None


class Node:
    """A running gossip node. The public methods are called from asyncio."""

    def __init__(
        self,
        host: IHost,
        gossip: Gossip,
        static_peers: StaticPeers,
        keeper: PeerKeeper,
        handshakes: Handshakes,
        meetings: Meetings,
        portal: Portal,
    ) -> None:
        self._host = host
        self._gossip = gossip
        self._static_peers = static_peers
        self._keeper = keeper
        self._handshakes = handshakes
        self._meetings = meetings
        self._portal = portal
        self._wanted_peers: Sequence[PeerInfo] = ()

    @property
    def peer_id(self) -> str:
        """The id that the network knows the node by."""
        return str(self._host.get_id())

    @property
    def addresses(self) -> list[str]:
        """Where the node listens, with its peer id."""
        return [str(address) for address in self._host.get_addrs()]

    @property
    def tcp_port(self) -> int:
        """The port that the node listens on."""
        return int(self._host.get_addrs()[0].value_for_protocol("tcp") or 0)

    @property
    def free_places(self) -> int:
        """How many more peers there may be."""
        return self._keeper.free_places

    @property
    def topics(self) -> list[str]:
        """What the node listens to."""
        return sorted(self._gossip.topics)

    @property
    def peer_count(self) -> int:
        """How many connected peers speak gossip."""
        return len(self._gossip.router.peers)

    def peers(self) -> list[ConnectedPeer]:
        """Return the connected peers."""
        connections = self._host.get_network().get_connections_map()
        return [self._peer(peer_id, theirs[0]) for peer_id, theirs in connections.items() if theirs]

    def meshes(self) -> dict[str, list[str]]:
        """Return by topic who exchanges whole messages with us."""
        mesh = self._gossip.router.mesh
        return {topic: [str(ID(peer)) for peer in mesh.members(topic)] for topic in sorted(mesh.topics)}

    def subscribers(self, topic: str) -> int:
        """Return how many connected peers listen to a topic."""
        return len(self._gossip.router.subscribers(topic))

    def banned(self) -> list[str]:
        """Return who was let go and is not let in again yet."""
        return [str(peer_id) for peer_id in self._keeper.banned()]

    def _peer(self, peer_id: ID, connection: INetConn) -> ConnectedPeer:
        peer = PeerId(peer_id.to_bytes())
        return ConnectedPeer(
            str(peer_id),
            ", ".join(str(address) for address in connection.get_transport_addresses()),
            getattr(connection, "direction", None) == Direction.OUTBOUND,
            self._gossip.router.peers.get(peer),
            self._gossip.router.score(peer),
            self._handshakes.known.get(peer_id),
        )

    def publish(self, topic: str, data: bytes) -> int:
        """Publish; return the number of peers that it goes to."""
        return self._gossip.publish(topic, data).peers

    def listen_to(self, topics: Collection[str]) -> None:
        """Subscribe these topics and no others."""
        self._gossip.listen_to(topics)

    def score_topics(self, parameters: Mapping[str, TopicScoreParameters]) -> None:
        """Score peers by what they do in these topics from now on."""
        self._gossip.router.set_topic_scores(parameters)

    def may_dial(self, peer_id: ID) -> bool:
        """Tell whether a peer is neither connected nor, for now, to be left alone."""
        if peer_id == self._host.get_id() or self._host.get_network().get_connections(peer_id):
            return False
        return self._meetings.may_dial(peer_id) and not self._keeper.is_unwanted(peer_id)

    async def dial(self, peers: Sequence[PeerInfo]) -> Mapping[ID, str | None]:
        """Dial peers once, all at once; return what went wrong with each, None for those that are connected.

        A node that ends meanwhile leaves the rest out.
        """
        outcomes: dict[ID, str | None] = {}

        async def dial_one(peer: PeerInfo) -> None:
            outcomes[peer.peer_id] = await dial(self._host, peer)

        async def dial_all() -> None:
            async with trio.open_nursery() as nursery:
                for peer in peers:
                    nursery.start_soon(dial_one, peer)

        await self._in_trio(dial_all)
        return outcomes

    async def keep_connected(self, peers: Sequence[PeerInfo]) -> None:
        """Stay connected to these peers from now on."""
        self._wanted_peers = peers
        await self._in_trio(self._follow_peers)

    async def _in_trio(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work` in trio; when the node ends meanwhile it stays undone."""
        with suppress(trio.RunFinishedError):
            call = self._portal.call(work)
            await asyncio.wait([call])  # the call is cancelled when the node ends; that must not cancel the caller
            if not call.cancelled():
                call.result()

    async def _follow_peers(self) -> None:
        # looks at what is wanted when it runs, for trio may run two of them in either order
        self._static_peers.keep(self._wanted_peers)


@dataclass(frozen=True, slots=True)
class NodeParts:
    """What a node is made of. Without `handshake` peers that say nothing of themselves are kept."""

    key: KeyPair
    listen: Multiaddr
    gate: Gate
    traffic: Traffic
    log: FilteringBoundLogger
    loop: asyncio.AbstractEventLoop
    gossip_degree: int
    network: Network
    max_peers: int
    limit_by_address: bool
    handshake: bool = False


async def run_node(parts: NodeParts, started: Callable[[Node], None]) -> None:
    """Run a node in trio until it is cancelled or fails; `started` is told when it listens."""
    meter = Meter()
    host = make_host(parts.key, parts.listen, meter)
    topics = all_topics(parts.network)
    router = Router(
        PeerId(host.get_id().to_bytes()),
        router_parameters(parts.gossip_degree, len(topics)),
        score_parameters(parts.network.chain, by_address=parts.limit_by_address),
        router_message_id,
        Random(),  # noqa: S311 (chooses peers, no secrets)
        time.monotonic(),
        first_seqno=time.time_ns(),
        may_subscribe=topics.__contains__,
        check=counted_envelope_check(parts.traffic),
    )
    network = host.get_network()
    async with trio.open_nursery() as nursery:
        gossip = Gossip(
            host, router, topics, parts.gate, parts.log, lambda: parts.traffic.follow(router, meter), nursery
        )
        static_peers = StaticPeers(host, nursery, parts.log, lambda peer: not may_dial(peer))
        keeper = PeerKeeper(
            network, router, static_peers.is_kept, parts.log, most=parts.max_peers, by_address=parts.limit_by_address
        )

        def domains() -> frozenset[DomainType]:
            return domains_around(parts.network, _slot(parts.network))

        def own_info() -> NodeInfo:
            domain = parts.network.domain_at(_slot(parts.network))
            return NodeInfo(domain, AGENT, subnets=subnets_of(gossip.topics))

        views = Views(own_info, domains, keeper.is_bad, static_peers.is_kept)
        handshakes = Handshakes(host, parts.key.private_key, views, lambda peer, info: None)
        meetings = Meetings(network, handshakes, domains, parts.traffic.handshake, nursery, parts.log)

        def may_dial(peer: ID) -> bool:
            return meetings.may_dial(peer) and not keeper.is_bad(peer)

        def disconnected(connection: INetConn) -> None:
            meetings.disconnected(connection.muxed_conn.peer_id)
            forget(host, connection.muxed_conn.peer_id)

        async def connected(connection: INetConn) -> None:
            refusal = keeper.refusal(connection)
            if refusal is None:
                gossip.connected(connection.muxed_conn.peer_id)
                if parts.handshake:
                    meetings.connected(connection)
            else:
                parts.log.debug("a peer is not wanted", peer=str(connection.muxed_conn.peer_id), reason=refusal)
                nursery.start_soon(keeper.hang_up, connection)

        network.register_notifee(Notifee(connected, disconnected))
        handshakes.serve()
        async with host.run([parts.listen]):
            await stop_dialling(host)
            nursery.start_soon(gossip.beat)
            nursery.start_soon(keeper.sweep)
            nursery.start_soon(meetings.sweep)
            started(Node(host, gossip, static_peers, keeper, handshakes, meetings, Portal(nursery, parts.loop)))
            await trio.sleep_forever()


def _slot(network: Network) -> Slot:
    return network.chain.slot_at(Instant(time.time()))
