"""Messages through a pair of ciphers with one key, cut into chunks at any place."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from hypothesis import given
from hypothesis import strategies as st

from ssv_p2p_gateway.transport.noise_frames import MAX_PLAINTEXT_BYTES, NoiseError, Opener, Sealer

CIPHER = ChaCha20Poly1305(bytes(32))


def pieces(data: bytes, sizes: list[int]) -> list[bytes]:
    cut = []
    for size in sizes:
        cut.append(data[:size])
        data = data[size:]
    return [*cut, data]


@given(
    st.lists(st.binary(max_size=300), max_size=8), st.lists(st.integers(0, 700), max_size=12), st.integers(0, 1 << 40)
)
def test_what_is_sealed_opens_whatever_the_chunks(texts: list[bytes], sizes: list[int], count: int) -> None:
    sealer, opener = Sealer(CIPHER, count), Opener(CIPHER, count)
    wire = b"".join(map(sealer.seal, texts))
    assert b"".join(map(opener.feed, pieces(wire, sizes))) == b"".join(texts)


def test_long_texts_take_several_messages() -> None:
    text = bytes(range(256)) * 1000
    wire = Sealer(CIPHER, 0).seal(text)
    assert len(wire) == len(text) + (len(text) // MAX_PLAINTEXT_BYTES + 1) * 18
    opener = Opener(CIPHER, 0)
    assert b"".join(opener.feed(wire[at : at + 1]) for at in range(len(wire))) == text


@given(st.integers(2, 60), st.integers(1, 255))
def test_a_changed_message_does_not_open(place: int, change: int) -> None:
    wire = bytearray(Sealer(CIPHER, 0).seal(bytes(50)))
    wire[place] ^= change
    with pytest.raises(NoiseError):
        Opener(CIPHER, 0).feed(bytes(wire))


def test_a_message_opens_once() -> None:
    wire = Sealer(CIPHER, 0).seal(b"text")
    opener = Opener(CIPHER, 0)
    assert opener.feed(wire) == b"text"
    with pytest.raises(NoiseError):
        opener.feed(wire)


@given(st.binary(max_size=400))
def test_any_bytes_are_messages_or_an_error(data: bytes) -> None:
    opener = Opener(CIPHER, 0)
    try:
        opener.feed(data)
    except NoiseError:
        return
    assert len(opener._kept) <= MAX_PLAINTEXT_BYTES + 18
