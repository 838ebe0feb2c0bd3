"""What py-libp2p keeps of peers that are gone, thrown away: it would keep it for as long as the process lives.

Invariant: when the last connection to a peer has ended, or a dial has failed, the library holds nothing of that peer.

- The task that accepts a connection waits for the end of the whole network, and counts as an inbound connection until
  then: after 300 of them nobody would be let in any more. Here it ends with its connection.
- The peerstore, the list of those that left lately (which only the automatic dialling would tidy, and that is off) and
  the list of failed dials are cleared of each peer.
- A limit of connections a second for each peer remembers a thousand of them; `AddressLimit` sees to that.

Source: py-libp2p 0.8, network/swarm.py (`_handle_inbound_connection`), network/auto_connector.py, rcmgr/manager.py.
"""

from __future__ import annotations

from contextlib import suppress

from libp2p.abc import IHost, IMuxedConn, IRawConnection
from libp2p.network.connection.swarm_connection import SwarmConn
from libp2p.network.exceptions import SwarmException
from libp2p.network.swarm import Swarm
from libp2p.peer.id import ID
from libp2p.peer.peerstore import PeerStoreError
from libp2p.rcmgr import ResourceManager, new_resource_manager
from multiaddr import Multiaddr


def forgetful_resource_manager() -> ResourceManager:
    """Return the library's default limits but for the one by peer."""
    manager = new_resource_manager()
    manager.connection_rate_limiter = None
    return manager


def end_with_connections(network: Swarm) -> None:
    """Let each task that has accepted a connection end with it."""
    upgrade = network.upgrade_inbound_raw_conn

    async def upgrade_and_wait(raw: IRawConnection, listener: Multiaddr) -> IMuxedConn:
        muxed = await upgrade(raw, listener)
        for connection in network.get_connections(muxed.peer_id):
            if connection.muxed_conn is muxed and isinstance(connection, SwarmConn):
                await connection.event_closed.wait()
        raise SwarmException("the connection has ended")  # who returns waits; who raises closes the socket and ends

    network.upgrade_inbound_raw_conn = upgrade_and_wait  # type: ignore[assignment,method-assign]


def forget(host: IHost, peer_id: ID) -> None:
    """Make the library forget a peer, unless it is connected."""
    network = host.get_network()
    if network.get_connections(peer_id):
        return
    with suppress(PeerStoreError):  # nothing is known of it
        host.get_peerstore().clear_peerdata(peer_id)
    if isinstance(network, Swarm):
        network.auto_connector.clear_cooldown(peer_id)
        network.unblock_peer(peer_id)  # it would refuse to dial for a minute after a failure
