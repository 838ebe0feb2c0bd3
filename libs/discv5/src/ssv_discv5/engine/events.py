"""What the engine wants done or has to tell."""

from dataclasses import dataclass

from ssv_discv5.endpoint import Endpoint
from ssv_discv5.enr.record import Record
from ssv_discv5.ids import RequestId
from ssv_discv5.session.session import Peer
from ssv_discv5.wire.message import Pong, Request, TalkResp


@dataclass(frozen=True, slots=True)
class Send:
    """Send this datagram there."""

    endpoint: Endpoint
    datagram: bytes


@dataclass(frozen=True, slots=True)
class Found:
    """All answers to a FINDNODE: verified records at the distances asked for."""

    request_id: RequestId
    records: tuple[Record, ...]


@dataclass(frozen=True, slots=True)
class Answered:
    """A request of ours has its answer."""

    request_id: RequestId
    answer: Pong | TalkResp | Found


@dataclass(frozen=True, slots=True)
class Failed:
    """A request of ours has no answer and is forgotten."""

    request_id: RequestId


@dataclass(frozen=True, slots=True)
class Requested:
    """A peer asks; answer with `Engine.respond`."""

    peer: Peer
    request: Request


@dataclass(frozen=True, slots=True)
class Met:
    """A peer that began a handshake has proved its identity and that it receives at this endpoint."""

    record: Record
    endpoint: Endpoint


@dataclass(frozen=True, slots=True)
class Dropped:
    """A packet came to nothing, and why (for counting)."""

    reason: str


Event = Send | Answered | Failed | Requested | Met | Dropped
