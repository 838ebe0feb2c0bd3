"""Recursive length prefix, strict: one encoding for each value, a bounded depth, no work beyond the input's length.

An item is bytes or a tuple of items. Unlike general libraries this one bounds nesting, so a datagram of opening
brackets costs nothing, and raises one error type.

Source: Ethereum Yellow Paper, appendix B.
"""

from collections.abc import Iterable

from ssv_discv5.errors import MalformedError

Item = bytes | tuple["Item", ...]

MAX_DEPTH = 8
_SHORT = 55


def encode(item: Item) -> bytes:
    """Return the canonical encoding of an item."""
    if isinstance(item, bytes):
        return item if len(item) == 1 and item[0] < 0x80 else _header(0x80, len(item)) + item
    return join([encode(part) for part in item])


def join(encoded: Iterable[bytes]) -> bytes:
    """Return the list of items that are encoded already."""
    body = b"".join(encoded)
    return _header(0xC0, len(body)) + body


def decode(data: bytes) -> Item:
    """Return the one item that `data` is; raises MalformedError for anything else."""
    item, end = _item(data, 0, len(data), 0)
    if end != len(data):
        raise MalformedError("bytes after the RLP item")
    return item


def split(data: bytes) -> list[bytes]:
    """Return the items of a list, each still encoded and unchecked inside; raises MalformedError."""
    if not data or data[0] < 0xC0:
        raise MalformedError("RLP bytes where a list is due")
    at, end = _span(data, 1, len(data), data[0] - 0xC0)
    if end != len(data):
        raise MalformedError("bytes after the RLP item")
    items: list[bytes] = []
    while at < end:
        lead = data[at]
        after = at + 1 if lead < 0x80 else _span(data, at + 1, end, lead - (0x80 if lead < 0xC0 else 0xC0))[1]
        items.append(data[at:after])
        at = after
    return items


def encode_uint(value: int) -> bytes:
    """Return a non-negative integer as big-endian bytes without leading zeros: the payload, not the RLP item."""
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def decode_uint(item: Item, size: int) -> int:
    """Return the integer of at most `size` bytes that an item holds; raises MalformedError."""
    if not isinstance(item, bytes) or len(item) > size or item[:1] == b"\0":
        raise MalformedError("not a canonical RLP integer")
    return int.from_bytes(item, "big")


def as_bytes(item: Item) -> bytes:
    """Return an item that must be a byte string; raises MalformedError."""
    if not isinstance(item, bytes):
        raise MalformedError("an RLP list where bytes are due")
    return item


def as_list(item: Item) -> tuple[Item, ...]:
    """Return an item that must be a list; raises MalformedError."""
    if isinstance(item, bytes):
        raise MalformedError("RLP bytes where a list is due")
    return item


def _header(base: int, length: int) -> bytes:
    if length <= _SHORT:
        return bytes([base + length])
    size = encode_uint(length)
    return bytes([base + _SHORT + len(size)]) + size


def _item(data: bytes, at: int, limit: int, depth: int) -> tuple[Item, int]:
    if at >= limit:
        raise MalformedError("an RLP item is missing")
    lead = data[at]
    if lead < 0x80:
        return data[at : at + 1], at + 1
    base = 0x80 if lead < 0xC0 else 0xC0
    start, end = _span(data, at + 1, limit, lead - base)
    if base == 0x80:
        payload = data[start:end]
        if lead == 0x81 and payload[0] < 0x80:
            raise MalformedError("a single byte with a needless RLP prefix")
        return payload, end
    if depth == MAX_DEPTH:
        raise MalformedError("RLP lists nested too deeply")
    items: list[Item] = []
    while start < end:
        item, start = _item(data, start, end, depth + 1)
        items.append(item)
    return tuple(items), end


def _span(data: bytes, start: int, limit: int, code: int) -> tuple[int, int]:
    """Return where a payload begins and ends, from the code in its first byte."""
    length = code
    if code > _SHORT:
        size = code - _SHORT
        prefix = data[start : start + size]
        start += size
        length = int.from_bytes(prefix, "big")
        if start > limit or prefix[:1] == b"\0" or length <= _SHORT:
            raise MalformedError("a needlessly long RLP length")
    if start + length > limit:
        raise MalformedError("an RLP payload beyond the end")
    return start, start + length
