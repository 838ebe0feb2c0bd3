"""Bytes that are nearly good: seeds with some edits, and now and then mere noise.

The edits are those that formats of offsets, lengths and tags stumble over: changed bytes, little integers where an
offset may stand, parts doubled, dropped, moved or taken from another seed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hypothesis import strategies as st

MOST_EDITS = 4
NOISE_BYTES = 300
_NUMBERS = (0, 1, 2, 4, 8, 12, 13, 14, 16, 48, 56, 127, 128, 255, 256, 2**15, 2**16, 2**31 - 1, 2**31, 2**32 - 1)

Edit = Callable[[bytes], bytes]


def nearly(seeds: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """Return a strategy for inputs near the seeds."""
    edited = st.builds(_apply, st.sampled_from(seeds), st.lists(_edits(seeds), min_size=1, max_size=MOST_EDITS))
    return st.one_of(edited, edited, edited, st.binary(max_size=NOISE_BYTES))


def _apply(seed: bytes, edits: list[Edit]) -> bytes:
    for edit in edits:
        seed = edit(seed)
    return seed


def _edits(seeds: Sequence[bytes]) -> st.SearchStrategy[Edit]:
    place = st.integers(0, 2**20)
    length = st.integers(1, 64)
    number = st.builds(
        lambda value, size: (value % 256**size).to_bytes(size, "little"),
        st.sampled_from(_NUMBERS),
        st.sampled_from((1, 4, 8)),
    )
    return st.one_of(
        st.builds(_overwritten, place, number),
        st.builds(_overwritten, place, st.binary(min_size=1, max_size=8)),
        st.builds(_inserted, place, st.binary(max_size=16)),
        st.builds(_inserted, place, st.builds(_part, st.sampled_from(seeds), place, length)),
        st.builds(_dropped, place, length),
        st.builds(_doubled, place, length, st.integers(1, 20)),
        st.builds(_cut, place),
    )


def _at(data: bytes, place: int) -> int:
    return place % (len(data) + 1)


def _part(data: bytes, place: int, length: int) -> bytes:
    start = _at(data, place)
    return data[start : start + length]


def _overwritten(place: int, value: bytes) -> Edit:
    return lambda data: data[: _at(data, place)] + value + data[_at(data, place) + len(value) :]


def _inserted(place: int, value: bytes) -> Edit:
    return lambda data: data[: _at(data, place)] + value + data[_at(data, place) :]


def _dropped(place: int, length: int) -> Edit:
    return lambda data: data[: _at(data, place)] + data[_at(data, place) + length :]


def _doubled(place: int, length: int, times: int) -> Edit:
    return lambda data: data[: _at(data, place)] + _part(data, place, length) * times + data[_at(data, place) :]


def _cut(place: int) -> Edit:
    return lambda data: data[: _at(data, place)]
