"""Containers of zeros and empty lists, with single fields set: for tests that need a value and not its content."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Any, TypeVar, cast, get_args, get_origin, get_type_hints

from ssz.sedes import Bitlist, Bitvector, ByteList, ByteVector, List, UInt

from ssv_protocol.types.ssz import SszContainer

C = TypeVar("C", bound=SszContainer)


def zero(container: type[C], **given: Any) -> C:
    """Return a container with the given fields, zero elsewhere."""
    hints = get_type_hints(container, include_extras=True)
    names = [field.name for field in fields(cast(Any, container))]
    return container(**{name: given[name] if name in given else _zero_of(hints[name]) for name in names})


def _zero_of(hint: Any) -> Any:
    if get_origin(hint) is not Annotated:
        return zero(hint)
    sedes = get_args(hint)[1]
    if isinstance(sedes, UInt):
        return 0
    if isinstance(sedes, ByteVector):
        return bytes(sedes.length)
    if isinstance(sedes, Bitvector):
        return (False,) * sedes.bit_count
    if isinstance(sedes, ByteList):
        return b""
    if isinstance(sedes, List | Bitlist):
        return ()
    raise TypeError(f"no zero of {sedes!r}")
