"""What the router knows of a connected peer."""

from __future__ import annotations

from enum import Enum

from ssv_gossipsub.ids import MessageId, PeerId
from ssv_gossipsub.outbox import Outbox
from ssv_gossipsub.score.record import PeerRecord


class Protocol(Enum):
    """Which version the peer's stream speaks, by protocol id; later ones are spoken as 1.2."""

    V1_0 = "/meshsub/1.0.0"
    V1_1 = "/meshsub/1.1.0"
    V1_2 = "/meshsub/1.2.0"

    @property
    def has_idontwant(self) -> bool:
        """Whether the peer understands IDONTWANT."""
        return self is Protocol.V1_2


class Peer:
    """State of one connected peer; bounded, see each field."""

    __slots__ = ("asked", "direct", "id", "ihaves", "outbound", "outbox", "protocol", "record", "served", "topics",
                 "unwanted", "unwanted_rpcs")  # fmt: skip

    def __init__(self, peer: PeerId, protocol: Protocol, *, outbound: bool, direct: bool, record: PeerRecord,
                 outbox: Outbox) -> None:  # fmt: skip
        self.id = peer
        self.protocol = protocol
        self.outbound = outbound
        """Whether we dialled it."""
        self.direct = direct
        """Whether there is a peering agreement with it."""
        self.record = record
        self.outbox = outbox
        self.topics: dict[str, None] = {}
        """What it subscribed; at most `max_subscriptions`."""
        self.unwanted: dict[MessageId, int] = {}
        """What it said not to want, until which heartbeat; at most `max_unwanted`."""
        # since the last heartbeat
        self.ihaves = 0
        self.asked = 0
        self.served = 0
        self.unwanted_rpcs = 0

    def does_not_want(self, message_id: MessageId, until_heartbeat: int, most: int) -> None:
        """Remember an IDONTWANT; the oldest is forgotten when there are too many."""
        self.unwanted[message_id] = until_heartbeat
        if len(self.unwanted) > most:
            del self.unwanted[next(iter(self.unwanted))]

    def heartbeat(self, heartbeat: int) -> None:
        """Begin to count anew, and forget old IDONTWANTs."""
        self.ihaves = self.asked = self.served = self.unwanted_rpcs = 0
        if self.unwanted:
            self.unwanted = {known: until for known, until in self.unwanted.items() if until > heartbeat}
