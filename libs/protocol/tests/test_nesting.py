from __future__ import annotations

import pytest

from ssv_protocol.nesting import MAX_DEPTH, is_shallow


@pytest.mark.parametrize("text", [b"", b'{"a": [{"b": {}}, []]}', b"[" * MAX_DEPTH, b"[{}]" * 1000, b"]" * 100])
def test_what_may_be_decoded(text: bytes) -> None:
    assert is_shallow(text)
    assert is_shallow(text.decode())


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_what_may_not(opening: bytes) -> None:
    assert is_shallow(opening * MAX_DEPTH)
    assert not is_shallow(opening * (MAX_DEPTH + 1))
    assert not is_shallow(opening * 100_000)
    assert not is_shallow(opening.decode() * 100_000)
