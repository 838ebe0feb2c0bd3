"""Plaintext is overwritten once it was read, also when that fails; keys are neither pickled nor copied."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ssv_protocol.crypto import eip2335, operator_keystore, shares
from ssv_protocol.crypto.bls import CURVE_ORDER, SecretKey
from ssv_protocol.crypto.operator_keystore import OperatorKeyUnreadable
from ssv_protocol.crypto.rsa import OperatorPrivateKey, encrypt
from ssv_protocol.crypto.wiping import wiped
from ssv_protocol.errors import ProtocolError

PASSWORD = "correct horse"
Seen = list[tuple[bytes, bytearray]]


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Seen:
    """What was handed out to be wiped: as it was then, and the buffer itself."""
    buffers: Seen = []

    @contextmanager
    def watched(secret: bytearray) -> Iterator[bytearray]:
        buffers.append((bytes(secret), secret))
        with wiped(secret):
            yield secret

    for module in (shares, operator_keystore):
        monkeypatch.setattr(module, "wiped", watched)
    monkeypatch.setattr(eip2335, "SCRYPT_N", 2)
    return buffers


@pytest.fixture(scope="module")
def operator_key() -> OperatorPrivateKey:
    return OperatorPrivateKey.generate()


def test_the_block_ends_with_zeros() -> None:
    secret = bytearray(b"secret")
    with pytest.raises(ValueError, match="reading"), wiped(secret):
        raise ValueError("reading")
    assert secret == bytes(6)


def test_a_share_that_was_decrypted(seen: Seen, operator_key: OperatorPrivateKey) -> None:
    share = SecretKey(7)
    sealed = shares.encrypt_share(operator_key.public_pem(), share)
    assert shares.decrypt_share(operator_key, sealed, share.public_key()).to_bytes() == share.to_bytes()
    ((before, after),) = seen
    assert before == share.to_bytes()
    assert after == bytes(32)


def test_a_share_that_is_none(seen: Seen, operator_key: OperatorPrivateKey) -> None:
    sealed = encrypt(operator_key.public_pem(), b"ff" * 32)
    with pytest.raises(ProtocolError) as caught:
        shares.decrypt_share(operator_key, sealed, SecretKey(7).public_key())
    assert "ff" * 8 not in str(caught.value)
    assert [after for _, after in seen] == [bytes(32)]


def test_an_operator_key_that_was_decrypted(seen: Seen, operator_key: OperatorPrivateKey) -> None:
    content = operator_keystore.encode(operator_key, PASSWORD, bytes)
    assert operator_keystore.decode(content, PASSWORD).public_pem() == operator_key.public_pem()
    with pytest.raises(OperatorKeyUnreadable):
        operator_keystore.decode(content, "battery staple")
    ((before, after),) = seen
    assert b"PRIVATE KEY" in before
    assert not any(after)


@pytest.mark.parametrize("scalar", [0, CURVE_ORDER, 2**256 - 1])
def test_bytes_that_are_no_key(scalar: int) -> None:
    secret = scalar.to_bytes(32, "big")
    with pytest.raises(ProtocolError) as caught:
        SecretKey.from_bytes(secret)
    assert secret.hex() not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.mark.parametrize("name", ["bls", "operator"])
def test_keys_do_not_travel(operator_key: OperatorPrivateKey, name: str) -> None:
    key = SecretKey(7) if name == "bls" else operator_key
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="neither pickled nor copied"):
            pickle.dumps({"key": key}, protocol)
    with pytest.raises(TypeError):
        copy.deepcopy(key)
