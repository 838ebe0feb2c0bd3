"""SSZ containers in the JSON form of the Ethereum APIs, derived from the containers' own annotations.

Integers are decimal strings, bytes are 0x hex, bit lists and bit vectors the hex of their SSZ encoding, lists are
arrays. A key is the field's name without the unit that this project puts behind it.

Invariants: `from_json` accepts one form of each value, the one that `to_json` makes, but for capital hex digits; and
every error names the field. Unknown keys are ignored, as the APIs ask: they are not signed.

Source: consensus-specs, ssz/simple-serialize.md "JSON mapping"; beacon-APIs, "types".
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from ssz.sedes import Bitlist, Bitvector, ByteList, ByteVector, List, UInt, Vector

from ssv_protocol.errors import SsvError
from ssv_protocol.types.ssz import ContainerList, SszContainer

C = TypeVar("C", bound=SszContainer)
_HEX = re.compile(r"0x((?:[0-9a-fA-F]{2})*)")
_DECIMAL = re.compile(r"0|[1-9][0-9]*")
_SHOWN_CHARACTERS = 40


class Malformed(SsvError):
    """A JSON value is not what its type says; `field` is the path to where it differs."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


@dataclasses.dataclass(frozen=True, slots=True)
class _Form:
    """How values of one type are read, given where they stand, and written."""

    read: Callable[[object, str], Any]
    write: Callable[[Any], Any]


def from_json(container: type[C], plain: object, place: str) -> C:
    """Return the container that a decoded JSON value describes; `place` is where it stands, for messages.

    Raises:
        Malformed: a field is missing or is not of its type.
        TypeError: a field of the container has no JSON form here.
    """
    known = mapping(plain, place)
    fields: dict[str, Any] = {}
    for name, (key, form) in _forms(container).items():
        fields[name] = form.read(required(known, key, place), f"{place}.{key}")
    return container(**fields)


def to_json(container: SszContainer) -> dict[str, Any]:
    """Return a container as an object ready for a JSON encoder; raises TypeError as `from_json`."""
    return {key: form.write(getattr(container, name)) for name, (key, form) in _forms(type(container)).items()}


def hinted(container: Any) -> dict[str, tuple[str, Any]]:
    """Return the fields of a container class: the key of each, and its annotation."""
    hints = get_type_hints(container, include_extras=True)
    # the project puts units into names, the APIs do not
    return {f.name: (f.name.removesuffix("_gwei"), hints[f.name]) for f in dataclasses.fields(container)}


def container_in(hint: Any) -> type[SszContainer] | None:
    """Return the container class that a field is annotated with, None for an annotation that has a sedes."""
    return hint if get_origin(hint) is None and issubclass(hint, SszContainer) else None


def sedes_in(hint: Any) -> Any:
    """Return the sedes in a field's annotation."""
    return get_args(hint)[1]


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


def to_hex(data: bytes) -> str:
    """Return bytes as the APIs want them."""
    return f"0x{data.hex()}"


def _shown(plain: object) -> str:
    text = repr(plain)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


def _build_forms(container: Any) -> dict[str, tuple[str, _Form]]:
    return {name: (key, _form(f"{container.__name__}.{name}", hint)) for name, (key, hint) in hinted(container).items()}


_forms: Callable[[Any], dict[str, tuple[str, _Form]]] = cache(_build_forms)


def _form(owner: str, hint: Any) -> _Form:
    container = container_in(hint)
    return _of_sedes(owner, sedes_in(hint)) if container is None else _container(container)


def _container(container: type[SszContainer]) -> _Form:
    return _Form(lambda plain, place: from_json(container, plain, place), to_json)


def _of_sedes(owner: str, sedes: Any) -> _Form:
    if isinstance(sedes, UInt):
        return _Form(lambda plain, place: read_uint(plain, place, sedes.num_bits), str)
    if isinstance(sedes, ByteVector):
        return _Form(lambda plain, place: read_bytes(plain, place, sedes.length), to_hex)
    if isinstance(sedes, ByteList):
        return _Form(lambda plain, place: _byte_list(sedes, plain, place), to_hex)
    if isinstance(sedes, Bitlist | Bitvector):
        return _Form(lambda plain, place: _bits(sedes, plain, place), lambda bits: to_hex(sedes.serialize(bits)))
    if isinstance(sedes, List | Vector):
        if isinstance(sedes, ContainerList):
            element = _container(sedes.container)
        else:
            element = _of_sedes(owner, sedes.element_sedes)
        most = sedes.length if isinstance(sedes, Vector) else sedes.max_length
        return _array(element, most if isinstance(sedes, Vector) else 0, most)
    raise TypeError(f"{owner} has no JSON form here")


def _array(element: _Form, least: int, most: int) -> _Form:
    def items(plain: object, place: str) -> tuple[Any, ...]:
        if not isinstance(plain, list):
            raise Malformed(place, "an array expected")
        if not least <= len(plain) <= most:
            raise Malformed(place, f"{least} to {most} items expected, not {len(plain)}")
        return tuple(element.read(item, f"{place}[{number}]") for number, item in enumerate(plain))

    return _Form(items, lambda values: [element.write(value) for value in values])


def _byte_list(sedes: ByteList, plain: object, place: str) -> bytes:
    data = read_bytes(plain, place)
    if len(data) > sedes.max_length:
        raise Malformed(place, f"at most {sedes.max_length} bytes expected, not {len(data)}")
    return data


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
