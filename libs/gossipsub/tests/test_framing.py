"""Frames out of chunks."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssv_gossipsub import DecodeError, Framer
from ssv_gossipsub.wire import encode


@given(st.lists(st.binary(max_size=400), max_size=8), st.lists(st.integers(1, 300), min_size=1, max_size=40))
def test_frames_come_out_however_they_are_cut(bodies: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(map(encode.frame, bodies))
    framer, frames, position = Framer(400), list[bytes](), 0
    for cut in cuts:
        frames += framer.feed(stream[position : position + cut])
        position += cut
    frames += framer.feed(stream[position:])
    assert frames == bodies


@given(st.lists(st.binary(max_size=50), max_size=20))
def test_any_bytes_give_frames_or_a_decode_error(chunks: list[bytes]) -> None:
    framer = Framer(1000)
    with contextlib.suppress(DecodeError):
        for chunk in chunks:
            framer.feed(chunk)


def test_a_frame_beyond_the_limit_is_refused_at_its_length() -> None:
    with pytest.raises(DecodeError, match="1001 bytes"):
        Framer(1000).feed(encode.frame(bytes(1001))[:2])
    assert Framer(1000).feed(encode.frame(bytes(1000))) == [bytes(1000)]


def test_a_length_that_does_not_end_is_refused() -> None:
    framer = Framer(1000)
    assert framer.feed(b"\x80" * 4) == []
    with pytest.raises(DecodeError, match="5 bytes"):
        framer.feed(b"\x80")
