"""The `crypto` part of an EIP-2335 keystore: a secret under a password.

The secret is a validator's 32-byte key, or, in the SSV ecosystem, an operator's RSA key as PEM. Key derivation is
left to OpenSSL, which lets other threads run meanwhile.

Source: EIP-2335.
"""

import hashlib
import hmac
import unicodedata
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

from ssv_protocol.crypto.bls import RandomBytes
from ssv_protocol.errors import SsvError

VERSION = 4
"""The format's version, which a keystore names."""
SCRYPT_N = 1 << 18
"""Cost of new keystores: 256 MiB of memory for each try at the password."""
_SCRYPT_R = 8
_SCRYPT_P = 1
_MAX_SCRYPT_BYTES = 1 << 30
_KEY_BYTES = 32
_CIPHER_KEY_BYTES = 16
_IV_BYTES = 16


class WrongPassword(SsvError):
    """The password does not open the keystore."""


class KeystoreInvalid(SsvError):
    """This is no EIP-2335 keystore."""


def encrypt(secret: bytes, password: str, random_bytes: RandomBytes) -> dict[str, Any]:
    """Return a new `crypto` object (scrypt, AES-128-CTR, SHA-256)."""
    salt, iv = random_bytes(_KEY_BYTES), random_bytes(_IV_BYTES)
    params = {"dklen": _KEY_BYTES, "n": SCRYPT_N, "r": _SCRYPT_R, "p": _SCRYPT_P, "salt": salt.hex()}
    key = _derive_key({"function": "scrypt", "params": params}, password)
    ciphertext = _cipher(key, iv).update(secret)
    return {
        "kdf": {"function": "scrypt", "params": params, "message": ""},
        "checksum": {"function": "sha256", "params": {}, "message": _checksum(key, ciphertext).hex()},
        "cipher": {"function": "aes-128-ctr", "params": {"iv": iv.hex()}, "message": ciphertext.hex()},
    }


def decrypt(crypto: Mapping[str, Any], password: str) -> bytearray:
    """Return the secret, for the caller to wipe; raises WrongPassword, KeystoreInvalid (no part of it in either)."""
    try:
        checksum, cipher = crypto["checksum"], crypto["cipher"]
        if (checksum["function"], cipher["function"]) != ("sha256", "aes-128-ctr"):
            raise ValueError("unknown checksum or cipher")
        ciphertext = bytes.fromhex(cipher["message"])
        secret = bytearray(len(ciphertext))
        expected = bytes.fromhex(checksum["message"])
        iv = bytes.fromhex(cipher["params"]["iv"])
        key = _derive_key(crypto["kdf"], password)
        if not hmac.compare_digest(_checksum(key, ciphertext), expected):
            raise WrongPassword("the password does not fit")
        _cipher(key, iv).update_into(ciphertext, secret)
        return secret
    except (KeyError, TypeError, ValueError, OverflowError, MemoryError):
        raise KeystoreInvalid("not an EIP-2335 keystore") from None


def password_bytes(password: str) -> bytes:
    """Return the password as it is hashed: NFKD, without control characters."""
    normal = unicodedata.normalize("NFKD", password)
    return "".join(c for c in normal if unicodedata.category(c) != "Cc").encode("utf-8")


def _derive_key(kdf: Mapping[str, Any], password: str) -> bytes:
    params = kdf["params"]
    salt = bytes.fromhex(params["salt"])
    if params["dklen"] != _KEY_BYTES:
        raise ValueError("derived key of another length")
    if kdf["function"] == "scrypt":
        cost = {name: int(params[name]) for name in ("n", "r", "p")}
        return hashlib.scrypt(password_bytes(password), salt=salt, **cost, maxmem=_MAX_SCRYPT_BYTES, dklen=_KEY_BYTES)
    if kdf["function"] == "pbkdf2" and params["prf"] == "hmac-sha256":
        return hashlib.pbkdf2_hmac("sha256", password_bytes(password), salt, int(params["c"]), _KEY_BYTES)
    raise ValueError("unknown key derivation")


def _checksum(key: bytes, ciphertext: bytes) -> bytes:
    return hashlib.sha256(key[_CIPHER_KEY_BYTES:] + ciphertext).digest()


def _cipher(key: bytes, iv: bytes) -> CipherContext:
    # counter mode: the same for both directions
    return Cipher(AES(key[:_CIPHER_KEY_BYTES]), CTR(iv)).encryptor()
