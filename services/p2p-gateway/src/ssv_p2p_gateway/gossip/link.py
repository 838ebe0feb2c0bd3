"""What is between us and one connected peer: our stream to it, its stream to us, and what it said on that.

A peer says what it subscribes once, when it opens its stream. Our stream may be opened anew meanwhile, and the router
then knows nothing of the peer, so what it said is kept here for as long as its stream lives.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import trio
from libp2p.abc import INetStream
from libp2p.peer.id import ID

from ssv_gossipsub import PeerId
from ssv_gossipsub.wire.rpc import Subscription
from ssv_p2p_gateway.transport.stream import MuxedStream


class Link:
    """One peer. To be made in trio."""

    def __init__(self, peer_id: ID, max_topics: int) -> None:
        self.peer_id = peer_id
        self.peer = PeerId(peer_id.to_bytes())
        self.known = trio.Event()
        """Set while our stream is open, which is when the router takes RPCs of the peer."""
        self.heard_on: INetStream | None = None
        self.pipe: MuxedStream | None = None
        """Our stream, where it needs no task to write to."""
        self._ear: MuxedStream | None = None
        self._sink: Callable[[bytes], None] | None = None
        self.ended = False
        """Whether there is no connection any more."""
        self._token = trio.lowlevel.current_trio_token()
        self._woken = trio.Event()
        self._max_topics = max_topics
        self._said: dict[str, None] = {}

    def is_known(self) -> None:
        """The router takes the peer's RPCs from now on."""
        self.known.set()
        if self._ear is not None:
            self._ear.pipe_to(self._sink)

    def is_not_known(self) -> None:
        """The router takes none: what comes waits, up to the stream's window."""
        self.known = trio.Event()
        self.pipe = None
        if self._ear is not None:
            self._ear.pipe_to(None)

    async def hear(self, stream: MuxedStream, sink: Callable[[bytes], None]) -> None:
        """Pipe a stream while the peer is known, until it ends."""
        self._ear, self._sink = stream, sink
        if self.known.is_set():
            stream.pipe_to(sink)
        await stream.ended.wait()
        if self._ear is stream:
            self._ear = self._sink = None

    def end(self) -> None:
        """The last connection is gone: nobody need wait for our stream."""
        self.ended = True
        self.known.set()

    def wake(self) -> None:
        """There is something to send. May be called from asyncio."""
        self._token.run_sync_soon(self._woken.set)

    async def something_to_send(self) -> None:
        """Wait until woken, since the last time."""
        await self._woken.wait()
        self._woken = trio.Event()

    def said(self, subscriptions: Sequence[Subscription]) -> None:
        """Remember what the peer joins and leaves."""
        for topic, subscribe in subscriptions:
            if not subscribe:
                self._said.pop(topic, None)
            elif len(self._said) < self._max_topics:
                self._said[topic] = None

    def subscriptions(self) -> list[Subscription]:
        """Return what the peer subscribes."""
        return [Subscription(topic, True) for topic in self._said]

    def forget(self) -> list[Subscription]:
        """Forget it; return what takes it back."""
        gone = [Subscription(topic, False) for topic in self._said]
        self._said.clear()
        return gone
