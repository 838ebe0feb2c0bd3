"""Bytes of a peer to an RPC.

Invariants: either an `Rpc` or `DecodeError`, for any bytes; time and memory grow with the bytes and stop at the limits,
because every field counts against one budget (a general parser makes millions of objects out of an RPC of empty
fields). Unknown fields are skipped, as protobuf wants it; groups are refused.

A message whose fields do not come in ascending order, each once and in the shortest encoding, is encoded anew, so that
we never forward what another parser may read differently.
Source: GossipSub v1.0, v1.1 and v1.2, "Protobuf"; protobuf encoding guide.
"""

from __future__ import annotations

from dataclasses import dataclass

from ssv_gossipsub.errors import DecodeError
from ssv_gossipsub.wire import encode, varint
from ssv_gossipsub.wire.message import Message
from ssv_gossipsub.wire.rpc import Control, IHave, Prune, Rpc, Subscription

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MESSAGE_TAGS = frozenset((0x0A, 0x12, 0x1A, 0x22, 0x2A, 0x32))  # fields 1 to 6, all of them bytes
_TOO_MANY = "more fields than an RPC may have"
_TOO_LONG = "a field ends beyond what holds it"


@dataclass(frozen=True, slots=True)
class WireLimits:
    """What one RPC may hold. The length of the whole is the framer's limit."""

    fields: int = 16_384
    """Fields of all kinds: each message id, each message and each of its parts is one. A full answer to IWANT has some
    9,000; decoding as many as are allowed takes about 10 ms."""
    id_bytes: int = 128
    topic_bytes: int = 256


class RpcDecoder:
    """Decodes one RPC after another under the same limits; keeps nothing of them."""

    def __init__(self, limits: WireLimits | None = None) -> None:
        self._limits = limits or WireLimits()
        self._budget = 0

    def decode(self, body: bytes) -> Rpc:
        """Return the RPC in these bytes. Raises DecodeError, and nothing else."""
        self._budget = self._limits.fields
        try:
            return self._rpc(body)
        except IndexError:
            raise DecodeError("the RPC ends within a field") from None
        except UnicodeDecodeError:
            raise DecodeError("a topic is not UTF-8") from None

    def _rpc(self, body: bytes) -> Rpc:
        subscriptions: list[Subscription] = []
        messages: list[Message] = []
        control: _Control | None = None
        position, end = 0, len(body)
        while position < end:
            number, wire, _, start, position = self._field(body, position, end)
            if wire != _BYTES:
                continue
            if number == 2:
                messages.append(self._message(body, start, position))
            elif number == 1:
                subscriptions.append(self._subscription(body, start, position))
            elif number == 3:
                control = control or _Control()
                self._control(body, start, position, control)
        return Rpc(subscriptions, messages, control.value() if control else None)

    def _message(self, body: bytes, start: int, stop: int) -> Message:
        values: list[bytes | None] = [None] * 6
        last, plain, budget = 0, True, self._budget
        position = start
        while position < stop:  # spelled out, not by `_field`: this loop is most of what decoding costs
            tag = body[position]
            if tag not in _MESSAGE_TAGS:
                self._budget = budget
                *_, position = self._field(body, position, stop)
                budget, plain = self._budget, False
                continue
            budget -= 1
            if budget < 0:
                raise DecodeError(_TOO_MANY)
            length, begin = body[position + 1], position + 2
            if length >= 0x80:
                second = body[begin]
                if 0 < second < 0x80:  # of two bytes, nearly always
                    length, begin = length & 0x7F | second << 7, begin + 1
                else:
                    length, begin = varint.read(body, position + 1)
                    plain = plain and body[begin - 1] != 0
            position = begin + length
            if position > stop:
                raise DecodeError(_TOO_LONG)
            if tag <= last:
                plain = False
            last = tag
            values[(tag >> 3) - 1] = body[begin:position]
        self._budget = budget
        author, data, seqno, topic, signature, key = values
        text = self._text(topic or b"")
        if not plain:
            return encode.message(author or b"", data or b"", seqno or b"", text, signature, key)
        return Message(author or b"", data or b"", seqno or b"", text, signature, key, body[start:stop])

    def _subscription(self, body: bytes, position: int, stop: int) -> Subscription:
        subscribe, topic = False, ""
        while position < stop:
            number, wire, value, start, position = self._field(body, position, stop)
            if number == 1 and wire == _VARINT:
                subscribe = value != 0
            elif number == 2 and wire == _BYTES:
                topic = self._text(body[start:position])
        return Subscription(topic, subscribe)

    def _control(self, body: bytes, position: int, stop: int, out: _Control) -> None:
        while position < stop:
            number, wire, _, start, position = self._field(body, position, stop)
            if wire != _BYTES:
                continue
            if number == 1:
                out.ihave.append(self._ihave(body, start, position))
            elif number == 2:
                self._ids(body, start, position, out.iwant)
            elif number == 3:
                out.graft.append(self._prune(body, start, position).topic)
            elif number == 4:
                out.prune.append(self._prune(body, start, position))
            elif number == 5:
                self._ids(body, start, position, out.idontwant)

    def _ihave(self, body: bytes, position: int, stop: int) -> IHave:
        topic = ""
        ids: list[bytes] = []
        while position < stop:
            number, wire, _, start, position = self._field(body, position, stop)
            if number == 2 and wire == _BYTES:
                ids.append(self._id(body[start:position]))
            elif number == 1 and wire == _BYTES:
                topic = self._text(body[start:position])
        return IHave(topic, ids)

    def _ids(self, body: bytes, position: int, stop: int, out: list[bytes]) -> None:
        while position < stop:
            number, wire, _, start, position = self._field(body, position, stop)
            if number == 1 and wire == _BYTES:
                out.append(self._id(body[start:position]))

    def _prune(self, body: bytes, position: int, stop: int) -> Prune:
        """Read a PRUNE, or a GRAFT, which is the same without a time."""
        topic, backoff_s = "", 0
        while position < stop:
            number, wire, value, start, position = self._field(body, position, stop)
            if number == 1 and wire == _BYTES:
                topic = self._text(body[start:position])
            elif number == 3 and wire == _VARINT:
                backoff_s = value
        return Prune(topic, backoff_s)

    def _field(self, body: bytes, position: int, stop: int) -> tuple[int, int, int, int, int]:
        """Return number, wire type, value (or length), and where the content begins and ends."""
        self._budget -= 1
        if self._budget < 0:
            raise DecodeError(_TOO_MANY)
        tag = body[position]
        position += 1
        if tag >= 0x80:
            tag, position = varint.read(body, position - 1)
        wire = tag & 7
        if tag < 8 or tag >= 1 << 32:
            raise DecodeError(f"no field has the number {tag >> 3}")
        value = 0
        if wire == _BYTES:
            value = body[position]
            position += 1
            if value >= 0x80:
                second = body[position]
                if second < 0x80:
                    value, position = value & 0x7F | second << 7, position + 1
                else:
                    value, position = varint.read(body, position - 1)
            after = position + value
        elif wire == _VARINT:
            value, after = varint.read(body, position)
        elif wire == _FIXED64:
            after = position + 8
        elif wire == _FIXED32:
            after = position + 4
        else:
            raise DecodeError(f"wire type {wire}")
        if after > stop:
            raise DecodeError(_TOO_LONG)
        return tag >> 3, wire, value, position, after

    def _text(self, topic: bytes) -> str:
        if len(topic) > self._limits.topic_bytes:
            raise DecodeError(f"a topic of {len(topic)} bytes, {self._limits.topic_bytes} are allowed")
        return str(topic, "utf-8")

    def _id(self, value: bytes) -> bytes:
        if len(value) > self._limits.id_bytes:
            raise DecodeError(f"a message id of {len(value)} bytes, {self._limits.id_bytes} are allowed")
        return value


class _Control:
    """What the ControlMessages of one RPC say, joined: protobuf merges a field that comes twice."""

    __slots__ = ("graft", "idontwant", "ihave", "iwant", "prune")

    def __init__(self) -> None:
        self.ihave: list[IHave] = []
        self.iwant: list[bytes] = []
        self.graft: list[str] = []
        self.prune: list[Prune] = []
        self.idontwant: list[bytes] = []

    def value(self) -> Control | None:
        lists = (self.ihave, self.iwant, self.graft, self.prune, self.idontwant)
        return Control(*lists) if any(lists) else None
