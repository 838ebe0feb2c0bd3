import secrets
import traceback

import pytest
from eth_hash.auto import keccak
from hypothesis import given
from hypothesis import strategies as st

from ssv_protocol.crypto import bls, rsa
from ssv_protocol.crypto.bls import CURVE_ORDER, SecretKey
from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.crypto.shares import (
    ShareData,
    build_share_data,
    decrypt_share,
    encrypt_share,
    ownership_root,
    split_key,
)
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.types.committee import COMMITTEE_SIZES
from ssv_protocol.types.ids import ExecutionAddress, OperatorId, Root

OWNER = ExecutionAddress(bytes.fromhex("5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"))
ROOT = Root(b"\x11" * 32)


def ids(*numbers: int) -> list[OperatorId]:
    return [OperatorId(number) for number in numbers]


def new_key() -> SecretKey:
    return SecretKey.generate(secrets.token_bytes)


@pytest.fixture(scope="module")
def operators() -> dict[OperatorId, OperatorPrivateKey]:
    return {OperatorId(number): OperatorPrivateKey.generate() for number in (9, 2, 30, 4)}


def test_the_ownership_message_has_the_checksummed_owner() -> None:
    text = b"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed:7"  # the owner is an example of EIP-55
    assert ownership_root(OWNER, 7) == keccak(text)
    assert ownership_root(OWNER, 8) != ownership_root(OWNER, 7)


def test_share_data_of_an_event(operators: dict[OperatorId, OperatorPrivateKey]) -> None:
    key = new_key()
    pems = {operator_id: private.public_pem() for operator_id, private in operators.items()}
    encoded = build_share_data(key, pems, OWNER, 3, secrets.token_bytes).encode()
    assert len(encoded) == 1312
    data = ShareData.decode(encoded, 4)
    assert bls.verify(key.public_key(), ownership_root(OWNER, 3), data.ownership_signature)
    partials = {}
    for seat, operator_id in enumerate(sorted(operators)):
        share = decrypt_share(operators[operator_id], data.encrypted_keys[seat], data.public_keys[seat])
        partials[operator_id] = share.sign(ROOT)
    del partials[OperatorId(9)]
    assert bls.reconstruct(partials) == key.sign(ROOT)
    assert key.to_bytes().hex() not in repr(data)


@pytest.mark.parametrize("size", COMMITTEE_SIZES)
def test_share_data_has_one_length_for_each_committee_size(size: int) -> None:
    length = {4: 1312, 7: 2224, 10: 3136, 13: 4048}[size]
    raw = secrets.token_bytes(length)
    assert ShareData.decode(raw, size).encode() == raw
    for wrong in (raw[:-1], raw + b"\0", b""):
        with pytest.raises(ProtocolError) as caught:
            ShareData.decode(wrong, size)
        assert caught.value.reason is Reason.SHARE_INVALID


@pytest.mark.parametrize(
    "operator_ids", [[], ids(1), ids(1, 2, 3), ids(1, 2, 3, 3), ids(0, 1, 2, 3), ids(CURVE_ORDER, 1, 2, 3)]
)
def test_a_key_is_split_among_a_committee_only(operator_ids: list[OperatorId]) -> None:
    with pytest.raises(ProtocolError) as caught:
        split_key(new_key(), operator_ids, secrets.token_bytes)
    assert caught.value.reason is Reason.SHARE_INVALID


def test_splitting_twice_gives_other_shares() -> None:
    key = new_key()
    first, second = (split_key(key, ids(1, 2, 3, 4), secrets.token_bytes) for _ in range(2))
    everything = [share.to_bytes() for shares in (first, second) for share in shares.values()]
    assert len({*everything, key.to_bytes()}) == 9


def test_a_share_tampered_with(operators: dict[OperatorId, OperatorPrivateKey]) -> None:
    private = operators[OperatorId(2)]
    share = new_key()
    good = encrypt_share(private.public_pem(), share)
    assert decrypt_share(private, good, share.public_key()).to_bytes() == share.to_bytes()
    pem = private.public_pem()
    text = share.to_bytes().hex().encode()
    tampered = {
        "one bit": bytes([good[0] ^ 1]) + good[1:],
        "cut short": good[:-1],
        "empty": b"",
        "another share": encrypt_share(pem, new_key()),
        "no hex": rsa.encrypt(pem, b"0x" + b"zz" * 32),
        "not ASCII": rsa.encrypt(pem, b"\xff" * 64),
        "too short": rsa.encrypt(pem, text[:-2]),
        "zero": rsa.encrypt(pem, b"00" * 32),
        "for another operator": encrypt_share(operators[OperatorId(4)].public_pem(), share),
    }
    for name, ciphertext in tampered.items():
        with pytest.raises(ProtocolError) as caught:
            decrypt_share(private, ciphertext, share.public_key())
        assert caught.value.reason is Reason.SHARE_DECRYPTION, name
        shown = "".join(traceback.format_exception(caught.value))
        assert text.decode() not in shown, name
        assert text.decode()[:-2] not in shown, name


def test_a_share_without_the_hex_prefix_is_taken(operators: dict[OperatorId, OperatorPrivateKey]) -> None:
    private = operators[OperatorId(2)]
    share = new_key()
    ciphertext = rsa.encrypt(private.public_pem(), share.to_bytes().hex().encode())
    assert decrypt_share(private, ciphertext, share.public_key()).public_key() == share.public_key()


def test_an_operator_without_an_rsa_key(operators: dict[OperatorId, OperatorPrivateKey]) -> None:
    pems = {operator_id: private.public_pem() for operator_id, private in operators.items()}
    pems[OperatorId(9)] = b"no key"
    key = new_key()
    with pytest.raises(ProtocolError) as caught:
        build_share_data(key, pems, OWNER, 0, secrets.token_bytes)
    assert caught.value.reason is Reason.KEY_INVALID
    assert key.to_bytes().hex() not in str(caught.value)


@given(st.binary(max_size=5000), st.integers(0, 13))
def test_share_bytes_decode_to_what_they_were_or_not_at_all(raw: bytes, operators: int) -> None:
    try:
        data = ShareData.decode(raw, operators)
    except ProtocolError:
        assert len(raw) != 96 + 304 * operators
        return
    assert data.encode() == raw
