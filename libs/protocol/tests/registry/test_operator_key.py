from base64 import b64encode

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa as rsa_keys
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st
from libs.protocol.tests.registry.chain import operator_key

from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.registry.operator_key import encode_operator_key, operator_pem, unpack_operator_key
from ssv_protocol.types.operator import OPERATOR_KEY_PEM_BYTES


def test_a_key_goes_into_the_contract_and_comes_back() -> None:
    pem = operator_key(1).public_pem()
    payload = unpack_operator_key(encode_operator_key(pem))
    assert payload == b64encode(pem)
    assert len(payload) == 612
    assert operator_pem(payload) == pem


def test_a_standard_pem_label_gives_the_networks_pem() -> None:
    pem = operator_key(1).public_pem()
    standard = pem.replace(b"RSA PUBLIC KEY", b"PUBLIC KEY")
    assert operator_pem(b64encode(standard)) == pem
    assert len(pem) == OPERATOR_KEY_PEM_BYTES


def test_padding_of_the_event_bytes_does_not_matter() -> None:
    """Hand-written encoders leave it out or fill it; the network takes both."""
    encoded = encode(["bytes"], [b"abc"])
    assert unpack_operator_key(encoded[: 64 + 3]) == b"abc"
    assert unpack_operator_key(encoded[: 64 + 3] + b"\xff" * 29) == b"abc"


@pytest.mark.parametrize(
    "event_bytes",
    [b"", b"\x00" * 31, b"\xff" * 64, encode(["bytes"], [b"abc"])[:66], (64).to_bytes(32, "big") + bytes(32)],
)
def test_event_bytes_that_are_no_encoding_are_refused(event_bytes: bytes) -> None:
    with pytest.raises(ProtocolError) as caught:
        unpack_operator_key(event_bytes)
    assert caught.value.reason is Reason.KEY_INVALID


def test_wrong_payloads_are_refused() -> None:
    big = rsa_keys.generate_private_key(65537, 1024).public_key()
    other_size = big.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    for payload in (b"", b"no base64!", b64encode(b"no pem"), b64encode(other_size)):
        with pytest.raises(ProtocolError) as caught:
            operator_pem(payload)
        assert caught.value.reason is Reason.KEY_INVALID


@given(st.binary(max_size=200))
def test_unpacking_gives_a_slice_or_refuses(event_bytes: bytes) -> None:
    try:
        payload = unpack_operator_key(event_bytes)
    except ProtocolError:
        return
    assert payload in event_bytes
