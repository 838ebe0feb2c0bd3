"""Peers to stay connected to: dialled until they answer, and again whenever they are gone, for ever.

Of two peers that know each other the one with the lesser id dials first, so that they do not make two connections.

Source: ssvlabs/ssv network/p2p (TrustedPeers).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import trio
from libp2p.abc import IHost
from libp2p.peer.id import ID
from libp2p.peer.peerinfo import PeerInfo
from structlog.typing import FilteringBoundLogger

from ssv_p2p_gateway.addresses import peer_address
from ssv_p2p_gateway.dialling import dial

LOOK_S = 0.25
POLITE_S = 0.5
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 5.0


class StaticPeers:
    """Keeps a host connected to peers. Lives in trio."""

    def __init__(
        self, host: IHost, nursery: trio.Nursery, log: FilteringBoundLogger, is_bad: Callable[[ID], bool]
    ) -> None:
        """`is_bad` names peers that are not to be dialled for now."""
        self._host = host
        self._is_bad = is_bad
        self._nursery = nursery
        self._log = log
        self._kept: dict[ID, tuple[PeerInfo, trio.CancelScope]] = {}

    def is_kept(self, peer_id: ID) -> bool:
        """Tell whether this is one of them."""
        return peer_id in self._kept

    def keep(self, peers: Iterable[PeerInfo]) -> None:
        """Stay connected to these from now on; let go of others, without hanging up on them."""
        wanted = {peer.peer_id: peer for peer in peers if peer.peer_id != self._host.get_id()}
        for peer_id, (info, scope) in list(self._kept.items()):
            if wanted.get(peer_id) != info:
                scope.cancel()
                del self._kept[peer_id]
        for peer_id, info in wanted.items():
            if peer_id not in self._kept:
                scope = trio.CancelScope()
                self._kept[peer_id] = (info, scope)
                self._nursery.start_soon(self._keep_one, info, scope)

    async def _keep_one(self, info: PeerInfo, scope: trio.CancelScope) -> None:
        with scope:
            if info.peer_id.to_bytes() < self._host.get_id().to_bytes():
                await trio.sleep(POLITE_S)
            pause_s = FIRST_PAUSE_S
            while True:
                if self._is_bad(info.peer_id):
                    await trio.sleep(LONGEST_PAUSE_S)
                elif self._is_connected(info.peer_id) or await self._dial(info):
                    pause_s = FIRST_PAUSE_S
                    await trio.sleep(LOOK_S)
                else:
                    await trio.sleep(pause_s * random.uniform(0.75, 1.25))  # noqa: S311 (spreads dials)
                    pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def _is_connected(self, peer_id: ID) -> bool:
        return any(not connection.is_closed for connection in self._host.get_network().get_connections(peer_id))

    async def _dial(self, info: PeerInfo) -> bool:
        failure = await dial(self._host, info)
        if failure is not None:
            self._log.debug("could not dial a static peer", peer=str(info.peer_id), error=failure)
            return False
        self._log.info("connected to a static peer", peer=str(info.peer_id))
        return True


class PeersFile:
    """A file with one multiaddr a line; empty lines and lines that begin with # are skipped."""

    def __init__(self, path: Path, log: FilteringBoundLogger) -> None:
        self._path = path
        self._log = log
        self._text: str | None = None

    def changed(self) -> Sequence[PeerInfo] | None:
        """Return the peers when the file has changed, None when it has not. A missing file names no peers."""
        try:
            text = self._path.read_text()
        except FileNotFoundError:
            text = ""
        except (OSError, UnicodeDecodeError) as error:
            self._log.warning("static peers file cannot be read", path=str(self._path), error=type(error).__name__)
            return None
        if text == self._text:
            return None
        self._text = text
        return [peer for line in text.splitlines() if (peer := self._peer(line.strip())) is not None]

    def _peer(self, line: str) -> PeerInfo | None:
        if not line or line.startswith("#"):
            return None
        try:
            return peer_address(line)
        except ValueError as error:
            self._log.warning("bad line in the static peers file is skipped", line=line, reason=str(error))
            return None
