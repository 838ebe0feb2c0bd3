"""The libp2p host: TCP, Noise, Yamux with mplex as the fallback, a secp256k1 key. Nothing else is offered.

Source: ssvlabs/ssv network/p2p/p2p_setup.go.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Awaitable, Callable

from libp2p import new_host
from libp2p.abc import IHost, INetConn, INetStream, INetwork, INotifee
from libp2p.crypto.keys import KeyPair
from libp2p.crypto.x25519 import create_new_key_pair as new_noise_key
from libp2p.identity.identify import identify
from libp2p.network.config import ConnectionConfig
from libp2p.network.swarm import Swarm
from libp2p.security.noise.transport import PROTOCOL_ID as NOISE
from libp2p.security.noise.transport import Transport as NoiseTransport
from multiaddr import Multiaddr

from ssv_p2p_gateway.peers.forgetting import end_with_connections, forgetful_resource_manager
from ssv_p2p_gateway.transport.connection import Meter
from ssv_p2p_gateway.transport.muxers import Muxers

AGENT = "ssv-py"


def quiet_library() -> None:
    """Silence libp2p's own log, unless LIBP2P_DEBUG asks for it: an error line each time a peer cannot be reached."""
    if not os.environ.get("LIBP2P_DEBUG"):
        logging.getLogger("libp2p").setLevel(logging.CRITICAL)


def make_host(key: KeyPair, listen: Multiaddr, meter: Meter | None = None) -> IHost:
    """Return a host that will listen at `listen`; `meter` counts its bytes."""
    identify.AGENT_VERSION = AGENT  # what peers are told is a constant of the library
    host = new_host(
        key_pair=key,
        listen_addrs=[listen],
        sec_opt={NOISE: NoiseTransport(key, new_noise_key().private_key)},
        connection_config=ConnectionConfig(min_connections=0, low_watermark=0),
        disable_identify_address_discovery=True,
        resource_manager=forgetful_resource_manager(),
    )
    network = host.get_network()
    assert isinstance(network, Swarm)
    network.upgrader.muxer_multistream = Muxers(meter or Meter())
    end_with_connections(network)
    return host


async def stop_dialling(host: IHost) -> None:
    """Keep a running host from dialling known peers by itself, which it does towards a number of its own choice."""
    network = host.get_network()
    if isinstance(network, Swarm):
        await network.auto_connector.stop()


class Notifee(INotifee):
    """Tells of connections that begin and end, and of nothing else."""

    def __init__(
        self, connected: Callable[[INetConn], Awaitable[None]], disconnected: Callable[[INetConn], None]
    ) -> None:
        self._connected = connected
        self._disconnected = disconnected

    async def connected(self, network: INetwork, conn: INetConn) -> None:
        """Tell."""
        await self._connected(conn)

    async def disconnected(self, network: INetwork, conn: INetConn) -> None:
        """Tell."""
        self._disconnected(conn)

    async def opened_stream(self, network: INetwork, stream: INetStream) -> None:
        """Do nothing."""

    async def closed_stream(self, network: INetwork, stream: INetStream) -> None:
        """Do nothing."""

    async def listen(self, network: INetwork, multiaddr: Multiaddr) -> None:
        """Do nothing."""

    async def listen_close(self, network: INetwork, multiaddr: Multiaddr) -> None:
        """Do nothing."""
