"""One dial of a peer at the addresses given, whatever the library remembers of it."""

from __future__ import annotations

import trio
from libp2p.abc import IHost
from libp2p.peer.peerinfo import PeerInfo

from ssv_p2p_gateway.peers.forgetting import forget

DIAL_TIMEOUT_S = 10.0
_ADDRESS_TTL_S = 3600


async def dial(host: IHost, info: PeerInfo) -> str | None:
    """Connect to a peer; return what went wrong, None when it is connected. Raises nothing but cancellation."""
    peerstore = host.get_peerstore()
    peerstore.clear_addrs(info.peer_id)
    peerstore.add_addrs(info.peer_id, info.addrs, _ADDRESS_TTL_S)
    try:
        with trio.fail_after(DIAL_TIMEOUT_S):
            # not host.connect, which takes a connection that is closed for one that is there
            await host.get_network().dial_peer(info.peer_id)
    except Exception as error:  # the library raises many kinds; whatever it is, the next try may succeed
        return repr(error)
    finally:
        forget(host, info.peer_id)
    return None
