"""eth-keyfile is the second opinion; the examples of EIP-2335 itself are the third."""

import secrets
from typing import Any

import pytest
from eth_keyfile.keyfile import create_keyfile_json, decode_keyfile_json

from ssv_protocol.crypto import eip2335

EXAMPLE_SECRET = bytes.fromhex("000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f")
EXAMPLE_PASSWORD = "𝔱𝔢𝔰𝔱𝔭𝔞𝔰𝔰𝔴𝔬𝔯𝔡🔑"  # noqa: RUF001
EXAMPLE_SALT = "d4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3"
EXAMPLE_PBKDF2 = {
    "kdf": {
        "function": "pbkdf2",
        "params": {"dklen": 32, "c": 262144, "prf": "hmac-sha256", "salt": EXAMPLE_SALT},
        "message": "",
    },
    "checksum": {
        "function": "sha256",
        "params": {},
        "message": "8a9f5d9912ed7e75ea794bc5a89bca5f193721d30868ade6f73043c6ea6febf1",
    },
    "cipher": {
        "function": "aes-128-ctr",
        "params": {"iv": "264daa3f303d7259501c93d997d84fe6"},
        "message": "cee03fde2af33149775b7223e7845e4fb2c8ae1792e5f99fe9ecf474cc8c16ad",
    },
}


@pytest.fixture(autouse=True)
def cheap_keystores(monkeypatch: pytest.MonkeyPatch) -> None:
    """New keystores would take seconds and 256 MiB each; the cost is a parameter of the format."""
    monkeypatch.setattr(eip2335, "SCRYPT_N", 2)


def test_the_example_of_the_standard() -> None:
    assert eip2335.decrypt(EXAMPLE_PBKDF2, EXAMPLE_PASSWORD) == EXAMPLE_SECRET


def test_passwords_are_normalised() -> None:
    assert eip2335.password_bytes(EXAMPLE_PASSWORD) == "testpassword🔑".encode()
    assert eip2335.password_bytes("a\x00b\x1f\x7f\x80c\n d") == b"abc d"


@pytest.mark.parametrize("length", [32, 1679])
def test_what_is_encrypted_can_be_decrypted_here_and_elsewhere(length: int) -> None:
    secret = secrets.token_bytes(length)
    crypto = eip2335.encrypt(secret, "pass word", secrets.token_bytes)
    assert eip2335.decrypt(crypto, "pass word") == secret
    assert decode_keyfile_json({"version": 4, "crypto": crypto}, b"pass word") == secret
    assert secret.hex() not in str(crypto)


@pytest.mark.parametrize(("kdf", "cost"), [("scrypt", 2), ("pbkdf2", 10)])
def test_keystores_made_elsewhere(kdf: Any, cost: int) -> None:
    secret = b"\x01" + secrets.token_bytes(31)
    made = create_keyfile_json(secret, b"pass word", version=4, kdf=kdf, iterations=cost)
    assert eip2335.decrypt(made["crypto"], "pass word") == secret


def test_a_wrong_password() -> None:
    crypto = eip2335.encrypt(b"secret" * 6, "right", secrets.token_bytes)
    with pytest.raises(eip2335.WrongPassword) as caught:
        eip2335.decrypt(crypto, "wrong words")
    assert "wrong words" not in str(caught.value)


def broken() -> dict[str, dict[str, Any]]:
    good = eip2335.encrypt(b"secret", "right", secrets.token_bytes)
    return {
        "empty": {},
        "no cipher": {"kdf": good["kdf"], "checksum": good["checksum"]},
        "cipher unknown": good | {"cipher": good["cipher"] | {"function": "rot13"}},
        "kdf unknown": good | {"kdf": good["kdf"] | {"function": "md5"}},
        "no hex": good | {"cipher": good["cipher"] | {"message": "xyz"}},
        "iv cut short": good | {"cipher": good["cipher"] | {"params": {"iv": "00"}}},
        "scrypt of 1 TiB": good | {"kdf": good["kdf"] | {"params": good["kdf"]["params"] | {"n": 1 << 30}}},
        "scrypt of no power of two": good | {"kdf": good["kdf"] | {"params": good["kdf"]["params"] | {"n": 3}}},
        "another key length": good | {"kdf": good["kdf"] | {"params": good["kdf"]["params"] | {"dklen": 64}}},
    }


@pytest.mark.parametrize("name", broken())
def test_a_broken_keystore(name: str) -> None:
    with pytest.raises(eip2335.KeystoreInvalid):
        eip2335.decrypt(broken()[name], "right")
