from typing import Any

import pytest
from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError
from hypothesis import given
from hypothesis import strategies as st

from ssv_protocol.registry.abi import HANDLED_EVENTS
from ssv_protocol.registry.canonical_abi import CLUSTER, decode_canonical

VALUES = {
    "uint64": st.integers(0, 2**64 - 1),
    "uint256": st.integers(0, 2**256 - 1),
    "address": st.binary(min_size=20, max_size=20),
    "bytes": st.binary(max_size=100),
    "uint64[]": st.lists(st.integers(0, 2**64 - 1), max_size=5).map(tuple),
    CLUSTER: st.tuples(
        st.integers(0, 2**32 - 1),
        st.integers(0, 2**64 - 1),
        st.integers(0, 2**64 - 1),
        st.booleans(),
        st.integers(0, 2**256 - 1),
    ),
}
KINDS = sorted({abi.data for abi in HANDLED_EVENTS} | {abi.indexed for abi in HANDLED_EVENTS})


def as_bytes(value: Any) -> Any:
    return bytes.fromhex(value[2:]) if isinstance(value, str) else value


@pytest.mark.parametrize("kinds", KINDS, ids=str)
@given(data=st.data())
def test_what_contracts_emit_is_decoded(kinds: tuple[str, ...], data: st.DataObject) -> None:
    values = [data.draw(VALUES[kind]) for kind in kinds]
    assert decode_canonical(kinds, encode(kinds, values)) == values


@pytest.mark.parametrize("kinds", KINDS, ids=str)
@given(data=st.data())
def test_it_never_answers_otherwise_than_the_general_decoder(kinds: tuple[str, ...], data: st.DataObject) -> None:
    raw = bytearray(encode(kinds, [data.draw(VALUES[kind]) for kind in kinds]))
    for _ in range(data.draw(st.integers(1, 3))):
        if raw:
            raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.sampled_from([0, 1, 2, 32, 64, 128, 255]))
    cut = data.draw(st.sampled_from([0, 1, 32]))
    raw = raw[: len(raw) - cut] + bytes(data.draw(st.sampled_from([0, 1, 32])))
    mine = decode_canonical(kinds, bytes(raw))
    if mine is not None:
        assert mine == [as_bytes(value) for value in decode(kinds, bytes(raw))]


def test_what_the_general_decoder_refuses_has_no_answer() -> None:
    word = bytes(31) + b"\x02"
    cluster = b"".join([word] * 3 + [word] + [word])  # a bool of 2
    assert decode_canonical((CLUSTER,), cluster) is None
    with pytest.raises(DecodingError):
        decode((CLUSTER,), cluster)
