"""The p2p gateway as a service."""

from __future__ import annotations

from functools import partial

from libp2p.crypto.keys import KeyPair

from ssv_api.v1.gateway_pb2_grpc import add_GatewayServicer_to_server
from ssv_discv5 import MalformedError, from_text
from ssv_p2p_gateway.addresses import discovery_address
from ssv_p2p_gateway.bus_side import BusSide
from ssv_p2p_gateway.collector import settle
from ssv_p2p_gateway.discovery.finder import Finder, FinderSettings
from ssv_p2p_gateway.discovery.metrics import DiscoveryMetrics
from ssv_p2p_gateway.gateway import Gateway
from ssv_p2p_gateway.host import quiet_library
from ssv_p2p_gateway.network_duties import NETWORK_KEYS
from ssv_p2p_gateway.network_key import load_network_key
from ssv_p2p_gateway.peers_service import PERMISSIONS, PeersService
from ssv_p2p_gateway.replay import Replay
from ssv_p2p_gateway.settings import GatewaySettings
from ssv_p2p_gateway.topic_share import TopicShare
from ssv_p2p_gateway.traffic import Traffic
from ssv_protocol.forks import Network
from ssv_runtime.bus import Bus
from ssv_runtime.names import ETH1_LISTENER, P2P_GATEWAY
from ssv_runtime.nats_permissions import DUTIES_BUCKET
from ssv_runtime.network_file import read_network_file
from ssv_runtime.rpc import channel, secure_server
from ssv_runtime.service import Service, ServiceSpec
from ssv_runtime.settings import SettingsError

MEGABYTE = 1_000_000


async def run(settings: GatewaySettings, service: Service) -> None:
    """Run the gateway until the service stops."""
    quiet_library()
    network = read_network_file(settings.network_file)
    key = load_network_key(settings.data_dir)
    traffic = Traffic(service.metrics)
    bus = await Bus.connect(settings, service)
    share = TopicShare(settings.gateway_id, settings.gateways)
    bus_side = BusSide(bus, Replay(network.chain, settings.replay_mb * MEGABYTE), traffic, service, share)
    gateway = Gateway(settings, service, network, bus_side, traffic, share)
    finder = _finder(settings, service, network, key, gateway) if settings.discovery else None
    servicer = PeersService(lambda: gateway.node, traffic, finder)
    await bus_side.listen(gateway.gate)
    listener = channel(settings.registry_target, settings, service, ETH1_LISTENER)
    add = partial(add_GatewayServicer_to_server, servicer)
    async with secure_server(settings, service, [add], PERMISSIONS):
        service.health.dependency("listening")
        service.health.dependency("registry")
        service.spawn(partial(gateway.run_node, key), "libp2p node", restart=True)
        service.spawn(bus_side.hand_over, "bus side", restart=True)
        service.spawn(partial(gateway.follow_registry, listener), "registry", restart=True)
        for keys in NETWORK_KEYS:
            service.spawn(partial(gateway.follow_duties, bus.kv(DUTIES_BUCKET), keys), f"duties {keys}", restart=True)
        if share.is_shared:
            service.spawn(partial(gateway.follow_gateways, bus), "gateways", restart=True)
        service.spawn(gateway.follow_clock, "topics", restart=True)
        service.spawn(gateway.follow_peers, "peers", restart=True)
        if finder is not None:
            service.spawn(finder.run, "discovery", restart=True)
        settle()
        await service.stopping.wait()


def _finder(settings: GatewaySettings, service: Service, network: Network, key: KeyPair, gateway: Gateway) -> Finder:
    host, port = discovery_address(settings.discovery_addr)
    try:
        bootnodes = tuple(map(from_text, (*network.ssv.bootnodes, *settings.bootnodes)))
    except MalformedError as error:
        raise SettingsError(f"bootnodes of the network file: {error}") from None
    return Finder(
        FinderSettings(
            host,
            port,
            bootnodes,
            settings.announce_ip,
            settings.announce_tcp_port,
            settings.announce_udp_port,
            settings.discovery_legacy,
            settings.record_file,
        ),
        network,
        key.private_key.to_bytes(),
        lambda: gateway.node,
        lambda: gateway.topics,
        DiscoveryMetrics(service.metrics),
        service.log,
    )


SERVICE = ServiceSpec(P2P_GATEWAY, GatewaySettings, run)
