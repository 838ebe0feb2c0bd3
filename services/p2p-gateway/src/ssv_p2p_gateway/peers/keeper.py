"""The door and the broom of a host: who may connect, and every 30 s who is let go.

Refused are peers below the graylist threshold, peers that were let go within half an hour, and what is beyond the
limits: connections of all, inbound ones, those of one IP address in a short time. Static peers pass all limits but that
of their score.

Source: ssvlabs/ssv network/peers/connections/conn_gater.go, network/p2p/p2p.go.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from random import Random

import trio
from libp2p.abc import INetConn, INetworkService
from libp2p.io.abc import ReadWriteCloser
from libp2p.network.swarm import Swarm
from libp2p.peer.id import ID
from libp2p.rcmgr import Direction
from multiaddr import Multiaddr
from structlog.typing import FilteringBoundLogger

from ssv_gossipsub import PeerId, Router
from ssv_p2p_gateway.peers.address_limit import AddressLimit
from ssv_p2p_gateway.peers.trimming import Candidate, most_peers, to_let_go

LOOK_S = 30.0
LET_GO_S = 30 * 60.0
MOST_LET_GO = 4096
SETTLED_S = 10.0


class PeerKeeper:
    """Decides who stays connected. Lives in trio, but for what only tells."""

    def __init__(
        self,
        network: INetworkService,
        router: Router,
        is_static: Callable[[ID], bool],
        log: FilteringBoundLogger,
        *,
        most: int,
        by_address: bool,
    ) -> None:
        self._network = network
        self._router = router
        self._is_static = is_static
        self._log = log
        self._most = most
        self._let_go: dict[ID, float] = {}
        self._since: dict[ID, float] = {}
        self._rng = Random()  # noqa: S311 (whom to let go, no secrets)
        if by_address and isinstance(network, Swarm):
            _limit_by_address(network, AddressLimit())

    def refusal(self, connection: INetConn) -> str | None:
        """Tell why a new connection is not wanted, None when it is."""
        peer_id = connection.muxed_conn.peer_id
        if self.is_bad(peer_id):
            return "bad score"
        if self._is_static(peer_id):
            return None
        if peer_id in self.banned():
            return "let go lately"
        connections = self._network.get_connections_map()
        most = self._limit()
        if len(connections) > most:
            return "enough peers"
        inbound = sum(is_inbound(list(theirs)) for theirs in connections.values())
        if is_inbound([connection]) and inbound > most // 2:
            return "enough inbound peers"
        return None

    async def hang_up(self, connection: INetConn) -> None:
        """Close a connection that is not wanted."""
        with suppress(Exception):  # the library raises many kinds, all of which mean that it is closed
            await connection.close()

    def is_bad(self, peer_id: ID) -> bool:
        """Tell whether a peer's score is below what is listened to."""
        return self._router.graylisted(PeerId(peer_id.to_bytes()))

    def is_unwanted(self, peer_id: ID) -> bool:
        """Tell whether a peer would not be let in now."""
        return self.is_bad(peer_id) or peer_id in self.banned()

    @property
    def free_places(self) -> int:
        """How many more peers there may be."""
        return max(0, self._limit() - len(self._network.get_connections_map()))

    def banned(self) -> Collection[ID]:
        """Return who was let go and is not to come back yet."""
        now = time.monotonic()
        while self._let_go and (oldest := next(iter(self._let_go))) and self._let_go[oldest] <= now:
            del self._let_go[oldest]
        return self._let_go.keys()

    async def sweep(self) -> None:
        """Let peers go every now and then, until cancelled."""
        while True:
            await trio.sleep(LOOK_S)
            await self.look()

    async def look(self) -> None:
        """Let those go that should."""
        connected = {PeerId(one.to_bytes()): one for one in self._network.get_connections_map()}
        now = time.monotonic()
        self._since = {one: self._since.get(one, now) for one in connected.values()}
        candidates = [self._candidate(peer, peer_id, now) for peer, peer_id in connected.items()]
        for peer in to_let_go(candidates, set(self._router.mesh.topics), self._limit(), self._rng):
            await self._drop(connected[peer], now)

    def _candidate(self, peer: PeerId, peer_id: ID, now: float) -> Candidate:
        known = self._router.peers.get(peer)
        return Candidate(
            peer,
            inbound=is_inbound(self._network.get_connections(peer_id)),
            settled=now - self._since[peer_id] > SETTLED_S,
            static=self._is_static(peer_id),
            is_bad=self.is_bad(peer_id),
            topics=frozenset(known.topics if known else ()),
        )

    async def _drop(self, peer_id: ID, now: float) -> None:
        self._let_go.pop(peer_id, None)
        self._let_go[peer_id] = now + LET_GO_S
        if len(self._let_go) > MOST_LET_GO:
            del self._let_go[next(iter(self._let_go))]
        self._log.info("let a peer go", peer=str(peer_id), bad=self.is_bad(peer_id))
        await self._network.close_peer(peer_id)

    def _limit(self) -> int:
        return most_peers(len(list(self._router.mesh.topics)), self._most)


def _limit_by_address(network: Swarm, limit: AddressLimit) -> None:
    """Hang up on addresses that connect too often, before the handshake. The library's gate is asked for dials, too."""
    handle = network._handle_inbound_connection

    async def limited(connection: ReadWriteCloser, listener: Multiaddr) -> None:
        remote = connection.get_remote_address()
        if remote is not None and not limit.admits(remote[0], time.monotonic()):
            await connection.close()
            return
        await handle(connection, listener)

    network._handle_inbound_connection = limited  # type: ignore[assignment,method-assign]


def is_inbound(connections: Sequence[INetConn]) -> bool:
    """Tell whether all of these were begun by the peer."""
    return all(getattr(connection, "direction", None) == Direction.INBOUND for connection in connections)
