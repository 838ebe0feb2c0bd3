"""SSZ containers in the JSON form of the Ethereum APIs: read strictly, and described as JSON Schema.

Both come from the containers' own annotations, so what is documented is what is read. uint64 is a decimal string,
bytes are 0x hex, bit lists and bit vectors the hex of their SSZ encoding, lists are arrays. Unknown keys are ignored,
as the APIs ask: they are not signed.

Invariant: `read` accepts what `schema` admits, and nothing else. One exception: a bit list of more than 16,384 bytes,
which no chain can have, may be in the schema and be refused.

Source: consensus-specs, ssz/simple-serialize.md "JSON mapping".
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from ssz.sedes import Bitlist, Bitvector, ByteVector, List, UInt, Vector

from ssv_protocol.types.ssz import ContainerList, SszContainer
from ssv_signer.remote.errors import Malformed

C = TypeVar("C", bound=SszContainer)
Schema = dict[str, Any]
Components = dict[str, Schema]
Read = Callable[[object, str], Any]

_HEX = re.compile(r"0x((?:[0-9a-fA-F]{2})*)")
_DECIMAL = re.compile(r"0|[1-9][0-9]*")
_SHOWN_CHARACTERS = 40
_PATTERN_BITS = 2_048
"""Longest bit list whose limit is part of its pattern; that of longer ones is only a length."""


def _pattern_up_to(largest: str) -> str:
    """Return the pattern of the decimal numbers up to one whose first digit is 1."""
    rest = len(largest) - 1
    below = [
        f"{largest[:place]}[0-{int(digit) - 1}][0-9]{{{rest - place}}}"
        for place, digit in enumerate(largest)
        if place and digit != "0"
    ]
    return "^(" + "|".join(["0", f"[1-9][0-9]{{0,{rest - 1}}}", *below, largest]) + ")$"


UINT64: Schema = {
    "type": "string",
    "pattern": _pattern_up_to(str(2**64 - 1)),
    "description": "uint64, decimal",
    "examples": ["1"],
}


@dataclasses.dataclass(frozen=True, slots=True)
class _Form:
    """How values of one type are read and described."""

    read: Read
    schema: Callable[[Components], Schema]


def read(container: type[C], plain: object, place: str) -> C:
    """Return the container that a decoded JSON value describes; `place` is where it stands, for messages.

    Raises:
        Malformed: a field is missing or is not of its type.
    """
    known = mapping(plain, place)
    fields: dict[str, Any] = {}
    for name, (key, form) in _forms(container).items():
        fields[name] = form.read(required(known, key, place), f"{place}.{key}")
    return container(**fields)


def schema(container: type[SszContainer], components: Components) -> Schema:
    """Return a reference to the container's schema, which is put into `components` with all that it needs."""
    name = container.__name__
    if name not in components:
        components[name] = {}  # none refers to itself; this only keeps the order of first use
        forms = _forms(container)
        properties = {key: form.schema(components) for key, form in forms.values()}
        components[name] = {"type": "object", "required": list(properties), "properties": properties}
    return reference(name)


def reference(name: str) -> Schema:
    """Return a reference to a component."""
    return {"$ref": f"#/components/schemas/{name}"}


def hex_schema(length: int) -> Schema:
    """Return the schema of `length` bytes."""
    return {"type": "string", "pattern": f"^0x[0-9a-fA-F]{{{2 * length}}}$", "examples": ["0x" + "11" * length]}


def mapping(plain: object, place: str) -> Mapping[str, object]:
    """Return `plain` if it is an object; raises Malformed."""
    if not isinstance(plain, Mapping):
        raise Malformed(place, "an object expected")
    return plain


def required(known: Mapping[str, object], key: str, place: str) -> object:
    """Return the value of a key; raises Malformed."""
    if key not in known:
        raise Malformed(f"{place}.{key}", "is missing")
    return known[key]


def read_bytes(plain: object, place: str, length: int | None = None) -> bytes:
    """Return bytes from 0x hex; raises Malformed."""
    match = _HEX.fullmatch(plain) if isinstance(plain, str) else None
    if match is None:
        raise Malformed(place, f"0x and hexadecimal digits expected, not {_shown(plain)}")
    data = bytes.fromhex(match[1])
    if length is not None and len(data) != length:
        raise Malformed(place, f"{length} bytes expected, not {len(data)}")
    return data


def read_uint(plain: object, place: str, bits: int = 64) -> int:
    """Return an integer from a decimal string; raises Malformed."""
    if not isinstance(plain, str) or _DECIMAL.fullmatch(plain) is None:
        raise Malformed(place, f"a decimal number in quotes expected, not {_shown(plain)}")
    if len(plain) > bits or (value := int(plain)) >= 1 << bits:
        raise Malformed(place, f"a number below 2^{bits} expected")
    return value


def _shown(plain: object) -> str:
    text = repr(plain)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


def _build_forms(container: Any) -> dict[str, tuple[str, _Form]]:
    hints = get_type_hints(container, include_extras=True)
    # the project puts units into names, the APIs do not
    return {f.name: (f.name.removesuffix("_gwei"), _form(hints[f.name])) for f in dataclasses.fields(container)}


_forms: Callable[[Any], dict[str, tuple[str, _Form]]] = cache(_build_forms)


def _form(hint: Any) -> _Form:
    if get_origin(hint) is None and issubclass(hint, SszContainer):
        return _container(hint)
    return _of_sedes(get_args(hint)[1])


def _container(container: type[SszContainer]) -> _Form:
    return _Form(lambda plain, place: read(container, plain, place), lambda components: schema(container, components))


def _of_sedes(sedes: Any) -> _Form:
    if isinstance(sedes, UInt):
        return _Form(read_uint, _uint_schema)
    if isinstance(sedes, ByteVector):
        length = sedes.length
        return _Form(lambda plain, place: read_bytes(plain, place, length), lambda _: hex_schema(length))
    if isinstance(sedes, Bitvector):
        return _Form(lambda plain, place: _bits(sedes, plain, place), lambda _: hex_schema(sedes.bit_count // 8))
    if isinstance(sedes, Bitlist):
        return _Form(lambda plain, place: _bits(sedes, plain, place), lambda _: _bitlist_schema(sedes.max_bit_count))
    element = _container(sedes.container) if isinstance(sedes, ContainerList) else _of_sedes(sedes.element_sedes)
    if isinstance(sedes, Vector):
        return _array(element, sedes.length, sedes.length)
    if isinstance(sedes, List):
        return _array(element, 0, sedes.max_length)
    raise TypeError(f"{sedes} has no JSON form here")


def _array(element: _Form, least: int, most: int) -> _Form:
    def items(plain: object, place: str) -> tuple[Any, ...]:
        if not isinstance(plain, list):
            raise Malformed(place, "an array expected")
        if not least <= len(plain) <= most:
            raise Malformed(place, f"{least} to {most} items expected, not {len(plain)}")
        return tuple(element.read(item, f"{place}[{number}]") for number, item in enumerate(plain))

    return _Form(
        items,
        lambda components: {
            "type": "array",
            "minItems": least,
            "maxItems": most,
            "items": element.schema(components),
        },
    )


def _bits(sedes: Any, plain: object, place: str) -> tuple[bool, ...]:
    data = read_bytes(plain, place)
    try:
        bits = tuple(sedes.deserialize(data))
        canonical = len(bits) <= sedes.max_bit_count if isinstance(sedes, Bitlist) else True
        canonical = canonical and sedes.serialize(bits) == data
    except Exception:
        canonical = False
    if not canonical:
        raise Malformed(place, f"no encoding of a {type(sedes).__name__} of at most its length")
    return bits


def _uint_schema(components: Components) -> Schema:
    components.setdefault("Uint64", UINT64)
    return reference("Uint64")


def _bitlist_schema(limit: int) -> Schema:
    # the last byte holds the bit that marks the end, so it is not zero
    full, last = limit // 8, "(0[1-9a-fA-F]|[1-9a-fA-F][0-9a-fA-F])"
    if limit <= _PATTERN_BITS:
        pattern = f"^0x(([0-9a-fA-F]{{2}}){{0,{full - 1}}}{last}|([0-9a-fA-F]{{2}}){{{full}}}01)$"
        return {"type": "string", "pattern": pattern, "examples": ["0x0101"]}
    pattern = f"^0x([0-9a-fA-F]{{2}})*{last}$"
    return {"type": "string", "pattern": pattern, "maxLength": 2 + 2 * full, "examples": ["0x0101"]}
