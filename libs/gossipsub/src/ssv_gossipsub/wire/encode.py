"""RPCs to bytes. Source: GossipSub v1.0, v1.1 and v1.2, "Protobuf".

Written by hand for the one fixed schema: a forwarded message keeps the bytes it came in, and is framed once for all
peers.
"""

from __future__ import annotations

from collections.abc import Sequence

from ssv_gossipsub.wire import varint
from ssv_gossipsub.wire.message import Message
from ssv_gossipsub.wire.rpc import Control, Rpc

_SUBSCRIPTION, _PUBLISH, _CONTROL = 0x0A, 0x12, 0x1A  # fields 1, 2, 3 of RPC
_IHAVE, _IWANT, _GRAFT, _PRUNE, _IDONTWANT = 0x0A, 0x12, 0x1A, 0x22, 0x2A  # fields 1 to 5 of ControlMessage


def message(
    author: bytes, data: bytes, seqno: bytes, topic: str, signature: bytes | None = None, key: bytes | None = None
) -> Message:
    """Make a message with its encoding; empty author and seqno are left out."""
    fields = (author or None, data, seqno or None, topic.encode(), signature, key)
    encoded = b"".join(_field(number << 3 | 2, value) for number, value in enumerate(fields, 1) if value is not None)
    return Message(author, data, seqno, topic, signature, key, encoded)


def rpc(value: Rpc) -> bytes:
    """Return the protobuf of an RPC."""
    parts = [
        _field(_SUBSCRIPTION, bytes((0x08, subscribe)) + _field(0x12, topic.encode()))
        for topic, subscribe in value.subscriptions
    ]
    parts += [_field(_PUBLISH, one.encoded) for one in value.messages]
    if value.control is not None and (body := control(value.control)):
        parts.append(_field(_CONTROL, body))
    return b"".join(parts)


def control(value: Control) -> bytes:
    """Return the protobuf of a ControlMessage."""
    parts = [_field(_IHAVE, _field(0x0A, topic.encode()) + _ids(0x12, ids)) for topic, ids in value.ihave]
    if value.iwant:
        parts.append(_field(_IWANT, _ids(0x0A, value.iwant)))
    parts += [_field(_GRAFT, _field(0x0A, topic.encode())) for topic in value.graft]
    for topic, backoff_s in value.prune:
        backoff = b"\x18" + varint.write(backoff_s) if backoff_s else b""
        parts.append(_field(_PRUNE, _field(0x0A, topic.encode()) + backoff))
    if value.idontwant:
        parts.append(_field(_IDONTWANT, _ids(0x0A, value.idontwant)))
    return b"".join(parts)


def frame(body: bytes) -> bytes:
    """Return an RPC with its length in front, as the stream carries it."""
    return varint.write(len(body)) + body


def message_frame(encoded: bytes) -> bytes:
    """Return the frame of an RPC with one message and nothing else."""
    head = b"\x12" + varint.write(len(encoded))
    return varint.write(len(head) + len(encoded)) + head + encoded


def _field(tag: int, value: bytes) -> bytes:
    return bytes((tag,)) + varint.write(len(value)) + value


def _ids(tag: int, ids: Sequence[bytes]) -> bytes:
    lengths = set(map(len, ids))
    if len(lengths) == 1:  # nearly always; a heartbeat tells thousands of ids
        head = bytes((tag,)) + varint.write(lengths.pop())
        return head + head.join(ids)
    return b"".join([_field(tag, one) for one in ids])
