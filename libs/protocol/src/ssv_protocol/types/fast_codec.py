"""A faster SSZ codec, for what every message on the wire is made of and for what is large.

A container opts in by deriving from `FastSszContainer` instead of `SszContainer`; its declaration stays
the same. The codec is compiled from the declaration on first use: the fixed part of a container is one
`struct`, a list of flat containers is one `iter_unpack`.

Invariant: it accepts and makes exactly the bytes that the py-ssz path of `SszContainer` accepts and makes,
and refuses with the same reasons; a differential test holds the two together. Hash tree roots still come
from py-ssz. It knows integers, bytes, bits, lists, containers, and vectors of what has a fixed size;
anything else is refused on first use.

Source: consensus-specs, ssz/simple-serialize.md.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import chain, pairwise, starmap
from operator import attrgetter
from struct import Struct, pack, unpack, unpack_from
from typing import Annotated, Any, Self, get_args, get_origin, get_type_hints

from ssz.constants import OFFSET_SIZE
from ssz.sedes import Bitlist, Bitvector, ByteList, ByteVector, List, UInt, Vector

from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.types.ssz import ContainerList, SszContainer

_OFFSET_CODE = "I"
_INTEGER_CODES = {1: "B", 2: "H", 4: "I", 8: "Q"}
_BITS_OF_BYTE = [tuple(bool(byte >> i & 1) for i in range(8)) for byte in range(256)]
_BIT_DIGITS = b"01".ljust(256, b"?")


class FastSszContainer(SszContainer):
    """Base of the containers that use this codec."""

    __slots__ = ()

    def encode(self) -> bytes:
        """Return the SSZ encoding; raises ProtocolError SSZ_ENCODE as `SszContainer.encode` does."""
        try:
            return _container_codec(type(self)).encode(self)
        except Exception as error:
            raise ProtocolError(Reason.SSZ_ENCODE, f"{type(self).__name__}: {error}") from None

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Return what `data` encodes; raises ProtocolError SSZ_DECODE as `SszContainer.decode` does."""
        try:
            value: Self = _container_codec(cls).decode(bytes(data))
        except Exception as error:
            raise ProtocolError(Reason.SSZ_DECODE, f"{cls.__name__}: {error}") from None
        return value


@dataclasses.dataclass(frozen=True, slots=True)
class _Codec:
    """How one type is encoded; every refusal is some exception."""

    size: int | None
    """Bytes of an encoding, None when they vary."""
    encode: Callable[[Any], bytes]
    decode: Callable[[bytes], Any]
    code: str | None = None
    """The `struct` code when the value can stand in one."""
    decode_rows: Callable[[bytes], tuple[Any, ...]] | None = None
    """Decodes many encodings in a row, where that is faster than one by one."""

    @property
    def head_code(self) -> str:
        """The `struct` code of the type's place in a container's fixed part."""
        if self.code is not None:
            return self.code
        return _OFFSET_CODE if self.size is None else f"{self.size}s"


def _compile_container(cls: Any) -> _Codec:
    hints = get_type_hints(cls, include_extras=True)
    names = [field.name for field in dataclasses.fields(cls)]
    codecs = [_field_codec(hints[name]) for name in names]
    head = Struct("<" + "".join(codec.head_code for codec in codecs))
    fields_of = attrgetter(*names)
    # struct would cut or fill a byte string of another length
    vectors = [(i, codec.size) for i, codec in enumerate(codecs) if codec.code == f"{codec.size}s"]
    nested = [(i, codec) for i, codec in enumerate(codecs) if codec.code is None and codec.size is not None]
    variable = [(i, codec) for i, codec in enumerate(codecs) if codec.size is None]
    from_last = variable[::-1]

    def encode(value: Any) -> bytes:
        parts = list(fields_of(value)) if len(names) > 1 else [fields_of(value)]
        for i, size in vectors:
            if len(parts[i]) != size:
                raise ValueError(f"{names[i]} has {len(parts[i])} bytes instead of {size}")
        for i, codec in nested:
            parts[i] = codec.encode(parts[i])
        tail: list[bytes] = []
        offset = head.size
        for i, codec in variable:
            encoded = codec.encode(parts[i])
            parts[i] = offset
            tail.append(encoded)
            offset += len(encoded)
        return head.pack(*parts) + b"".join(tail)

    def decode_fixed(data: bytes) -> Any:
        return cls(*head.unpack(data))

    def decode(data: bytes) -> Any:
        parts = list(head.unpack_from(data) if variable else head.unpack(data))
        for i, codec in nested:
            parts[i] = codec.decode(parts[i])
        # from the last to the first, because each ends where the next one begins
        end = len(data)
        for i, codec in from_last:
            start = parts[i]
            if start > end:
                raise ValueError(f"offset {start} is behind {end}")
            parts[i] = codec.decode(data[start:end])
            end = start
        if variable and end != head.size:
            raise ValueError(f"the first offset is {end} instead of {head.size}")
        return cls(*parts)

    def decode_rows(data: bytes) -> tuple[Any, ...]:
        return tuple(starmap(cls, head.iter_unpack(data)))

    if variable:
        return _Codec(None, encode, decode)
    if nested:
        return _Codec(head.size, encode, decode)
    return _Codec(head.size, encode, decode_fixed, decode_rows=decode_rows)


_container_codec: Callable[[Any], _Codec] = cache(_compile_container)


def _field_codec(hint: Any) -> _Codec:
    if isinstance(hint, type) and issubclass(hint, SszContainer):
        return _container_codec(hint)
    if get_origin(hint) is not Annotated:
        raise TypeError(f"{hint} has no sedes")
    return _sedes_codec(get_args(hint)[1])


def _sedes_codec(sedes: Any) -> _Codec:
    if isinstance(sedes, UInt):
        return _integer_codec(sedes.size)
    if isinstance(sedes, Bitlist):
        return _bit_list_codec(sedes.max_bit_count)
    if isinstance(sedes, Bitvector):
        return _bit_vector_codec(sedes.bit_count)
    if isinstance(sedes, ByteVector):
        exact = _bytes_between(sedes.length, sedes.length)
        return _Codec(sedes.length, exact, exact, code=f"{sedes.length}s")
    if isinstance(sedes, ByteList):
        limited = _bytes_between(0, sedes.max_length)
        return _Codec(None, limited, limited)
    if isinstance(sedes, ContainerList):
        return _list_codec(_container_codec(sedes.container), sedes.max_length)
    if isinstance(sedes, List):
        return _list_codec(_sedes_codec(sedes.element_sedes), sedes.max_length)
    if isinstance(sedes, Vector) and sedes.element_sedes.is_fixed_sized:
        return _vector_codec(_sedes_codec(sedes.element_sedes), sedes.length)
    raise TypeError(f"no fast codec for {sedes!r}")


def _integer_codec(size: int) -> _Codec:
    if size not in _INTEGER_CODES:
        return _Codec(
            size,
            lambda value: value.to_bytes(size, "little"),
            lambda data: int.from_bytes(data, "little"),
        )
    code = _INTEGER_CODES[size]
    one = Struct("<" + code)
    return _Codec(
        size,
        one.pack,
        lambda data: one.unpack(data)[0],
        code=code,
        decode_rows=lambda data: unpack(f"<{len(data) // size}{code}", data),
    )


def _bytes_between(shortest: int, longest: int) -> Callable[[bytes], bytes]:
    def checked(value: bytes) -> bytes:
        if not shortest <= len(value) <= longest:
            raise ValueError(f"{len(value)} bytes instead of {shortest} to {longest}")
        return value

    return checked


def _bit_list_codec(limit: int) -> _Codec:
    def check(count: int) -> None:
        if count > limit:
            raise ValueError(f"{count} bits in a list of at most {limit}")

    def encode(bits: Sequence[bool]) -> bytes:
        check(len(bits))
        return _pack_bits((*bits, True))  # the last one marks the end

    def decode(data: bytes) -> tuple[bool, ...]:
        if not data or not data[-1]:
            raise ValueError("a bit list without end")
        count = 8 * len(data) - 9 + data[-1].bit_length()
        check(count)
        return _unpack_bits(data)[:count]

    return _Codec(None, encode, decode)


def _bit_vector_codec(count: int) -> _Codec:
    def encode(bits: Sequence[bool]) -> bytes:
        if len(bits) != count:
            raise ValueError(f"{len(bits)} bits instead of {count}")
        return _pack_bits(bits)

    def decode(data: bytes) -> tuple[bool, ...]:
        bits = _unpack_bits(data)
        if any(bits[count:]):
            raise ValueError(f"a bit behind the last of {count}")
        return bits[:count]

    return _Codec((count + 7) // 8, encode, decode)


def _pack_bits(bits: Sequence[bool]) -> bytes:
    digits = bytes(bits).translate(_BIT_DIGITS)
    return int(digits[::-1], 2).to_bytes((len(bits) + 7) // 8, "little")


def _unpack_bits(data: bytes) -> tuple[bool, ...]:
    return tuple(chain.from_iterable(map(_BITS_OF_BYTE.__getitem__, data)))


def _vector_codec(element: _Codec, length: int) -> _Codec:
    elements = _list_codec(element, length)

    def encode(values: Sequence[Any]) -> bytes:
        if len(values) != length:
            raise ValueError(f"{len(values)} elements instead of {length}")
        return elements.encode(values)

    assert element.size is not None
    return _Codec(length * element.size, encode, elements.decode)


def _list_codec(element: _Codec, limit: int) -> _Codec:
    def check(count: int) -> None:
        if count > limit:
            raise ValueError(f"{count} elements in a list of at most {limit}")

    def encode(values: Sequence[Any]) -> bytes:
        count = len(values)
        if not count:
            return b""
        check(count)
        parts = [element.encode(value) for value in values]
        offsets = b"" if element.size is not None else _offsets(parts)
        return offsets + b"".join(parts)

    def decode(data: bytes) -> tuple[Any, ...]:
        if not data:
            return ()
        check(_count(element, data))
        if element.decode_rows is not None:
            return element.decode_rows(data)
        return tuple(map(element.decode, _elements(element, data)))

    return _Codec(None, encode, decode)


def _count(element: _Codec, data: bytes) -> int:
    """Return how many elements a list's encoding claims to have."""
    if element.size is not None:
        count, rest = divmod(len(data), element.size)
    elif data:
        count, rest = divmod(unpack_from("<" + _OFFSET_CODE, data)[0], OFFSET_SIZE)
        rest = rest or count == 0
    else:
        count = rest = 0
    if rest:
        raise ValueError("not a whole number of elements")
    return count


def _elements(element: _Codec, data: bytes) -> Iterator[bytes]:
    """Yield the encoding of each element of a list."""
    if element.size is not None:
        return (data[start : start + element.size] for start in range(0, len(data), element.size))
    count = _count(element, data)
    return _pieces(data, OFFSET_SIZE * count, unpack_from(f"<{count}{_OFFSET_CODE}", data))


def _pieces(data: bytes, first: int, offsets: Sequence[int]) -> Iterator[bytes]:
    """Cut `data` at its offsets, which must begin at `first`, never fall and stay inside."""
    if offsets and offsets[0] != first:
        raise ValueError(f"the first offset is {offsets[0]} instead of {first}")
    for start, end in pairwise((*offsets, len(data))):
        if start > end:
            raise ValueError(f"offset {start} is behind {end}")
        yield data[start:end]


def _offsets(parts: list[bytes]) -> bytes:
    """Return the offset table of the elements of a list."""
    offsets: list[int] = []
    offset = OFFSET_SIZE * len(parts)
    for part in parts:
        offsets.append(offset)
        offset += len(part)
    return pack(f"<{len(parts)}{_OFFSET_CODE}", *offsets)
