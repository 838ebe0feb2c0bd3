"""Hypothesis strategies for SSZ containers, derived from their declarations."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Any, cast, get_args, get_origin, get_type_hints

from hypothesis import strategies as st
from ssz.sedes import Bitlist, Bitvector, ByteList, ByteVector, List, UInt, Vector

from ssv_protocol.types.ssz import SszContainer

MAX_BYTES = 40
MAX_ELEMENTS = 3


def values_of(container: type[SszContainer]) -> st.SearchStrategy[Any]:
    """Draw values of a container; lists are short, numbers and bytes are of their full range."""
    hints = get_type_hints(container, include_extras=True)
    return st.builds(container, *(_field_values(hints[field.name]) for field in fields(cast(Any, container))))


def _field_values(hint: Any) -> st.SearchStrategy[Any]:
    if get_origin(hint) is not Annotated:
        return values_of(hint)
    return _values(get_args(hint)[1])


def _values(sedes: Any) -> st.SearchStrategy[Any]:
    if isinstance(sedes, UInt):
        return st.integers(0, 2 ** (8 * sedes.size) - 1)
    if isinstance(sedes, ByteList):
        return st.binary(max_size=min(sedes.max_length, MAX_BYTES))
    if isinstance(sedes, ByteVector):
        return _bytes_of_length(sedes.length)
    if isinstance(sedes, Bitlist):
        return st.lists(st.booleans(), max_size=min(sedes.max_bit_count, MAX_BYTES)).map(tuple)
    if isinstance(sedes, Bitvector):
        bits = sedes.bit_count
        return st.integers(0, 2**bits - 1).map(lambda number: tuple(bool(number >> i & 1) for i in range(bits)))
    if isinstance(sedes, List):
        return st.lists(_element(sedes), max_size=min(sedes.max_length, MAX_ELEMENTS)).map(tuple)
    if isinstance(sedes, Vector):
        return _element(sedes).map(lambda element: (element,) * sedes.length)
    raise TypeError(f"no strategy for {sedes!r}")


def _element(sedes: Any) -> st.SearchStrategy[Any]:
    container = getattr(sedes, "container", None)
    return values_of(container) if container is not None else _values(sedes.element_sedes)


def _bytes_of_length(length: int) -> st.SearchStrategy[bytes]:
    if length <= 512:
        return st.binary(min_size=length, max_size=length)
    return st.binary(min_size=64, max_size=64).map(lambda part: (part * (length // 64 + 1))[:length])


@st.composite
def mutations(draw: st.DrawFn, encoded: bytes) -> bytes:
    """Draw bytes near a valid encoding: a changed, dropped, added or moved piece, or another offset."""
    kind = draw(st.sampled_from(["change", "cut", "append", "insert", "delete", "offset"]))
    place = draw(st.integers(0, max(len(encoded) - 1, 0)))
    piece = draw(st.binary(min_size=1, max_size=5))
    match kind:
        case "change":
            return encoded[:place] + piece + encoded[place + len(piece) :]
        case "cut":
            return encoded[:place]
        case "append":
            return encoded + piece
        case "insert":
            return encoded[:place] + piece + encoded[place:]
        case "delete":
            return encoded[:place] + encoded[place + len(piece) :]
        case _:  # small little-endian number, as offsets are
            number = draw(st.integers(0, len(encoded) + 8)).to_bytes(4, "little")
            start = place - place % 4
            return encoded[:start] + number + encoded[start + 4 :]
