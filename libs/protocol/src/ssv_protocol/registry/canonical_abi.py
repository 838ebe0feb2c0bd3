"""ABI decoding of what contracts really emit, fast; anything unusual is left to the general decoder.

An encoding is canonical when its dynamic parts follow the head without gaps or overlap, in order, padded with zeros,
and nothing comes after them. Solidity writes no other.

Invariant: where this decoder answers, it answers as `eth_abi` does; where it does not, it returns None.

Source: Solidity contract ABI specification.
"""

from __future__ import annotations

from functools import cache
from typing import Any

CLUSTER = "(uint32,uint64,uint64,bool,uint256)"
"""validatorCount, networkFeeIndex, index, active, balance."""
_WORD = 32
_BITS = {"uint32": 32, "uint64": 64, "uint256": 256, "address": 160, "bool": 1}
_CLUSTER_KINDS = ("uint32", "uint64", "uint64", "bool", "uint256")
_DYNAMIC = frozenset({"bytes", "uint64[]"})
_UINT64_END = 1 << 64
_ADDRESS_AT = _WORD - 20


def decode_canonical(kinds: tuple[str, ...], data: bytes) -> list[Any] | None:
    """Return the values, addresses as 20 bytes; None when the encoding is not canonical or a type is not known here."""
    tail = _head_bytes(kinds)
    if len(data) < tail or len(data) % _WORD:
        return None
    values: list[Any] = []
    at = 0
    for kind in kinds:
        if kind in _DYNAMIC:
            if int.from_bytes(data[at : at + _WORD], "big") != tail or tail + _WORD > len(data):
                return None
            length = int.from_bytes(data[tail : tail + _WORD], "big")
            tail += _WORD
            value = _list(data, tail, length) if kind == "uint64[]" else _bytes(data, tail, length)
            tail += length * _WORD if kind == "uint64[]" else -(-length // _WORD) * _WORD
            at += _WORD
        elif kind == CLUSTER:
            parts = tuple([_word(part, data, at + place * _WORD) for place, part in enumerate(_CLUSTER_KINDS)])
            value = None if None in parts else parts
            at += len(_CLUSTER_KINDS) * _WORD
        else:
            value = _word(kind, data, at)
            at += _WORD
        if value is None:
            return None
        values.append(value)
    return values if tail == len(data) else None


@cache
def _head_bytes(kinds: tuple[str, ...]) -> int:
    return _WORD * sum(len(_CLUSTER_KINDS) if kind == CLUSTER else 1 for kind in kinds)


def _word(kind: str, data: bytes, at: int) -> Any:
    bits = _BITS.get(kind)
    if bits is None:
        return None
    value = int.from_bytes(data[at : at + _WORD], "big")
    if value >> bits:
        return None
    if kind == "address":
        return data[at + _ADDRESS_AT : at + _WORD]
    return bool(value) if kind == "bool" else value


def _bytes(data: bytes, at: int, length: int) -> bytes | None:
    end = at + length
    padded = at + -(-length // _WORD) * _WORD
    if padded > len(data) or data[end:padded] != bytes(padded - end):
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
