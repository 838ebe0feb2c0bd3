"""What is to be sent to one peer.

Messages wait as frames, shared among peers, in a queue bounded in number and bytes; what does not fit is dropped and
counted. Subscriptions and mesh changes are never dropped: of each topic only the last word waits. Ids of gossip wait in
bounded lists. Everything but messages leaves ahead of the messages, joined into one RPC (GossipSub v1.0, "Control
Message Piggybacking") and one more for IDONTWANT.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from functools import lru_cache

from ssv_gossipsub.ids import MessageId, PeerId
from ssv_gossipsub.parameters import RouterParameters
from ssv_gossipsub.wire import encode
from ssv_gossipsub.wire.rpc import Control, IHave, Prune, Rpc, Subscription


class Outbox:
    """A queue of frames, and the words about topics and ids that go before it."""

    __slots__ = (
        "_bytes",
        "_frames",
        "_idontwant",
        "_ihave",
        "_iwant",
        "_max_bytes",
        "_max_control_ids",
        "_max_idontwant",
        "_max_messages",
        "_mesh",
        "_peer",
        "_ready",
        "_subscriptions",
        "dropped_gossip",
        "dropped_messages",
    )

    def __init__(self, peer: PeerId, p: RouterParameters, ready: dict[PeerId, None]) -> None:
        """`ready` is told of the peer whenever there is something to send to it."""
        self._peer = peer
        self._ready = ready
        self._max_messages = p.max_outbox_messages
        self._max_bytes = p.max_outbox_bytes
        self._max_control_ids = p.max_ihave_length
        self._max_idontwant = p.max_idontwant_length
        self._frames: deque[bytes] = deque()
        self._bytes = 0
        self._subscriptions: dict[str, bool] = {}
        self._mesh: dict[str, int | None] = {}  # by topic: the seconds of a PRUNE, None for a GRAFT
        self._ihave: dict[str, Sequence[MessageId]] = {}
        self._iwant: dict[MessageId, None] = {}
        self._idontwant: dict[MessageId, None] = {}
        self.dropped_messages = 0
        self.dropped_gossip = 0

    def message(self, frame: bytes) -> bool:
        """Add a message; tell whether there was room."""
        frames = self._frames
        if frames and (len(frames) >= self._max_messages or self._bytes + len(frame) > self._max_bytes):
            self.dropped_messages += 1
            return False
        frames.append(frame)
        self._bytes += len(frame)
        self._ready[self._peer] = None
        return True

    def subscription(self, topic: str, subscribe: bool) -> None:
        """Say that we joined or left a topic."""
        self._subscriptions[topic] = subscribe
        self._ready[self._peer] = None

    def graft(self, topic: str) -> None:
        """Take the peer into our mesh."""
        self._mesh[topic] = None
        self._ready[self._peer] = None

    def prune(self, topic: str, backoff_s: float) -> None:
        """Drop the peer from our mesh, or refuse its GRAFT."""
        self._mesh[topic] = round(backoff_s)
        self._ready[self._peer] = None

    def ihave(self, topic: str, ids: Sequence[MessageId]) -> None:
        """Tell of messages; what was told of the topic and not yet sent is outdated."""
        if topic in self._ihave:
            self.dropped_gossip += len(self._ihave[topic])
        self._ihave[topic] = ids
        self._ready[self._peer] = None

    def iwant(self, ids: Sequence[MessageId]) -> None:
        """Ask for messages."""
        self._iwant.update(dict.fromkeys(ids))
        self._bound(self._iwant)
        self._ready[self._peer] = None

    def idontwant(self, message_id: MessageId) -> None:
        """Tell that a message need not be sent any more, and do not ask for it where that still waits."""
        self._iwant.pop(message_id, None)
        self._idontwant[message_id] = None
        self._bound(self._idontwant)
        self._ready[self._peer] = None

    def take(self, most_bytes: int | None = None) -> list[bytes]:
        """Return frames in the order in which to send them; they are no longer here.

        With `most_bytes`, messages beyond that stay, and with them the peer's readiness; one always goes.
        """
        frames: list[bytes] = []
        if self._subscriptions or self._mesh or self._ihave or self._iwant:
            frames.append(self._control_frame())
        if self._idontwant:
            ids = tuple(self._idontwant)
            self._idontwant.clear()
            step = self._max_idontwant
            frames += [_idontwant_frame(ids[start : start + step]) for start in range(0, len(ids), step)]
        if most_bytes is None or self._bytes <= most_bytes:
            frames += self._frames
            self._frames.clear()
            self._bytes = 0
        else:
            left = max(most_bytes, len(self._frames[0]))
            while self._frames and len(self._frames[0]) <= left:
                frame = self._frames.popleft()
                frames.append(frame)
                left -= len(frame)
                self._bytes -= len(frame)
        if not self._frames:
            self._ready.pop(self._peer, None)
        return frames

    @property
    def waiting_bytes(self) -> int:
        """How much the waiting messages take."""
        return self._bytes

    def __len__(self) -> int:
        """Return how many messages wait."""
        return len(self._frames)

    def _control_frame(self) -> bytes:
        frame = Rpc(
            subscriptions=[Subscription(topic, subscribe) for topic, subscribe in self._subscriptions.items()],
            control=Control(
                ihave=[IHave(topic, ids) for topic, ids in self._ihave.items()],
                iwant=list(self._iwant),
                graft=[topic for topic, backoff_s in self._mesh.items() if backoff_s is None],
                prune=[Prune(topic, backoff_s) for topic, backoff_s in self._mesh.items() if backoff_s is not None],
            ),
        )
        for sent in (self._subscriptions, self._mesh, self._ihave, self._iwant):
            sent.clear()
        return encode.frame(encode.rpc(frame))

    def _bound(self, ids: dict[MessageId, None]) -> None:
        while len(ids) > self._max_control_ids:
            del ids[next(iter(ids))]
            self.dropped_gossip += 1


@lru_cache(maxsize=64)
def _idontwant_frame(ids: tuple[MessageId, ...]) -> bytes:
    """Encode once what the whole mesh is told at the same moment."""
    return encode.frame(encode.rpc(Rpc(control=Control(idontwant=ids))))
