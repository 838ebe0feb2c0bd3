import random
import secrets
from itertools import combinations

import pytest
from blspy import G1Element, G2Element
from eth_typing import BLSSignature
from hypothesis import given, settings
from hypothesis import strategies as st
from py_ecc.bls.ciphersuites import G2ProofOfPossession as Oracle

from ssv_protocol.crypto import bls
from ssv_protocol.crypto.bls import CURVE_ORDER, SecretKey
from ssv_protocol.crypto.shares import split_key
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.types.committee import COMMITTEE_SIZES, quorum
from ssv_protocol.types.ids import BlsPublicKey, BlsSignature, OperatorId, Root

ROOT = Root(b"\x2a" * 32)
OTHER_ROOT = Root(b"\x2b" * 32)
INFINITY_KEY = BlsPublicKey(bytes(G1Element()))
INFINITY_SIGNATURE = BlsSignature(bytes(G2Element()))

MALFORMED = [b"", bytes(96), b"\xff" * 96, b"\x01" * 95, bytes(INFINITY_SIGNATURE)]


def new_key() -> SecretKey:
    return SecretKey.generate(secrets.token_bytes)


def signed_by(count: int) -> list[tuple[BlsPublicKey, BlsSignature]]:
    return [(key.public_key(), key.sign(ROOT)) for key in (new_key() for _ in range(count))]


def test_signatures_are_ethereums() -> None:
    """Against an implementation of the consensus specification in plain Python."""
    key = new_key()
    scalar = int.from_bytes(key.to_bytes(), "big")
    assert key.public_key() == bytes(Oracle.SkToPk(scalar))
    assert key.sign(ROOT) == bytes(Oracle.Sign(scalar, ROOT))


def test_verify() -> None:
    key, other = new_key(), new_key()
    signature = key.sign(ROOT)
    assert bls.verify(key.public_key(), ROOT, signature)
    assert not bls.verify(other.public_key(), ROOT, signature)
    assert not bls.verify(key.public_key(), OTHER_ROOT, signature)
    assert not bls.verify(key.public_key(), ROOT, other.sign(ROOT))


@pytest.mark.parametrize("signature", MALFORMED)
def test_malformed_signatures_do_not_verify(signature: bytes) -> None:
    key = new_key().public_key()
    assert not bls.verify(key, ROOT, BlsSignature(signature))
    assert not bls.verify_batch([(key, BlsSignature(signature)), *signed_by(1)], ROOT, secrets.token_bytes)


@pytest.mark.parametrize("key", [b"", bytes(48), b"\xff" * 48, b"\x01" * 47, INFINITY_KEY])
def test_malformed_keys_do_not_verify(key: bytes) -> None:
    assert not bls.is_public_key(key)
    assert not bls.verify(BlsPublicKey(key), ROOT, INFINITY_SIGNATURE)
    assert not bls.verify(BlsPublicKey(key), ROOT, new_key().sign(ROOT))


def test_is_public_key() -> None:
    assert bls.is_public_key(new_key().public_key())


@given(st.binary(min_size=48, max_size=48), st.binary(min_size=96, max_size=96))
def test_random_bytes_do_not_verify(key: bytes, signature: bytes) -> None:
    assert not bls.verify(BlsPublicKey(key), ROOT, BlsSignature(signature))


@pytest.mark.parametrize("scalar", [0, -1, CURVE_ORDER, 1 << 256])
def test_secret_key_out_of_range(scalar: int) -> None:
    with pytest.raises(ProtocolError) as caught:
        SecretKey(scalar)
    assert caught.value.reason is Reason.KEY_INVALID


@pytest.mark.parametrize("length", [0, 31, 33])
def test_secret_key_of_another_length(length: int) -> None:
    secret = secrets.token_bytes(length)
    with pytest.raises(ProtocolError) as caught:
        SecretKey.from_bytes(secret)
    assert caught.value.reason is Reason.KEY_INVALID
    assert not length or secret.hex() not in str(caught.value)


def test_secret_key_does_not_show_itself() -> None:
    key = new_key()
    assert SecretKey.from_bytes(key.to_bytes()).public_key() == key.public_key()
    for text in (repr(key), str(key), f"{key}", repr([key]), repr(vars) + repr({"key": key})):
        assert key.to_bytes().hex() not in text
        assert str(int.from_bytes(key.to_bytes(), "big")) not in text
    assert repr(key) == "SecretKey(***)"


def test_random_scalars_are_in_range_whatever_the_bytes() -> None:
    assert bls.random_scalar(bytes) == 1
    assert 0 < bls.random_scalar(lambda count: b"\xff" * count) < CURVE_ORDER


@pytest.mark.parametrize("size", COMMITTEE_SIZES)
def test_any_quorum_reconstructs_the_validators_signature(size: int) -> None:
    key = new_key()
    operator_ids = [OperatorId(i) for i in random.sample(range(1, 3000), size)]
    partials = {
        operator_id: share.sign(ROOT)
        for operator_id, share in split_key(key, operator_ids, secrets.token_bytes).items()
    }
    quorums = list(combinations(operator_ids, quorum(size)))
    for members in random.sample(quorums, min(len(quorums), 12)):
        assert bls.reconstruct({member: partials[member] for member in members}) == key.sign(ROOT)
    assert bls.reconstruct(partials) == key.sign(ROOT)
    too_few = random.sample(operator_ids, quorum(size) - 1)
    assert bls.reconstruct({member: partials[member] for member in too_few}) != key.sign(ROOT)


def test_one_wrong_partial_spoils_the_signature() -> None:
    key = new_key()
    operator_ids = [OperatorId(i) for i in (1, 2, 3, 4)]
    shares = split_key(key, operator_ids, secrets.token_bytes)
    partials = {operator_id: shares[operator_id].sign(ROOT) for operator_id in operator_ids[:3]}
    partials[OperatorId(2)] = shares[OperatorId(2)].sign(OTHER_ROOT)
    assert not bls.verify(key.public_key(), ROOT, bls.reconstruct(partials))


@pytest.mark.parametrize("partials", [{}, *({OperatorId(1): BlsSignature(s)} for s in MALFORMED)])
def test_reconstruct_refuses(partials: dict[OperatorId, BlsSignature]) -> None:
    with pytest.raises(ProtocolError) as caught:
        bls.reconstruct(partials)
    assert caught.value.reason is Reason.RECONSTRUCT_SIGNATURE


@given(st.sets(st.integers(1, 2**64 - 1), min_size=1, max_size=13), st.data())
@settings(max_examples=50)
def test_lagrange_coefficients_interpolate_at_zero(ids: set[int], data: st.DataObject) -> None:
    polynomial = [data.draw(st.integers(0, CURVE_ORDER - 1)) for _ in ids]
    members = tuple(OperatorId(i) for i in sorted(ids))
    values = [sum(a * pow(x, k, CURVE_ORDER) for k, a in enumerate(polynomial)) for x in members]
    coefficients = bls.lagrange_coefficients(members)
    at_zero = sum(c * y for c, y in zip(coefficients, values, strict=True)) % CURVE_ORDER
    assert at_zero == polynomial[0]


@pytest.mark.parametrize("count", [0, 1, 2, 30])
def test_a_batch_of_good_signatures(count: int) -> None:
    assert bls.verify_batch(signed_by(count), ROOT, secrets.token_bytes)


@pytest.mark.parametrize("count", [1, 2, 30])
def test_a_batch_with_one_bad_signature(count: int) -> None:
    batch = signed_by(count)
    key, _ = batch[-1]
    batch[-1] = (key, new_key().sign(ROOT))
    assert not bls.verify_batch(batch, ROOT, secrets.token_bytes)


def test_a_batch_whose_errors_cancel_is_refused() -> None:
    """Both signatures are wrong by the same point, once added and once taken away."""
    batch = signed_by(3)
    (first_key, first), (second_key, second), third = batch
    error = G2Element.from_bytes(new_key().sign(OTHER_ROOT))
    tampered = [
        (first_key, BlsSignature(bytes(G2Element.from_bytes(first) + error))),
        (second_key, BlsSignature(bytes(G2Element.from_bytes(second) + error.negate()))),
        third,
    ]
    sums = [bls.aggregate([signature for _, signature in pairs]) for pairs in (batch, tampered)]
    assert sums[0] == sums[1], "without blinders the errors do cancel"
    assert not bls.verify_batch(tampered, ROOT, secrets.token_bytes)


@pytest.mark.parametrize("key", [INFINITY_KEY, b"\xff" * 48])
@pytest.mark.parametrize("signature", [INFINITY_SIGNATURE, b"\xff" * 96])
def test_a_batch_refuses_infinity_that_signs_nothing(key: bytes, signature: bytes) -> None:
    """It would add nothing to either sum."""
    batch = [*signed_by(2), (BlsPublicKey(key), BlsSignature(signature))]
    assert not bls.verify_batch(batch, ROOT, secrets.token_bytes)


def test_swapped_signatures_are_refused() -> None:
    (first_key, first), (second_key, second) = signed_by(2)
    assert not bls.verify_batch([(first_key, second), (second_key, first)], ROOT, secrets.token_bytes)


def test_aggregate_is_the_consensus_specifications() -> None:
    signatures = [signature for _, signature in signed_by(3)]
    assert bls.aggregate(signatures) == bytes(Oracle.Aggregate([BLSSignature(s) for s in signatures]))
    with pytest.raises(ProtocolError) as caught:
        bls.aggregate([BlsSignature(b"\xff" * 96)])
    assert caught.value.reason is Reason.RECONSTRUCT_SIGNATURE
