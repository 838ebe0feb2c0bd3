"""Operator keys in files.

Private: see `ssv_protocol.crypto.operator_keystore`. Public: the contract's base64 form, or PEM.

Source: ssvlabs/ssv ssvsigner/keys.
"""

import secrets
from pathlib import Path

from ssv_protocol.crypto import operator_keystore, rsa
from ssv_protocol.crypto.operator_keystore import OperatorKeyUnreadable
from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.errors import ProtocolError
from ssv_protocol.registry.operator_key import operator_pem
from ssv_protocol.types.ids import OperatorId
from ssvctl.errors import SsvctlError
from ssvctl.files import PRIVATE, read_bytes, write_new

_PEM_START = b"-----BEGIN"


def contract_form(public_pem: bytes) -> str:
    """Return a public key in the form in which it is registered: base64 of the PEM."""
    return rsa.encode_for_contract(public_pem).decode("ascii")


def write_operator_key(path: Path, key: OperatorPrivateKey, password: str | None) -> None:
    """Write a private key, readable for its owner only; encrypted if there is a password. Raises SsvctlError."""
    write_new(path, operator_keystore.encode(key, password, secrets.token_bytes), PRIVATE)


def read_operator_key(path: Path, password: str | None) -> OperatorPrivateKey:
    """Read what `write_operator_key` or the Go node wrote; raises SsvctlError."""
    try:
        return operator_keystore.decode(read_bytes(path, "operator key"), password)
    except OperatorKeyUnreadable as error:
        raise SsvctlError(f"operator key {path} {error}") from None


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
