"""What is between us and one connected peer: our stream to it, its stream to us, and what it said on that.

A peer says what it subscribes once, when it opens its stream. Our stream may be opened anew meanwhile, and the router
then knows nothing of the peer, so what it said is kept here for as long as its stream lives.
"""

from __future__ import annotations

from collections.abc import Sequence

import trio
from libp2p.abc import INetStream
from libp2p.peer.id import ID

from ssv_gossipsub import PeerId
from ssv_gossipsub.wire.rpc import Subscription


class Link:
    """One peer. Lives in trio, but for `wake`."""

    def __init__(self, peer_id: ID, max_topics: int) -> None:
        self.peer_id = peer_id
        self.peer = PeerId(peer_id.to_bytes())
        self.known = trio.Event()
        """Set while our stream is open, which is when the router takes RPCs of the peer."""
        self.heard_on: INetStream | None = None
        self.ended = False
        """Whether there is no connection any more."""
        self._woken = trio.Event()
        self._max_topics = max_topics
        self._said: dict[str, None] = {}

    def end(self) -> None:
        """The last connection is gone: nobody need wait for our stream."""
        self.ended = True
        self.known.set()

    def wake(self) -> None:
        """There is something to send."""
        self._woken.set()

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
