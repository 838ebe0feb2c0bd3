import pytest
from libs.protocol.tests.types.samples import SIGNATURE, contribution

from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.types.contributions import (
    CONTRIBUTION_BYTES,
    MAX_CONTRIBUTIONS,
    Contribution,
    contributions_root,
    decode_contributions,
    encode_contributions,
)
from ssv_protocol.types.ssz import max_encoded_bytes

TWO = tuple(Contribution(SIGNATURE, contribution(subnet)) for subnet in (0, 1))
ENCODED = encode_contributions(TWO)


def test_an_offset_stands_before_each_contribution() -> None:
    assert ENCODED[:8] == (8).to_bytes(4, "little") + (8 + CONTRIBUTION_BYTES).to_bytes(4, "little")
    assert ENCODED[8:] == TWO[0].encode() + TWO[1].encode()
    assert decode_contributions(ENCODED) == TWO
    assert max_encoded_bytes(Contribution) == CONTRIBUTION_BYTES


@pytest.mark.parametrize("count", [0, MAX_CONTRIBUTIONS])
def test_none_and_the_most(count: int) -> None:
    items = TWO[:1] * count
    assert decode_contributions(encode_contributions(items)) == items
    assert len(contributions_root(items)) == 32


@pytest.mark.parametrize(
    "data",
    [
        ENCODED[:-1],
        ENCODED + b"\0",
        ENCODED[:3],
        b"\x04" + ENCODED[1:],
        b"\x0c" + ENCODED[1:],
        ENCODED[:4] + b"\x07" + ENCODED[5:],
        ENCODED[8:],
    ],
)
def test_any_other_layout_is_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError) as error:
        decode_contributions(data)
    assert error.value.reason is Reason.SSZ_DECODE


def test_too_many_are_neither_encoded_nor_decoded() -> None:
    count = MAX_CONTRIBUTIONS + 1
    with pytest.raises(ProtocolError) as error:
        encode_contributions(TWO[:1] * count)
    assert error.value.reason is Reason.SSZ_ENCODE
    offsets = (count * 4 + i * CONTRIBUTION_BYTES for i in range(count))
    encoded = b"".join(o.to_bytes(4, "little") for o in offsets) + TWO[0].encode() * count
    with pytest.raises(ProtocolError) as error:
        decode_contributions(encoded)
    assert error.value.reason is Reason.SSZ_DECODE
