from dataclasses import dataclass, fields
from typing import Annotated, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from libs.protocol.tests.types.containers import BLOCKS, SMALL, name_of
from libs.protocol.tests.types.strategies import mutations, values_of
from ssz.sedes import ByteList, List, uint64

from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.types.beacon.attestation import Checkpoint
from ssv_protocol.types.ids import Epoch, Root
from ssv_protocol.types.ssz import SszContainer, list_of, max_encoded_bytes, sedes_of

relaxed = settings(
    deadline=None, max_examples=15, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
few = settings(relaxed, max_examples=4)


@dataclass(frozen=True, slots=True)
class Sample(SszContainer):
    number: Annotated[int, uint64]
    words: Annotated[tuple[int, ...], List(uint64, 3)]
    texts: Annotated[tuple[bytes, ...], List(ByteList(4), 2)]
    checkpoints: Annotated[tuple[Checkpoint, ...], list_of(Checkpoint, 2)]


CHECKPOINT = Checkpoint(Epoch(3), Root(bytes(range(32))))
SAMPLE = Sample(7, (1, 2), (b"ab", b""), (CHECKPOINT,))
FIXED_BYTES = 8 + 3 * 4
ENCODED = SAMPLE.encode()


def refusal(container: type[SszContainer], data: bytes) -> Reason:
    with pytest.raises(ProtocolError) as error:
        container.decode(data)
    return error.value.reason


def reencoded(container: type[SszContainer], data: bytes) -> bytes | Reason:
    try:
        return container.decode(data).encode()
    except ProtocolError as error:
        return error.reason


def with_offset(index: int, offset: int) -> bytes:
    start = 8 + 4 * index
    return ENCODED[:start] + offset.to_bytes(4, "little") + ENCODED[start + 4 :]


@pytest.mark.parametrize("container", SMALL, ids=name_of)
@given(data=st.data())
@relaxed
def test_values_survive_encoding(container: type[SszContainer], data: st.DataObject) -> None:
    check_round_trip(container, data)


@pytest.mark.parametrize("container", BLOCKS, ids=name_of)
@given(data=st.data())
@few
def test_blocks_survive_encoding(container: type[SszContainer], data: st.DataObject) -> None:
    check_round_trip(container, data)


def check_round_trip(container: type[SszContainer], data: st.DataObject) -> None:
    value = data.draw(values_of(container))
    encoded = value.encode()
    assert container.decode(encoded) == value
    assert len(encoded) <= max_encoded_bytes(container)
    assert len(value.hash_tree_root()) == 32


@pytest.mark.parametrize("container", SMALL, ids=name_of)
@given(data=st.data())
@relaxed
def test_a_decoder_accepts_only_what_the_encoder_makes(container: type[SszContainer], data: st.DataObject) -> None:
    near = data.draw(mutations(data.draw(values_of(container)).encode()))
    assert reencoded(container, near) in (near, Reason.SSZ_DECODE)


@pytest.mark.parametrize("container", SMALL + BLOCKS, ids=name_of)
@given(noise=st.binary(max_size=600))
@few
def test_noise_is_refused_with_a_reason(container: type[SszContainer], noise: bytes) -> None:
    assert reencoded(container, noise) in (noise, Reason.SSZ_DECODE)


@pytest.mark.parametrize("container", SMALL + BLOCKS, ids=name_of)
def test_nothing_is_no_value_of_a_container(container: type[SszContainer]) -> None:
    assert refusal(container, b"") is Reason.SSZ_DECODE


def test_a_fixed_size_container_takes_its_length_only() -> None:
    encoded = CHECKPOINT.encode()
    assert len(encoded) == 40
    assert refusal(Checkpoint, encoded + b"\0") is Reason.SSZ_DECODE
    assert refusal(Checkpoint, encoded[:-1]) is Reason.SSZ_DECODE


@pytest.mark.parametrize(
    ("index", "offset"),
    [
        (0, FIXED_BYTES - 1),  # into the fixed part
        (0, FIXED_BYTES + 8),  # a gap
        (0, 0),
        (1, FIXED_BYTES - 1),  # before the first
        (2, FIXED_BYTES),  # decreasing
        (2, len(ENCODED) + 1),  # behind the end
        (2, 2**32 - 1),
    ],
)
def test_offsets_must_be_the_canonical_ones(index: int, offset: int) -> None:
    assert refusal(Sample, with_offset(index, offset)) is Reason.SSZ_DECODE


def test_trailing_bytes_are_refused() -> None:
    assert refusal(Sample, ENCODED + b"\0") is Reason.SSZ_DECODE


def test_offsets_inside_a_list_must_be_the_canonical_ones() -> None:
    texts = FIXED_BYTES + 16
    assert ENCODED[texts : texts + 10] == bytes.fromhex("080000000a000000") + b"ab"
    for first in (0, 1, 4, 9, 12, 255):
        assert refusal(Sample, ENCODED[:texts] + bytes([first]) + ENCODED[texts + 1 :]) is Reason.SSZ_DECODE
    for second in (0, 7, 11, 255):
        changed = ENCODED[: texts + 4] + bytes([second]) + ENCODED[texts + 5 :]
        assert refusal(Sample, changed) is Reason.SSZ_DECODE


OVER_LIMIT = [
    {"words": (1, 2, 3, 4)},
    {"texts": (b"", b"", b"")},
    {"texts": (b"abcde",)},
    {"checkpoints": (CHECKPOINT,) * 3},
    {"number": 2**64},
    {"number": -1},
]


@pytest.mark.parametrize("changed", OVER_LIMIT, ids=lambda changed: next(iter(changed)))
def test_what_does_not_fit_is_not_encoded(changed: dict[str, Any]) -> None:
    value = Sample(**{field.name: getattr(SAMPLE, field.name) for field in fields(Sample)} | changed)
    for action in (value.encode, value.hash_tree_root):
        with pytest.raises(ProtocolError) as error:
            action()
        assert error.value.reason is Reason.SSZ_ENCODE


def test_a_list_over_its_limit_is_not_decoded() -> None:
    @dataclass(frozen=True, slots=True)
    class Wider(SszContainer):
        number: Annotated[int, uint64]
        words: Annotated[tuple[int, ...], List(uint64, 30)]
        texts: Annotated[tuple[bytes, ...], List(ByteList(40), 20)]
        checkpoints: Annotated[tuple[Checkpoint, ...], list_of(Checkpoint, 20)]

    for words, texts, checkpoints in (
        ((1, 2, 3, 4), (), ()),
        ((), (b"", b"", b""), ()),
        ((), (b"abcde",), ()),
        ((), (), (CHECKPOINT,) * 3),
    ):
        encoded = Wider(7, words, texts, checkpoints).encode()
        assert refusal(Sample, encoded) is Reason.SSZ_DECODE


def test_the_root_of_a_field_is_a_leaf_of_the_container() -> None:
    @dataclass(frozen=True, slots=True)
    class Single(SszContainer):
        words: Annotated[tuple[int, ...], List(uint64, 3)]

    assert Single((1, 2)).hash_tree_root() == SAMPLE.field_root("words")


def test_the_largest_encoding_counts_offsets() -> None:
    assert max_encoded_bytes(Sample) == FIXED_BYTES + 3 * 8 + 2 * (4 + 4) + 2 * 40
    assert max_encoded_bytes(Checkpoint) == sedes_of(Checkpoint).get_fixed_size() == 40


def test_a_field_without_sedes_is_a_mistake_of_the_declaration() -> None:
    @dataclass(frozen=True, slots=True)
    class Bad(SszContainer):
        number: int

    with pytest.raises(TypeError):
        sedes_of(Bad)
