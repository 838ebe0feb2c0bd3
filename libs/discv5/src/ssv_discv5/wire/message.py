"""Messages: a type byte and an RLP list that begins with the request id.

Source: discv5-wire.md, *Protocol Messages*. The topic messages (0x07 to 0x0a) are not part of what SSV nodes speak
and read as malformed.
"""

from dataclasses import dataclass
from ipaddress import ip_address

from ssv_discv5 import rlp
from ssv_discv5.endpoint import Endpoint, plain
from ssv_discv5.errors import MalformedError
from ssv_discv5.ids import MAX_DISTANCE, RequestId
from ssv_discv5.rlp import Item, as_bytes, as_list, decode_uint, encode_uint

MAX_REQUEST_ID_SIZE = 8
_SEQ_SIZE = 8
_PORT_SIZE = 2
_DISTANCE_SIZE = 2
_TOTAL_SIZE = 8


@dataclass(frozen=True, slots=True)
class Ping:
    """Are you there? And `enr_seq` is my record's sequence number."""

    request_id: RequestId
    enr_seq: int


@dataclass(frozen=True, slots=True)
class Pong:
    """The answer to Ping; `recipient` is where the ping came from, as its receiver sees it."""

    request_id: RequestId
    enr_seq: int
    recipient: Endpoint


@dataclass(frozen=True, slots=True)
class FindNode:
    """Tell me nodes at these log distances from you (0: your own record)."""

    request_id: RequestId
    distances: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Nodes:
    """One of `total` answers to FindNode; `records` are raw and unverified."""

    request_id: RequestId
    total: int
    records: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class TalkReq:
    """A request of the application protocol `protocol`."""

    request_id: RequestId
    protocol: bytes
    request: bytes


@dataclass(frozen=True, slots=True)
class TalkResp:
    """The answer to TalkReq: empty when the protocol is unknown."""

    request_id: RequestId
    response: bytes


Request = Ping | FindNode | TalkReq
Response = Pong | Nodes | TalkResp
Message = Request | Response

_TYPES: dict[type, int] = {Ping: 1, Pong: 2, FindNode: 3, Nodes: 4, TalkReq: 5, TalkResp: 6}
_FIELDS = {1: 1, 2: 3, 3: 1, 4: 2, 5: 2, 6: 1}


def encode(message: Message) -> bytes:
    """Return the plain bytes of a message."""
    fields = map(rlp.encode, _fields(message)) if not isinstance(message, Nodes) else _nodes_fields(message)
    return bytes([_TYPES[type(message)]]) + rlp.join([rlp.encode(message.request_id), *fields])


def decode(data: bytes) -> Message:
    """Return the message that `data` is; raises MalformedError."""
    kind = data[0] if data else 0
    items = rlp.split(data[1:])
    if kind not in _FIELDS or len(items) != _FIELDS[kind] + 1:
        raise MalformedError("an unknown message or one with too few or many fields")
    request_id = RequestId(as_bytes(rlp.decode(items[0])))
    if len(request_id) > MAX_REQUEST_ID_SIZE:
        raise MalformedError("a request id above 8 bytes")
    if kind == _TYPES[Nodes]:
        # records stay as they came: each is decoded, and remembered, by itself
        return Nodes(request_id, decode_uint(rlp.decode(items[1]), _TOTAL_SIZE), tuple(rlp.split(items[2])))
    return _decode(kind, request_id, [rlp.decode(item) for item in items[1:]])


def _nodes_fields(message: Nodes) -> tuple[bytes, bytes]:
    return rlp.encode(encode_uint(message.total)), rlp.join(message.records)


def _fields(message: Request | Pong | TalkResp) -> tuple[Item, ...]:
    match message:
        case Ping():
            return (encode_uint(message.enr_seq),)
        case Pong(_, enr_seq, recipient):
            return (encode_uint(enr_seq), recipient.ip.packed, encode_uint(recipient.port))
        case FindNode():
            return (tuple(encode_uint(distance) for distance in message.distances),)
        case TalkReq():
            return (message.protocol, message.request)
        case TalkResp():
            return (message.response,)


def _decode(kind: int, request_id: RequestId, items: list[Item]) -> Message:
    match kind:
        case 1:
            return Ping(request_id, decode_uint(items[0], _SEQ_SIZE))
        case 2:
            ip = as_bytes(items[1])
            if len(ip) not in (4, 16):
                raise MalformedError("an IP address of neither 4 nor 16 bytes")
            recipient = Endpoint(plain(ip_address(ip)), decode_uint(items[2], _PORT_SIZE))
            return Pong(request_id, decode_uint(items[0], _SEQ_SIZE), recipient)
        case 3:
            distances = tuple(decode_uint(item, _DISTANCE_SIZE) for item in as_list(items[0]))
            if any(distance > MAX_DISTANCE for distance in distances):
                raise MalformedError("a distance above 256")
            return FindNode(request_id, distances)
        case 5:
            return TalkReq(request_id, as_bytes(items[0]), as_bytes(items[1]))
        case _:
            return TalkResp(request_id, as_bytes(items[0]))
