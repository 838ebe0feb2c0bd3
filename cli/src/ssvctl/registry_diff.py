"""Two registries side by side: what is in one only, and what differs. Pure.

Source: the records of `ssv_protocol.registry.state`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from hashlib import sha256
from typing import Any

from ssv_protocol.registry.state import RegistryState

_SHOWN_BYTES = 48
"""The length of a public key; longer values are shown by their hash."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not the same; an empty side has no such record."""

    what: str
    first: str
    second: str


def differences(first: RegistryState, second: RegistryState) -> Iterator[Difference]:
    """Yield what differs: the block, then operators, validators and owners in their order."""
    for what, one, other in (
        ("block", first.block_number, second.block_number),
        ("block hash", first.block_hash, second.block_hash),
    ):
        if one != other:
            yield Difference(what, _text(one), _text(other))
    yield from _of_table("operator", first.operators, second.operators, str)
    yield from _of_table("validator", first.validators, second.validators, _text)
    yield from _of_table("owner", first.recipients, second.recipients, _text)


def _of_table(
    kind: str, first: Mapping[Any, Any], second: Mapping[Any, Any], name: Callable[[Any], str]
) -> Iterator[Difference]:
    for key in sorted(first.keys() | second.keys()):
        one, other = first.get(key), second.get(key)
        what = f"{kind} {name(key)}"
        if one is None or other is None:
            yield Difference(what, "" if one is None else "registered", "" if other is None else "registered")
        elif one != other:
            for field in fields(one):
                mine, its = getattr(one, field.name), getattr(other, field.name)
                if mine != its:
                    yield Difference(f"{what}: {field.name.replace('_', ' ')}", _text(mine), _text(its))


def _text(value: Any) -> str:
    match value:
        case bytes() if len(value) > _SHOWN_BYTES:
            return f"{len(value)} bytes, SHA-256 {sha256(value).hexdigest()[:16]}…"
        case bytes():
            return f"0x{value.hex()}"
        case tuple():
            return ", ".join(map(_text, value))
        case None:
            return "none"
        case _ if hasattr(value, "block_number"):
            return f"block {value.block_number}"
        case _:
            return str(value)
