"""An operator's RSA key as it lies in a file: a JSON keystore, a plain PKCS#1 or PKCS#8 PEM, or the base64 of one.

The keystore is the SSV ecosystem's: the fields of EIP-2335's `crypto` part around the PEM bytes, and beside them the
public key in the contract's base64 form. The Go and the Rust node read and write the same; base64 of the PEM is what
they call the private key when it is not encrypted. The path of the file is the caller's business: an error is the rest
of a sentence that begins with it.

Source: ssvlabs/ssv ssvsigner/keystore, ssvsigner/keys; sigp/anchor operator_key; EIP-2335.
"""

import json
from base64 import b64decode
from typing import Any

from ssv_protocol.crypto import eip2335, rsa
from ssv_protocol.crypto.bls import RandomBytes
from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.crypto.wiping import wiped
from ssv_protocol.errors import ProtocolError, SsvError
from ssv_protocol.nesting import is_shallow

_PEM_START = b"-----BEGIN"
_JSON_START = b"{"


class OperatorKeyUnreadable(SsvError):
    """The file does not yield the key; the text goes on after the file's name and holds no secret."""


def encode(key: OperatorPrivateKey, password: str | None, random_bytes: RandomBytes) -> bytes:
    """Return the content of a new key file: a keystore, or a PEM when there is no password."""
    if password is None:
        return key.to_pem()
    keystore = eip2335.encrypt(key.to_pem(), password, random_bytes) | {"pubkey": _contract_form(key)}
    return json.dumps(keystore, indent=2).encode()


def decode(content: bytes, password: str | None) -> OperatorPrivateKey:
    """Read what `encode` or another node wrote; raises OperatorKeyUnreadable."""
    if not content.lstrip().startswith(_JSON_START):
        return _private_key(content)
    if password is None:
        raise OperatorKeyUnreadable("is encrypted; name its password file")
    try:
        if not is_shallow(content):
            raise ValueError("nested too deeply")
        keystore: dict[str, Any] = json.loads(content)
        # a whole EIP-2335 keystore has the fields a level deeper
        with wiped(eip2335.decrypt(keystore.get("crypto", keystore), password)) as secret:
            key = _private_key(secret)
    except eip2335.WrongPassword:
        raise OperatorKeyUnreadable("is not opened by the password; check the password file") from None
    except (eip2335.KeystoreInvalid, ValueError):
        raise OperatorKeyUnreadable("is damaged or no keystore; restore it from a backup") from None
    named = keystore.get("pubkey") or keystore.get("pubKey")
    if named and named != _contract_form(key):
        raise OperatorKeyUnreadable("holds another key than the one it names; restore it from a backup")
    return key


def _contract_form(key: OperatorPrivateKey) -> str:
    return rsa.encode_for_contract(key.public_pem()).decode("ascii")


def _private_key(content: bytes | bytearray) -> OperatorPrivateKey:
    try:
        pem = bytes(content) if content.lstrip().startswith(_PEM_START) else b64decode(content.strip(), validate=True)
        return OperatorPrivateKey.from_pem(pem)
    except (ProtocolError, ValueError):
        raise OperatorKeyUnreadable("is no RSA private key; is it the right file?") from None
