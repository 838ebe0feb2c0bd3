"""Operator keys in files, in every form that the SSV ecosystem has."""

import hashlib
import json
import secrets
from base64 import b64encode
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

from ssv_protocol.crypto import eip2335, operator_keystore, rsa
from ssv_protocol.crypto.operator_keystore import OperatorKeyUnreadable
from ssv_protocol.crypto.rsa import OperatorPrivateKey

KEY = OperatorPrivateKey.generate()
PUBLIC = rsa.encode_for_contract(KEY.public_pem()).decode()
PASSWORD = "correct horse"


@pytest.fixture(autouse=True)
def cheap_keystores(monkeypatch: pytest.MonkeyPatch) -> None:
    """New keystores would take seconds and 256 MiB each; the cost is a parameter of the format."""
    monkeypatch.setattr(eip2335, "SCRYPT_N", 2)


def crypto_of_others(pem: bytes) -> dict[str, Any]:
    """The fields as the Go node makes them: PBKDF2 instead of our scrypt; step by step after EIP-2335."""
    salt, iv = secrets.token_bytes(32), secrets.token_bytes(16)
    key = hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), salt, 10, 32)
    encryptor = Cipher(AES(key[:16]), CTR(iv)).encryptor()
    message = encryptor.update(pem) + encryptor.finalize()
    kdf = {"dklen": 32, "c": 10, "prf": "hmac-sha256", "salt": salt.hex()}
    return {
        "kdf": {"function": "pbkdf2", "params": kdf, "message": ""},
        "checksum": {
            "function": "sha256",
            "params": {},
            "message": hashlib.sha256(key[16:] + message).hexdigest(),
        },
        "cipher": {"function": "aes-128-ctr", "params": {"iv": iv.hex()}, "message": message.hex()},
    }


def reads(content: bytes, password: str | None) -> bool:
    return operator_keystore.decode(content, password).to_pem() == KEY.to_pem()


def test_a_keystore_has_the_fields_that_the_other_nodes_read_and_no_more() -> None:
    # the Rust node refuses fields that it does not know
    content = operator_keystore.encode(KEY, PASSWORD, secrets.token_bytes)
    keystore = json.loads(content)
    assert keystore.keys() == {"checksum", "cipher", "kdf", "pubkey"}
    assert keystore["pubkey"] == PUBLIC
    assert eip2335.decrypt(keystore, PASSWORD) == KEY.to_pem()
    assert reads(content, PASSWORD)


@pytest.mark.parametrize("name", ["pubkey", "pubKey"])
def test_a_keystore_of_another_node(name: str) -> None:
    assert reads(json.dumps(crypto_of_others(KEY.to_pem()) | {name: PUBLIC}).encode(), PASSWORD)


def test_a_keystore_without_the_public_key_or_in_a_wrapping() -> None:
    crypto = crypto_of_others(KEY.to_pem())
    assert reads(json.dumps(crypto).encode(), PASSWORD)
    assert reads(json.dumps({"version": 4, "crypto": crypto, "pubkey": PUBLIC}).encode(), PASSWORD)


@pytest.mark.parametrize("content", [KEY.to_pem(), b"\n" + KEY.to_pem(), b64encode(KEY.to_pem()) + b"\n"])
def test_a_key_that_is_not_encrypted(content: bytes) -> None:
    assert reads(content, None)


def test_what_is_not_encrypted_is_written_as_pem() -> None:
    assert operator_keystore.encode(KEY, None, secrets.token_bytes) == KEY.to_pem()


OTHER = rsa.encode_for_contract(OperatorPrivateKey.generate().public_pem()).decode()
GOOD = crypto_of_others(KEY.to_pem())
UNREADABLE: list[tuple[bytes, str | None, str]] = [
    (json.dumps(GOOD).encode(), None, "is encrypted"),
    (json.dumps(GOOD).encode(), "wrong words", "is not opened by the password"),
    (json.dumps(GOOD | {"pubKey": OTHER}).encode(), PASSWORD, "holds another key than the one it names"),
    (json.dumps(crypto_of_others(b"no key")).encode(), PASSWORD, "is no RSA private key"),
    (b"{", PASSWORD, "is damaged or no keystore"),
    (b'{"crypto": []}', PASSWORD, "is damaged or no keystore"),
    (b"", None, "is no RSA private key"),
    (b"no key", None, "is no RSA private key"),
    (b64encode(b"no key"), None, "is no RSA private key"),
    (b64encode(KEY.public_pem()), None, "is no RSA private key"),
]


@pytest.mark.parametrize(("content", "password", "problem"), UNREADABLE)
def test_what_yields_no_key(content: bytes, password: str | None, problem: str) -> None:
    with pytest.raises(OperatorKeyUnreadable, match=problem) as caught:
        operator_keystore.decode(content, password)
    assert password is None or password not in str(caught.value)
