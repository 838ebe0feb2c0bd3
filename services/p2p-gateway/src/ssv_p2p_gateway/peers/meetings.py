"""The handshake with each peer that connects: who fails it is let go, and not dialled again for a while.

Gossip with a peer begins at once and ends with its connection. A peer that fails it later, or whose domain a fork has
made another network's, is asked again by us; that settles it.

Source: ssvlabs/ssv network/peers/connections/conn_handler.go.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import trio
from libp2p.abc import INetConn, INetworkService
from libp2p.peer.id import ID
from structlog.typing import FilteringBoundLogger

from ssv_p2p_gateway.handshake.errors import HandshakeError
from ssv_p2p_gateway.handshake.exchange import Handshakes
from ssv_p2p_gateway.peers.keeper import is_inbound
from ssv_protocol.types.ids import DomainType

LOOK_S = 30.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 300.0
MOST_REFUSED = 1024
ENDED_WELL = "done"


class Meetings:
    """Meets each peer once for as long as it is connected. Lives in trio, but for `may_dial`."""

    def __init__(
        self,
        network: INetworkService,
        handshakes: Handshakes,
        domains: Callable[[], frozenset[DomainType]],
        ended: Callable[[str], None],
        nursery: trio.Nursery,
        log: FilteringBoundLogger,
    ) -> None:
        """`ended` hears the reason of each handshake that fails, and ENDED_WELL of the others."""
        self._network = network
        self._handshakes = handshakes
        self._domains = domains
        self._ended = ended
        self._nursery = nursery
        self._log = log
        self._meeting: set[ID] = set()
        self._met: set[ID] = set()
        self._refused: dict[ID, tuple[float, float]] = {}

    def connected(self, connection: INetConn) -> None:
        """There is a new connection: whoever dialled begins."""
        peer = connection.muxed_conn.peer_id
        if peer not in self._met:
            self._begin(peer, they_begin=is_inbound([connection]))

    def disconnected(self, peer: ID) -> None:
        """A connection has ended, which may be the last one."""
        if not self._network.get_connections(peer):
            self._met.discard(peer)
            if peer not in self._meeting:
                self._handshakes.forget(peer)

    def may_dial(self, peer: ID) -> bool:
        """Tell whether a dial is worth it: not right after a handshake that failed."""
        return self._refused.get(peer, (0.0, 0.0))[0] <= time.monotonic()

    async def sweep(self) -> None:
        """Look at who was met every now and then, until cancelled."""
        while True:
            await trio.sleep(LOOK_S)
            self.look()

    def look(self) -> None:
        """Forget who is gone; ask those again who are not known as peers of our network any more."""
        connected = self._network.get_connections_map().keys()
        self._handshakes.keep_only(connected | self._meeting)
        self._met &= connected
        domains = self._domains()
        for peer in self._met:
            info = self._handshakes.known.get(peer)
            if info is None or info.domain not in domains:
                self._begin(peer, they_begin=False)

    def _begin(self, peer: ID, *, they_begin: bool) -> None:
        if peer not in self._meeting:
            self._meeting.add(peer)
            self._nursery.start_soon(self._meet, peer, they_begin)

    async def _meet(self, peer: ID, they_begin: bool) -> None:
        failure: HandshakeError | None = None
        try:
            await (self._handshakes.await_greeting if they_begin else self._handshakes.greet)(peer)
        except HandshakeError as error:
            failure = error
        finally:
            self._meeting.discard(peer)
        if not self._network.get_connections(peer):
            self._handshakes.forget(peer)
        elif failure is None:
            self._met.add(peer)
            self._refused.pop(peer, None)
            self._ended(ENDED_WELL)
        else:
            await self._let_go(peer, failure)

    async def _let_go(self, peer: ID, failure: HandshakeError) -> None:
        _, pause_s = self._refused.pop(peer, (0.0, FIRST_PAUSE_S))
        self._refused[peer] = time.monotonic() + pause_s, min(2 * pause_s, LONGEST_PAUSE_S)
        if len(self._refused) > MOST_REFUSED:
            del self._refused[next(iter(self._refused))]
        self._ended(failure.reason)
        self._log.info("let a peer go after the handshake", peer=str(peer), reason=str(failure))
        await self._network.close_peer(peer)
