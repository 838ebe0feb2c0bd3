"""SSZ containers as JSON Schema, for the OpenAPI document.

Schemas come from the same annotations as the codec (`ssv_protocol.types.ssz_json`), so what is documented is what is
read. One exception: a bit list of more than 16,384 bytes, which no chain can have, may be in the schema and be refused.

Source: consensus-specs, ssz/simple-serialize.md "JSON mapping"; JSON Schema 2020-12.
"""

from __future__ import annotations

from typing import Any

from ssz.sedes import Bitlist, Bitvector, ByteVector, List, UInt, Vector

from ssv_protocol.types.ssz import ContainerList, SszContainer
from ssv_protocol.types.ssz_json import container_in, hinted, sedes_in

Schema = dict[str, Any]
Components = dict[str, Schema]
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


def container_schema(container: type[SszContainer], components: Components) -> Schema:
    """Return a reference to the container's schema, which is put into `components` with all that it needs.

    Raises:
        TypeError: a field of the container has no schema here.
    """
    name = container.__name__
    if name not in components:
        components[name] = {}  # none refers to itself; this only keeps the order of first use
        properties = {key: _of_hint(hint, components) for key, hint in hinted(container).values()}
        components[name] = {"type": "object", "required": list(properties), "properties": properties}
    return reference(name)


def reference(name: str) -> Schema:
    """Return a reference to a component."""
    return {"$ref": f"#/components/schemas/{name}"}


def hex_schema(length: int) -> Schema:
    """Return the schema of `length` bytes."""
    return {"type": "string", "pattern": f"^0x[0-9a-fA-F]{{{2 * length}}}$", "examples": ["0x" + "11" * length]}


def _of_hint(hint: Any, components: Components) -> Schema:
    container = container_in(hint)
    return _of_sedes(sedes_in(hint), components) if container is None else container_schema(container, components)


def _of_sedes(sedes: Any, components: Components) -> Schema:
    if isinstance(sedes, UInt) and sedes.num_bits == 64:
        components.setdefault("Uint64", UINT64)
        return reference("Uint64")
    if isinstance(sedes, ByteVector):
        return hex_schema(sedes.length)
    if isinstance(sedes, Bitvector):
        return hex_schema(sedes.bit_count // 8)
    if isinstance(sedes, Bitlist):
        return _bitlist(sedes.max_bit_count)
    if isinstance(sedes, List | Vector):
        if isinstance(sedes, ContainerList):
            items = container_schema(sedes.container, components)
        else:
            items = _of_sedes(sedes.element_sedes, components)
        most = sedes.length if isinstance(sedes, Vector) else sedes.max_length
        least = most if isinstance(sedes, Vector) else 0
        return {"type": "array", "minItems": least, "maxItems": most, "items": items}
    raise TypeError(f"{sedes} has no schema here")


def _bitlist(limit: int) -> Schema:
    # the last byte holds the bit that marks the end, so it is not zero
    full, last = limit // 8, "(0[1-9a-fA-F]|[1-9a-fA-F][0-9a-fA-F])"
    if limit <= _PATTERN_BITS:
        pattern = f"^0x(([0-9a-fA-F]{{2}}){{0,{full - 1}}}{last}|([0-9a-fA-F]{{2}}){{{full}}}01)$"
        return {"type": "string", "pattern": pattern, "examples": ["0x0101"]}
    pattern = f"^0x([0-9a-fA-F]{{2}})*{last}$"
    return {"type": "string", "pattern": pattern, "maxLength": 2 + 2 * full, "examples": ["0x0101"]}
