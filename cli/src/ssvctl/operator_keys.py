"""Operator keys in files.

Private: PKCS#1 PEM, or a JSON keystore as the SSV ecosystem has it (EIP-2335 `crypto` around the PEM bytes, with
the public key in the contract's base64 form). Public: that base64 form, or PEM.

Source: ssvlabs/ssv ssvsigner/keys.
"""

import json
import uuid
from pathlib import Path

from ssv_protocol.crypto import rsa
from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.errors import ProtocolError
from ssv_protocol.registry.operator_key import operator_pem
from ssv_protocol.types.ids import OperatorId
from ssvctl import eip2335
from ssvctl.errors import SsvctlError
from ssvctl.files import PRIVATE, read_bytes, read_json, write_new
from ssvctl.keystores import KEYSTORE_VERSION

_JSON_START = b"{"
_PEM_START = b"-----BEGIN"


def contract_form(public_pem: bytes) -> str:
    """Return a public key in the form in which it is registered: base64 of the PEM."""
    return rsa.encode_for_contract(public_pem).decode("ascii")


def write_operator_key(path: Path, key: OperatorPrivateKey, password: str | None) -> None:
    """Write a private key, readable for its owner only; encrypted if there is a password. Raises SsvctlError."""
    if password is None:
        write_new(path, key.to_pem(), PRIVATE)
        return
    keystore = {
        "version": KEYSTORE_VERSION,
        "pubkey": contract_form(key.public_pem()),
        "crypto": eip2335.encrypt(key.to_pem(), password),
        "uuid": str(uuid.uuid4()),
        "path": "",
        "description": "SSV operator key",
    }
    write_new(path, json.dumps(keystore, indent=2).encode(), PRIVATE)


def read_operator_key(path: Path, password: str | None) -> OperatorPrivateKey:
    """Read what `write_operator_key` or the Go node wrote; raises SsvctlError."""
    content = read_bytes(path, "operator key")
    if not content.lstrip().startswith(_JSON_START):
        return _private_key(path, content)
    if password is None:
        raise SsvctlError(f"operator key {path} is encrypted; name its password file")
    keystore = read_json(path, "operator key")
    try:
        key = _private_key(path, eip2335.decrypt(keystore.get("crypto", {}), password))
    except eip2335.WrongPassword:
        raise SsvctlError(f"the password does not open operator key {path}; check the password file") from None
    except eip2335.KeystoreInvalid:
        raise SsvctlError(f"operator key {path} is damaged or no keystore; restore it from a backup") from None
    named = keystore.get("pubkey") or keystore.get("pubKey")
    if named and named != contract_form(key.public_pem()):
        raise SsvctlError(f"operator key {path} holds another key than the one it names; restore it from a backup")
    return key


def parse_public_key(text: bytes, operator_id: OperatorId, source: str) -> bytes:
    """Return the PEM of an operator's public key given in the contract's form or as PEM; raises SsvctlError."""
    payload = text.strip()
    try:
        if payload.startswith(_PEM_START):
            payload = rsa.encode_for_contract(payload)
        return operator_pem(payload)
    except ProtocolError as error:
        raise SsvctlError(
            f"operator {operator_id}: {source} holds no RSA public key ({error.detail}); "
            "give what `ssvctl keys generate` printed for it"
        ) from None


def _private_key(path: Path, pem: bytes) -> OperatorPrivateKey:
    try:
        return OperatorPrivateKey.from_pem(pem)
    except ProtocolError:
        raise SsvctlError(f"operator key {path} is no RSA private key; is it the right file?") from None
