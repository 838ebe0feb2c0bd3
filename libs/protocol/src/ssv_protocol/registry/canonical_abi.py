"""ABI decoding of what contracts really emit, fast; anything unusual is left to the general decoder.

An encoding is canonical when its dynamic parts follow the head without gaps or overlap, in order, padded with zeros,
and nothing comes after them. Solidity writes no other.

Invariant: where this decoder answers, it answers as `eth_abi` does; where it does not, it returns None.

Source: Solidity contract ABI specification.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

CLUSTER = "(uint32,uint64,uint64,bool,uint256)"
"""validatorCount, networkFeeIndex, index, active, balance."""
_WORD = 32
_WIDTHS = {"uint32": 4, "uint64": 8, "uint256": 32, "address": 20, "bool": 1}
_CLUSTER_KINDS = ("uint32", "uint64", "uint64", "bool", "uint256")
_DYNAMIC = frozenset({"bytes", "uint64[]"})
_ZEROS = bytes(_WORD)
_UINT64_END = 1 << 64


def decode_canonical(kinds: Sequence[str], data: bytes) -> list[Any] | None:
    """Return the values, addresses as 20 bytes; None when the encoding is not canonical or a type is not known here."""
    head_words = sum(len(_CLUSTER_KINDS) if kind == CLUSTER else 1 for kind in kinds)
    values: list[Any] = []
    at, tail = 0, head_words * _WORD
    if len(data) < tail or len(data) % _WORD:
        return None
    for kind in kinds:
        if kind in _DYNAMIC:
            if int.from_bytes(data[at : at + _WORD], "big") != tail or tail + _WORD > len(data):
                return None
            length = int.from_bytes(data[tail : tail + _WORD], "big")
            tail += _WORD
            value = _list(data, tail, length) if kind == "uint64[]" else _bytes(data, tail, length)
            if value is None:
                return None
            values.append(value)
            tail += length * _WORD if kind == "uint64[]" else -(-length // _WORD) * _WORD
            at += _WORD
        elif kind == CLUSTER:
            parts = [_word(part, data, at + place * _WORD) for place, part in enumerate(_CLUSTER_KINDS)]
            if None in parts:
                return None
            values.append(tuple(parts))
            at += len(_CLUSTER_KINDS) * _WORD
        else:
            word = _word(kind, data, at)
            if word is None:
                return None
            values.append(word)
            at += _WORD
    return values if tail == len(data) else None


def _word(kind: str, data: bytes, at: int) -> Any:
    width = _WIDTHS.get(kind)
    if width is None:
        return None
    padding = _WORD - width
    if data[at : at + padding] != _ZEROS[:padding]:
        return None
    raw = data[at + padding : at + _WORD]
    if kind == "address":
        return raw
    if kind == "bool":
        return raw == b"\x01" if raw in {b"\x00", b"\x01"} else None
    return int.from_bytes(raw, "big")


def _bytes(data: bytes, at: int, length: int) -> bytes | None:
    end = at + length
    padded = at + -(-length // _WORD) * _WORD
    if padded > len(data) or data[end:padded] != _ZEROS[: padded - end]:
        return None
    return data[at:end]


def _list(data: bytes, at: int, length: int) -> tuple[int, ...] | None:
    end = at + length * _WORD
    if end > len(data):
        return None
    values = []
    for place in range(at, end, _WORD):
        value = int.from_bytes(data[place : place + _WORD], "big")
        if value >= _UINT64_END:
            return None
        values.append(value)
    return tuple(values)
