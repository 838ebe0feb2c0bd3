from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Annotated, Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from libs.protocol.tests.types.containers import BLOCKS, SMALL, name_of
from libs.protocol.tests.types.strategies import mutations, values_of
from libs.protocol.tests.types.test_ssz import few, relaxed
from ssz.sedes import Bitlist, Bitvector, ByteList, List, Vector, boolean, bytes4, uint8, uint16, uint64, uint256

from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.types.beacon.attestation import AttestationData, Checkpoint
from ssv_protocol.types.duty import ValidatorDuty
from ssv_protocol.types.fast_codec import FastSszContainer
from ssv_protocol.types.ids import MessageId, OperatorId, RsaSignature
from ssv_protocol.types.messages import MAX_DATA_BYTES, SignedSSVMessage, SSVMessage, encode_message, encode_signed
from ssv_protocol.types.partial_signatures import MAX_PARTIAL_SIGNATURES, PartialSignature, PartialSignatures
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import MsgType
from ssv_protocol.types.ssz import SszContainer, list_of


@dataclass(frozen=True, slots=True)
class Flat(FastSszContainer):
    small: Annotated[int, uint8]
    number: Annotated[int, uint16]


@dataclass(frozen=True, slots=True)
class Single(FastSszContainer):
    texts: Annotated[tuple[bytes, ...], List(ByteList(6), 3)]


@dataclass(frozen=True, slots=True)
class Everything(FastSszContainer):
    """Whatever the codec knows, with limits low enough to meet them."""

    first: Annotated[bytes, ByteList(3)]
    nested: AttestationData
    flat: Flat
    numbers: Annotated[tuple[int, ...], List(uint16, 3)]
    vectors: Annotated[tuple[bytes, ...], List(bytes4, 2)]
    single: Single
    flats: Annotated[tuple[Flat, ...], list_of(Flat, 2)]
    checkpoints: Annotated[tuple[Checkpoint, ...], list_of(Checkpoint, 2)]
    singles: Annotated[tuple[Single, ...], list_of(Single, 2)]
    large: Annotated[int, uint256]
    bit_list: Annotated[tuple[bool, ...], Bitlist(9)]
    bit_vector: Annotated[tuple[bool, ...], Bitvector(11)]
    pair: Annotated[tuple[int, ...], Vector(uint16, 2)]
    last: Annotated[int, uint64]


WIRE = [container for container in SMALL if issubclass(container, FastSszContainer)]
FAST = [*WIRE, Flat, Single, Everything]
fast_containers = pytest.mark.parametrize("container", FAST, ids=name_of)


def py_ssz_decode(container: type[SszContainer], data: bytes) -> SszContainer:
    decode: Any = SszContainer.__dict__["decode"].__func__
    return cast(SszContainer, decode(container, data))


def result(action: Callable[[], object]) -> object:
    """Return what an action returns, or the reason with which it refuses."""
    try:
        return action()
    except ProtocolError as error:
        return error.reason


def test_the_wire_types_use_this_codec() -> None:
    assert {PartialSignature, PartialSignatures, QbftMessage, SSVMessage, SignedSSVMessage, ValidatorDuty} < set(WIRE)


@fast_containers
@given(data=st.data())
@relaxed
def test_both_codecs_encode_alike(container: type[FastSszContainer], data: st.DataObject) -> None:
    value = data.draw(values_of(container))
    encoded = value.encode()
    assert encoded == SszContainer.encode(value)
    assert container.decode(encoded) == py_ssz_decode(container, encoded) == value


@pytest.mark.parametrize("container", BLOCKS, ids=name_of)
@given(data=st.data())
@few
def test_both_codecs_treat_blocks_alike(container: type[FastSszContainer], data: st.DataObject) -> None:
    encoded = data.draw(values_of(container)).encode()
    assert SszContainer.encode(container.decode(encoded)) == encoded
    near = data.draw(mutations(encoded))
    assert result(lambda: container.decode(near)) == result(lambda: py_ssz_decode(container, near))


@fast_containers
@given(data=st.data())
@relaxed
def test_both_codecs_accept_or_refuse_mutations_alike(container: type[FastSszContainer], data: st.DataObject) -> None:
    near = data.draw(mutations(data.draw(values_of(container)).encode()))
    assert result(lambda: container.decode(near)) == result(lambda: py_ssz_decode(container, near))


@fast_containers
@given(noise=st.binary(max_size=400))
@relaxed
def test_both_codecs_accept_or_refuse_noise_alike(container: type[FastSszContainer], noise: bytes) -> None:
    assert result(lambda: container.decode(noise)) == result(lambda: py_ssz_decode(container, noise))


@fast_containers
@given(data=st.data())
@relaxed
def test_both_codecs_refuse_values_that_do_not_fit(container: type[FastSszContainer], data: st.DataObject) -> None:
    value = data.draw(values_of(container))
    field = data.draw(st.sampled_from([field.name for field in fields(cast(Any, container))]))
    odd = data.draw(
        st.sampled_from([-1, 2**64, b"", b"abcd", b"x" * 300, (), (1,) * 20, (b"abcdefg",), ((), ()), None])
    )
    changed = replace(cast(Any, value), **{field: odd})
    expected = result(lambda: SszContainer.encode(changed))
    assert result(changed.encode) == expected


def test_the_largest_batch_of_partial_signatures() -> None:
    limit = MAX_PARTIAL_SIGNATURES
    one = PartialSignature(bytes(96), bytes(32), 1, 1)  # type: ignore[arg-type]
    most = PartialSignatures(0, 1, (one,) * limit)  # type: ignore[arg-type]
    encoded = most.encode()
    assert PartialSignatures.decode(encoded) == most
    with pytest.raises(ProtocolError) as error:
        PartialSignatures.decode(encoded + one.encode())
    assert error.value.reason is Reason.SSZ_DECODE
    with pytest.raises(ProtocolError) as error:
        replace(most, messages=(one,) * (limit + 1)).encode()
    assert error.value.reason is Reason.SSZ_ENCODE


@given(encoded=st.binary(max_size=80), operator=st.integers(1, 2**64 - 1), full_data=st.binary(max_size=9))
def test_what_one_operator_signed_is_put_around_the_encoded_message(
    encoded: bytes, operator: int, full_data: bytes
) -> None:
    signature, signer = RsaSignature(bytes(range(256))), OperatorId(operator)
    message = SSVMessage(MsgType.CONSENSUS, MessageId(bytes(56)), encoded)
    signed = SignedSSVMessage((signature,), (signer,), message, full_data)
    assert encode_message(MsgType.CONSENSUS, message.msg_id, encoded) == message.encode()
    assert encode_signed(message.encode(), signature, signer, full_data) == signed.encode()


@pytest.mark.parametrize(("id_bytes", "data_bytes"), [(55, 0), (57, 0), (56, MAX_DATA_BYTES + 1)])
def test_no_message_is_put_together_that_the_codec_would_refuse(id_bytes: int, data_bytes: int) -> None:
    msg_id, data = MessageId(bytes(id_bytes)), bytes(data_bytes)
    for encode in (
        SSVMessage(MsgType.CONSENSUS, msg_id, data).encode,
        partial(encode_message, MsgType.CONSENSUS, msg_id, data),
    ):
        with pytest.raises(ProtocolError) as error:
            encode()
        assert error.value.reason is Reason.SSZ_ENCODE


def test_no_signature_of_another_length_is_put_around_a_message() -> None:
    with pytest.raises(ProtocolError) as error:
        encode_signed(b"", RsaSignature(bytes(255)), OperatorId(1))
    assert error.value.reason is Reason.SSZ_ENCODE


@pytest.mark.parametrize("sedes", [boolean, Vector(ByteList(4), 2)])
def test_what_the_codec_does_not_know_it_does_not_guess(sedes: Any) -> None:
    @dataclass(frozen=True, slots=True)
    class Unknown(FastSszContainer):
        field: Annotated[Any, sedes]

    with pytest.raises(ProtocolError) as error:
        Unknown(1).encode()
    assert "no fast codec" in error.value.detail
