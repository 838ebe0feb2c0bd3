"""Validator keystores (EIP-2335) as deposit tools write them.

Source: EIP-2335.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ssv_protocol.crypto import eip2335
from ssv_protocol.crypto.bls import SecretKey
from ssv_protocol.errors import ProtocolError
from ssvctl.errors import SsvctlError
from ssvctl.files import read_json

_MAX_THREADS = 4  # each may take 256 MiB for scrypt


def read_keystore(path: Path, password: str) -> SecretKey:
    """Return the validator key in a keystore.

    Raises:
        SsvctlError: unreadable, not a validator keystore, wrong password, or the key of another validator than
            the one the keystore names.
    """
    content = read_json(path, "keystore")
    if not isinstance(content, dict) or content.get("version") != eip2335.VERSION:
        raise SsvctlError(f"keystore {path} is no validator keystore (EIP-2335, version 4); is it the right file?")
    try:
        secret = SecretKey.from_bytes(eip2335.decrypt(content.get("crypto", {}), password))
    except eip2335.WrongPassword:
        raise SsvctlError(f"the password does not open keystore {path}; check the password file") from None
    except eip2335.KeystoreInvalid:
        raise SsvctlError(f"keystore {path} is damaged or of an unknown kind; restore it from a backup") from None
    except ProtocolError:
        raise SsvctlError(f"keystore {path} holds no validator key; is it an operator's?") from None
    named = _named_validator(content)
    if named and named != secret.public_key().hex():
        raise SsvctlError(
            f"keystore {path} holds the key of another validator than the one it names (0x{named}); "
            "restore it from a backup"
        )
    return secret


def read_keystores(
    paths: Sequence[Path], password: str, progress: Callable[[], None] = lambda: None
) -> list[SecretKey]:
    """Return the keys of several keystores under one password, in their order, several at a time.

    Raises:
        SsvctlError: as `read_keystore`, or two keystores hold the same key.
    """
    keys: list[SecretKey] = []
    seen: dict[bytes, Path] = {}
    with ThreadPoolExecutor(min(os.cpu_count() or 1, _MAX_THREADS)) as threads:
        reading = [threads.submit(read_keystore, path, password) for path in paths]
        try:
            for path, future in zip(paths, reading, strict=True):
                key = future.result()
                twin = seen.get(key.public_key())
                if twin is not None:
                    raise SsvctlError(f"keystores {twin} and {path} hold the same validator; leave one of them out")
                seen[key.public_key()] = path
                keys.append(key)
                progress()
        finally:
            threads.shutdown(cancel_futures=True)
    return keys


def find_keystores(folder: Path) -> list[Path]:
    """Return the keystores of a folder (keystore*.json) by name; raises SsvctlError when it has none."""
    paths = sorted(folder.glob("keystore*.json"))
    if not paths:
        raise SsvctlError(f"folder {folder} holds no keystore*.json; name the folder of the validators' keystores")
    return paths


def _named_validator(content: dict[str, Any]) -> str:
    named = content.get("pubkey")
    return named.lower().removeprefix("0x") if isinstance(named, str) else ""
