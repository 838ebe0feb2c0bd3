"""Decoding of the Beacon API's JSON: numbers are decimal strings, bytes are 0x-prefixed hex.

Fields are checked for type and length here, so that nothing behind the client has to.

Source: beacon-APIs, "types".
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Generic, TypeVar

import msgspec

T = TypeVar("T")
Uint = Annotated[int, msgspec.Meta(ge=0)]
"""A uint64; a decimal string on the wire."""


class Hex(bytes):
    """Bytes of any length, in hex on the wire."""

    LENGTH: ClassVar[int | None] = None


class Hex4(Hex):
    """4 bytes: a fork version."""

    LENGTH = 4


class Hex20(Hex):
    """20 bytes: an execution address."""

    LENGTH = 20


class Hex32(Hex):
    """32 bytes: a root."""

    LENGTH = 32


class Hex48(Hex):
    """48 bytes: a public key."""

    LENGTH = 48


class Envelope(msgspec.Struct, Generic[T], frozen=True):
    """What wraps nearly every answer."""

    data: T


class DependentEnvelope(msgspec.Struct, Generic[T], frozen=True):
    """Duties, with the block root that they hang on: while it stays, they do not change."""

    data: T
    dependent_root: Hex32


def decode(body: bytes, wanted: type[T]) -> T:
    """Return `body` as `wanted`; raises msgspec.DecodeError (ValidationError) when it is not that."""
    return msgspec.json.decode(body, type=wanted, strict=False, dec_hook=_decode_hex)


def from_hex(text: object) -> bytes:
    """Return the bytes of a 0x-prefixed string; raises ValueError."""
    if not isinstance(text, str) or not text.startswith("0x"):
        raise ValueError(f"0x-prefixed hex expected, not {str(text)[:20]!r}")
    return bytes.fromhex(text[2:])


def to_hex(data: bytes) -> str:
    """Return 0x-prefixed hex."""
    return "0x" + data.hex()


def _decode_hex(wanted: type, value: Any) -> Any:
    if not issubclass(wanted, Hex):
        raise NotImplementedError(wanted)
    data = wanted(from_hex(value))
    if wanted.LENGTH is not None and len(data) != wanted.LENGTH:
        raise ValueError(f"{wanted.LENGTH} bytes expected, not {len(data)}")
    return data
