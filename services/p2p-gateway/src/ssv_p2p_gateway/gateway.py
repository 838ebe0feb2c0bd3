"""The gateway's moving parts: the node that is kept running, and what the registry, the clock and files tell it.

Topics are the union over the operator's committees, made anew each slot and with each registry, so a topic that two
committees share stays until both are gone.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Mapping

import grpc.aio
from libp2p.crypto.keys import KeyPair
from libp2p.peer.peerinfo import PeerInfo

from ssv_gossipsub import TopicScoreParameters
from ssv_p2p_gateway import network_duties
from ssv_p2p_gateway.addresses import listen_address, peer_address
from ssv_p2p_gateway.bus_side import BusSide
from ssv_p2p_gateway.collector import settle
from ssv_p2p_gateway.gate import Gate
from ssv_p2p_gateway.gossip.message_rate import topic_messages_per_epoch
from ssv_p2p_gateway.gossip.parameters import topic_scores
from ssv_p2p_gateway.guest import run_trio
from ssv_p2p_gateway.node import Node, NodeParts, run_node
from ssv_p2p_gateway.settings import GatewaySettings
from ssv_p2p_gateway.static_peers import PeersFile
from ssv_p2p_gateway.topic_share import TopicShare
from ssv_p2p_gateway.traffic import Traffic
from ssv_p2p_gateway.world import World
from ssv_protocol.forks import Network
from ssv_protocol.types.ids import Epoch, Instant
from ssv_protocol.validation.topology import topics_around
from ssv_runtime.bus import Bus, KeyValue
from ssv_runtime.files import write_atomically
from ssv_runtime.membership import Beats
from ssv_runtime.registry_client import RegistryView, watch
from ssv_runtime.service import Service

LOOK_S = 0.5
GATEWAYS = "gateways"


class Gateway:
    """Runs the node and tells it what to listen to and whom to be connected to."""

    def __init__(
        self,
        settings: GatewaySettings,
        service: Service,
        network: Network,
        bus_side: BusSide,
        traffic: Traffic,
        share: TopicShare,
    ) -> None:
        self._world = World(network)
        self.gate = Gate(self._world, traffic, service.log, bus_side.deliver)
        self._settings = settings
        self._service = service
        self._network = network
        self._bus_side = bus_side
        self._traffic = traffic
        self._share = share
        self._view = RegistryView()
        self._topics: Collection[str] = frozenset()
        self._topic_scores: Mapping[str, TopicScoreParameters] = {}
        self._scored_in: Epoch | None = None
        self._peers: list[PeerInfo] = []

    @property
    def node(self) -> Node | None:
        """The node, None while it does not run."""
        return self._bus_side.node

    async def run_node(self, key: KeyPair) -> None:
        """Run a node until it fails; the caller calls again."""
        loop = asyncio.get_running_loop()
        listening = self._service.health.dependency("listening")
        starts: set[asyncio.Task[None]] = set()
        settings = self._settings

        def started(node: Node) -> None:
            self._bus_side.node = node
            listening.up()
            self._service.log.info("listening", addresses=node.addresses)
            if settings.listen_addr_file is not None:
                write_atomically(settings.listen_addr_file, f"{node.addresses[0]}\n".encode())
            node.score_topics(self._topic_scores)
            node.listen_to(self._topics)
            starts.add(loop.create_task(node.keep_connected(self._peers)))

        parts = NodeParts(
            key,
            listen_address(settings.listen_addr),
            self.gate,
            self._traffic,
            self._service.log,
            loop,
            settings.gossip_degree,
            self._network,
            settings.max_peers,
            settings.limit_by_address,
            settings.handshake,
        )
        try:
            await run_trio(lambda: run_node(parts, started))
        finally:
            self._bus_side.node = None
            listening.down("the node ended")
            for start in starts:
                start.cancel()

    async def follow_registry(self, channel: grpc.aio.Channel) -> None:
        """Take each new registry."""
        dependency = self._service.health.dependency("registry")

        def lost(reason: str) -> None:
            self._world.registry_lost()
            dependency.down(reason, "see whether the eth1-listener at registry_target runs")

        settled = False
        async for view in watch(channel, lost, encrypted_keys=False):
            dependency.up()
            self._view = view
            self._world.registry_came(view, Instant(time.time()))
            await self._follow_topics()
            if not settled:
                settled = True
                settle()  # the whole registry came at once; later ones share most of it

    async def follow_duties(self, bucket: KeyValue, keys: str) -> None:
        """Take what the beacon chain wants of all SSV validators."""

        def changed() -> None:
            self._traffic.duties_epoch.set(-1 if self._world.newest_epoch is None else self._world.newest_epoch)
            self._traffic.validators.set(self._world.validator_count)

        await network_duties.follow(bucket.watch(keys), self._world, changed, self._service.log)

    async def follow_gateways(self, bus: Bus) -> None:
        """Share the topics anew when another gateway of the operator comes or goes."""

        async def changed(members: frozenset[str]) -> None:
            self._share.members = members
            self._traffic.gateways.set(len(members))
            self._service.log.info("gateways", members=sorted(members))
            await self._follow_topics()

        await Beats(bus, GATEWAYS, self._settings.gateway_id, changed).run()

    async def follow_clock(self) -> None:
        """Look at the topics again with each slot, which may bring a fork nearer."""
        chain = self._network.chain
        while True:
            await self._follow_topics()
            self._traffic.registry_fresh.set(self._world.registry_is_fresh(Instant(time.time())))
            next_slot = chain.slot_start(chain.slot_at(Instant(time.time()))) + chain.slot_duration_s
            await asyncio.sleep(max(0.1, next_slot - time.time()))

    async def follow_peers(self) -> None:
        """Read the peers file when it changes, and report how many peers there are."""
        settings = self._settings
        named = [peer_address(text) for text in settings.static_peers]
        file = None if settings.static_peers_file is None else PeersFile(settings.static_peers_file, self._service.log)
        self._peers = named
        while True:
            changed = None if file is None else file.changed()
            if changed is not None:
                self._peers = [*named, *changed]
                if self.node is not None:
                    await self.node.keep_connected(self._peers)
            self._report_peers()
            await asyncio.sleep(LOOK_S)

    def _report_peers(self) -> None:
        count = 0 if self.node is None else self.node.peer_count
        self._traffic.peers.set(count)
        if not self._peers and not self._settings.discovery:
            self._service.health.forget("peers")
            return
        dependency = self._service.health.dependency("peers")
        if count:
            dependency.up()
        else:
            dependency.down("no peer is connected", "see whether static peers and bootnodes run and can be reached")

    @property
    def topics(self) -> Collection[str]:
        """What the node is to listen to."""
        return self._topics

    async def _follow_topics(self) -> None:
        slot = self._network.chain.slot_at(Instant(time.time()))
        committees = self._view.own_committees.values()
        topics = frozenset(
            topic
            for validators in committees
            for topic in topics_around(self._network, slot, validators[0].operator_ids)
            if self._share.has(topic)
        )
        epoch = self._network.chain.epoch_of(slot)
        if topics != self._topics or epoch != self._scored_in:
            self._scored_in = epoch
            rates = topic_messages_per_epoch(self._network, slot, self._view.state)
            self._topic_scores = topic_scores(self._network.chain, {topic: rates.get(topic, 0.0) for topic in topics})
            if self.node is not None:
                self.node.score_topics(self._topic_scores)
        if topics != self._topics:
            self._service.log.info("topics", topics=sorted(topics), committees=len(committees))
            self._topics = topics
            self._traffic.topics.set(len(topics))
            if self.node is not None:
                self.node.listen_to(topics)
