"""The network key: secp256k1, made at the first start and kept. It is the peer id, and nothing else.

Who loses it becomes another peer. It signs no duty, so it is no key of the operator.

Source: ssvlabs/ssv network/commons/keys.go (one key for libp2p and discovery).
"""

from __future__ import annotations

import os
from pathlib import Path

from libp2p.crypto.keys import KeyPair
from libp2p.crypto.secp256k1 import create_new_key_pair

from ssv_runtime.files import write_atomically
from ssv_runtime.settings import SettingsError

FILE = "network.key"


def load_network_key(data_dir: Path) -> KeyPair:
    """Return the key in `data_dir`, made if there is none.

    Raises:
        SettingsError: the folder cannot be written, or the file holds no key.
    """
    path = data_dir / FILE
    try:
        text = path.read_text()
    except FileNotFoundError:
        return _make(path)
    except (OSError, UnicodeDecodeError):
        raise SettingsError(f"data_dir: {path} cannot be read") from None
    try:
        return create_new_key_pair(bytes.fromhex(text.strip()))
    except ValueError:
        raise SettingsError(f"data_dir: {path} holds no network key; without the file a new one is made") from None


def _make(path: Path) -> KeyPair:
    secret = os.urandom(32)
    pair = create_new_key_pair(secret)
    try:
        write_atomically(path, secret.hex().encode() + b"\n", mode=0o600)
    except OSError as error:
        raise SettingsError(f"data_dir: {path} cannot be written: {error.strerror}") from None
    return pair
