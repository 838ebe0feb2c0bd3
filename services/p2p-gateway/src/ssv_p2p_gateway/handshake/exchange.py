"""The exchange over a host: who dialled begins, the other answers; each learns what the other tells of itself. In trio.

Invariants: nothing a peer sends raises anything but HandshakeError; a peer is known only after its seal was found to be
its own and its network ours. On these streams no length comes first: a side writes, closes its half, reads to the end.

Not guaranteed: that what a peer tells is true; only that it is the peer that tells it.

Source: ssvlabs/ssv network/peers/connections (handshaker, conn_handler), network/streams.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

import trio
from libp2p.abc import IHost, INetStream
from libp2p.crypto.keys import PrivateKey
from libp2p.custom_types import TProtocol
from libp2p.network.stream.exceptions import StreamEOF
from libp2p.network.stream.net_stream import NetStream
from libp2p.peer.id import ID

from ssv_p2p_gateway.handshake.errors import HandshakeError, HandshakeReason
from ssv_p2p_gateway.handshake.node_info import NodeInfo
from ssv_p2p_gateway.handshake.rules import check_network, check_subnets
from ssv_p2p_gateway.handshake.sealed import open_sealed, seal
from ssv_protocol.types.ids import DomainType

PROTOCOL = TProtocol("/ssv/info/0.0.1")
REQUEST_TIMEOUT_S = 10.0
INBOUND_TIMEOUT_S = 20.0
CLOSE_S = 1.0
MOST_BYTES = 64 * 1024
MOST_AT_ONCE = 4
"""Exchanges that one peer may have under way."""


@dataclass(frozen=True, slots=True)
class Views:
    """What the exchange asks when it needs it: own info as it is now, domains to take, whether a peer is unwanted.

    Peers that are kept need share no subnet with us.
    """

    own: Callable[[], NodeInfo]
    domains: Callable[[], frozenset[DomainType]]
    is_unwanted: Callable[[ID], bool] = lambda peer: False
    is_kept: Callable[[ID], bool] = lambda peer: False


class Handshakes:
    """The handshakes of a host. `told` hears what each peer says of itself, each time it says it."""

    def __init__(
        self,
        host: IHost,
        key: PrivateKey,
        views: Views,
        told: Callable[[ID, NodeInfo], None],
        *,
        request_timeout_s: float = REQUEST_TIMEOUT_S,
        inbound_timeout_s: float = INBOUND_TIMEOUT_S,
    ) -> None:
        self.known: dict[ID, NodeInfo] = {}
        self._host = host
        self._key = key
        self._views = views
        self._told = told
        self._request_timeout_s = request_timeout_s
        self._inbound_timeout_s = inbound_timeout_s
        self._waiting: dict[ID, _Waiting] = {}
        self._answering: Counter[ID] = Counter()

    def serve(self) -> None:
        """Answer peers from now on."""
        self._host.set_stream_handler(PROTOCOL, self._answer)

    async def greet(self, peer: ID) -> NodeInfo:
        """Begin with a peer that we dialled; return what it says of itself.

        Raises:
            HandshakeError: it is to be let go.
        """
        with trio.move_on_after(self._request_timeout_s):
            try:
                stream = await self._host.new_stream(peer, [PROTOCOL])
                try:
                    await self._say(stream)
                    return self._learn(peer, await _read_all(stream))
                finally:
                    await _let_go(stream)
            except HandshakeError:
                raise
            except Exception as error:  # whatever the library raises for a connection that breaks
                raise HandshakeError(HandshakeReason.UNREACHABLE, type(error).__name__) from None
        raise HandshakeError(HandshakeReason.TIMEOUT)

    async def await_greeting(self, peer: ID) -> NodeInfo:
        """Wait until a peer that dialled us has begun and ended well; return what it says of itself.

        Raises:
            HandshakeError: it is to be let go.
        """
        waiting = self._waiting.setdefault(peer, _Waiting(trio.Event()))
        try:
            with trio.move_on_after(self._inbound_timeout_s):
                await waiting.done.wait()
            if waiting.failure is not None:
                raise waiting.failure
            if peer not in self.known:
                raise HandshakeError(HandshakeReason.TIMEOUT, "it did not begin")
        finally:
            self._waiting.pop(peer, None)
        if not self._views.is_kept(peer):
            check_subnets(self.known[peer], self._views.own().subnets or frozenset())
        return self.known[peer]

    def forget(self, peer: ID) -> None:
        """Forget a peer that is gone."""
        self.known.pop(peer, None)
        self._waiting.pop(peer, None)

    def keep_only(self, peers: Collection[ID]) -> None:
        """Forget all other peers, also those that said something as they went."""
        for peer in (self.known.keys() | self._waiting.keys()) - set(peers):
            self.forget(peer)

    async def _answer(self, stream: INetStream) -> None:
        peer = stream.muxed_conn.peer_id
        if self._answering[peer] >= MOST_AT_ONCE:
            with suppress(Exception):
                await stream.reset()
            return
        self._answering[peer] += 1
        try:
            await self._answer_one(stream, peer)
        finally:
            self._answering[peer] -= 1
            if not self._answering[peer]:
                del self._answering[peer]

    async def _answer_one(self, stream: INetStream, peer: ID) -> None:
        try:
            with trio.fail_after(self._request_timeout_s):
                theirs = await _read_all(stream)
                await self._say(stream)
            self._learn(peer, theirs)
            self._wake(peer, None)
        except HandshakeError as error:
            self._wake(peer, error)
        except Exception as error:  # as above, and the time that is over
            self._wake(peer, HandshakeError(HandshakeReason.UNREACHABLE, type(error).__name__))
        finally:
            await _let_go(stream)

    def _wake(self, peer: ID, failure: HandshakeError | None) -> None:
        if failure is not None:
            self.known.pop(peer, None)
        waiting = self._waiting.setdefault(peer, _Waiting(trio.Event()))  # whoever asks later must know, too
        waiting.failure = failure
        waiting.done.set()

    async def _say(self, stream: INetStream) -> None:
        await stream.write(seal(self._key, self._views.own().encode()))
        await cast(NetStream, stream).close_write()

    def _learn(self, peer: ID, sealed: bytes) -> NodeInfo:
        author, payload = open_sealed(sealed)
        if author != peer:
            raise HandshakeError(HandshakeReason.FORGED, "another peer's envelope")
        info = NodeInfo.decode(payload)
        check_network(info, self._views.domains())
        if self._views.is_unwanted(peer):
            raise HandshakeError(HandshakeReason.UNWANTED)
        self.known[peer] = info
        self._told(peer, info)
        return info


@dataclass(slots=True)
class _Waiting:
    done: trio.Event
    failure: HandshakeError | None = None


async def _read_all(stream: INetStream) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        try:
            part = await stream.read(MOST_BYTES)
        except StreamEOF:
            break
        if not part:
            break
        size += len(part)
        if size > MOST_BYTES:
            raise HandshakeError(HandshakeReason.TOO_LARGE)
        parts.append(part)
    return b"".join(parts)


async def _let_go(stream: INetStream) -> None:
    with suppress(Exception), trio.CancelScope(deadline=trio.current_time() + CLOSE_S, shield=True):
        await stream.close()
