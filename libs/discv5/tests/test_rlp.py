"""RLP against the general library, and its bounds."""

import pytest
import rlp as oracle  # type: ignore[import-untyped]
from hypothesis import example, given
from hypothesis import strategies as st

from ssv_discv5 import rlp
from ssv_discv5.errors import MalformedError
from ssv_discv5.rlp import Item

ITEMS: st.SearchStrategy[Item] = st.recursive(
    st.binary(max_size=80), lambda parts: st.lists(parts, max_size=5).map(tuple), max_leaves=12
)


def depth(item: Item) -> int:
    return 0 if isinstance(item, bytes) else 1 + max(map(depth, item), default=0)


def as_tuples(item: object) -> object:
    return tuple(as_tuples(part) for part in item) if isinstance(item, list) else item


@given(ITEMS.filter(lambda item: depth(item) <= rlp.MAX_DEPTH))
@example(b"\0" * 70_000)
def test_round_trip_and_same_as_the_library(item: Item) -> None:
    encoded = rlp.encode(item)
    assert encoded == oracle.encode(item)
    assert rlp.decode(encoded) == item


@given(st.binary(max_size=60))
@example(b"\x81\x05")
@example(b"\xb8\x37" + bytes(55))
@example(b"\xb9\x00\x40" + bytes(64))
@example(b"\xc2\x81")
@example(b"\xf8")
@example(b"\xff" * 9)
def test_any_bytes_are_judged_as_the_library_does(data: bytes) -> None:
    try:
        expected = as_tuples(oracle.decode(data))
    except oracle.DecodingError:
        with pytest.raises(MalformedError):
            rlp.decode(data)
        return
    if depth(expected) <= rlp.MAX_DEPTH:  # type: ignore[arg-type]
        assert rlp.decode(data) == expected


@given(ITEMS.filter(lambda item: not isinstance(item, bytes) and depth(item) <= rlp.MAX_DEPTH))
def test_splitting_and_joining(item: Item) -> None:
    encoded = rlp.encode(item)
    assert rlp.join(rlp.split(encoded)) == encoded
    assert tuple(rlp.decode(part) for part in rlp.split(encoded)) == item


@given(st.binary(max_size=60))
def test_what_splits_joins_to_the_same(data: bytes) -> None:
    try:
        parts = rlp.split(data)
    except MalformedError:
        return
    assert rlp.join(parts) == data


def test_depth_is_bounded() -> None:
    nested = b"\xc0"
    for _ in range(400):
        size = len(nested)
        nested = (bytes([0xC0 + size]) if size < 56 else b"\xf9" + size.to_bytes(2, "big")) + nested
    with pytest.raises(MalformedError):
        rlp.decode(nested)


@given(st.integers(0, 2**64 - 1))
def test_integers(value: int) -> None:
    assert rlp.decode_uint(rlp.encode_uint(value), 8) == value
