"""The operator's RSA key, read from its file with the password of another file."""

from __future__ import annotations

from pathlib import Path

from ssv_protocol.crypto import operator_keystore
from ssv_protocol.crypto.operator_keystore import OperatorKeyUnreadable
from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_signer.errors import StartRefused


def read(key_file: Path, password_file: Path | None) -> OperatorPrivateKey:
    """Return the key; raises StartRefused, whose text names the file and never a password."""
    password = None if password_file is None else _password(password_file)
    try:
        return operator_keystore.decode(_content(key_file, "operator key"), password)
    except OperatorKeyUnreadable as error:
        raise StartRefused(f"operator key {key_file} {error}") from None


def _password(path: Path) -> str:
    try:
        password = _content(path, "password file").decode("utf-8").strip()
    except UnicodeDecodeError:
        raise StartRefused(f"password file {path} is not text; is it the right file?") from None
    if not password:
        raise StartRefused(f"password file {path} is empty; write the password into it")
    return password


def _content(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StartRefused(f"{what} {path}: {error.strerror}; name a file that can be read") from None
