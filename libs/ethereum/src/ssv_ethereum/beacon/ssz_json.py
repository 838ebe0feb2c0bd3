"""SSZ containers in the JSON form of the Beacon API, derived from the containers' own annotations.

uint64 is a decimal string, bytes are 0x hex, bit lists and bit vectors are the hex of their SSZ encoding. Lists are
left out: no object that this client exchanges as JSON holds one (blocks travel as SSZ).

Source: consensus-specs, ssz/simple-serialize.md "JSON mapping".
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeVar, get_args, get_type_hints

from ssz.sedes import Bitlist, Bitvector, ByteVector, UInt

from ssv_ethereum.beacon.answers import from_hex, to_hex
from ssv_ethereum.beacon.errors import BeaconAnswerInvalid
from ssv_protocol.types.ssz import SszContainer

C = TypeVar("C", bound=SszContainer)


def to_json(container: SszContainer) -> dict[str, Any]:
    """Return `container` as an object ready for a JSON encoder."""
    codecs = _codecs(type(container))
    return {name: codec.to_json(getattr(container, name)) for name, codec in codecs.items()}


def from_json(container: type[C], plain: object) -> C:
    """Return the container that a decoded JSON object describes; unknown keys are ignored.

    Raises:
        ValueError: a field is missing or is not of its type.
    """
    if not isinstance(plain, Mapping):
        raise ValueError(f"{container.__name__}: an object expected")
    fields: dict[str, Any] = {}
    for name, codec in _codecs(container).items():
        if name not in plain:
            raise ValueError(f"{container.__name__}.{name} is missing")
        try:
            fields[name] = codec.from_json(plain[name])
        except Exception as error:
            raise ValueError(f"{container.__name__}.{name}: {error}") from None
    return container(**fields)


def from_json_answer(container: type[C], plain: object, endpoint: str, request: str) -> C:
    """As `from_json`, for a node's answer to `request`. Raises BeaconAnswerInvalid."""
    try:
        return from_json(container, plain)
    except ValueError as error:
        raise BeaconAnswerInvalid(endpoint, request, str(error)) from None


@dataclasses.dataclass(frozen=True, slots=True)
class _Codec:
    to_json: Callable[[Any], Any]
    from_json: Callable[[Any], Any]


def _build_codecs(container: Any) -> dict[str, _Codec]:
    hints = get_type_hints(container, include_extras=True)
    names = [field.name for field in dataclasses.fields(container)]
    return {name: _codec(f"{container.__name__}.{name}", hints[name]) for name in names}


_codecs: Callable[[Any], dict[str, _Codec]] = cache(_build_codecs)


def _codec(owner: str, hint: Any) -> _Codec:
    if isinstance(hint, type) and issubclass(hint, SszContainer):
        return _Codec(to_json, lambda plain: from_json(hint, plain))
    sedes = get_args(hint)[1]
    if isinstance(sedes, UInt):
        return _Codec(str, lambda text: _uint(sedes, text))
    if isinstance(sedes, ByteVector):
        return _Codec(to_hex, lambda text: sedes.deserialize(from_hex(text)))
    if isinstance(sedes, Bitlist | Bitvector):
        return _Codec(
            lambda bits: to_hex(sedes.serialize(bits)),
            lambda text: tuple(sedes.deserialize(from_hex(text))),
        )
    raise TypeError(f"{owner} has no JSON form here")


def _uint(sedes: UInt, text: object) -> int:
    if not isinstance(text, str) or not text.isdecimal():
        raise ValueError(f"a decimal string expected, not {str(text)[:20]!r}")
    value = int(text)
    sedes.serialize(value)  # refuses what is too large
    return value
