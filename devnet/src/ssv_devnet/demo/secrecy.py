"""Looks for secrets in everything that a run has written down.

The demo knows every secret of its operators and validators, so after each run it can look for them, in the forms in
which they would slip into a log: as they stand, hexadecimal, base64, decimal.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ssv_devnet.interop import interop_secret_key
from ssv_devnet.local_network.databases import SignerDatabases
from ssv_devnet.local_network.operators import LocalOperator
from ssv_devnet.local_network.world import World
from ssv_protocol.crypto.shares import ShareData, decrypt_share
from ssv_protocol.types.ids import OperatorId
from ssvctl.keyshares_file import read_keyshares

_SHORTEST_TEXT = 12
"""Shorter texts would be found by chance."""


@dataclass(frozen=True, slots=True)
class Leak:
    """A secret in a file."""

    secret: str
    file: Path


def forms_of(secret: bytes) -> set[str]:
    """Return how a binary secret may look in a text."""
    return {
        secret.hex(),
        b64encode(secret).decode().rstrip("="),
        str(int.from_bytes(secret, "big")),
        repr(secret)[2:-1],
    }


def lines_of(text: str) -> set[str]:
    """Return the lines of a textual secret (PEM, password) that are worth looking for."""
    lines = {line.strip() for line in text.splitlines()}
    return {line for line in lines if len(line) >= _SHORTEST_TEXT and not line.startswith("-----")}


def leaks(folder: Path, secrets: Mapping[str, Iterable[str]]) -> list[Leak]:
    """Return the secrets that stand in a log below `folder`."""
    found = []
    for file in sorted(folder.rglob("*.log")):
        content = file.read_text(errors="replace").lower()
        found += [Leak(name, file) for name, forms in secrets.items() if any(form.lower() in content for form in forms)]
    return found


def secrets_of(
    world: World, operators: Mapping[OperatorId, LocalOperator], databases: SignerDatabases | None = None
) -> dict[str, set[str]]:
    """Return every secret of a run by what it is."""
    folder = world.settings.folder
    secrets = {
        f"key of validator {index}": forms_of(interop_secret_key(index).to_bytes())
        for index in world.settings.validators
    }
    secrets["password of the keystores"] = lines_of((folder / "password.txt").read_text())
    if databases is not None:
        secrets["password of the databases"] = lines_of(databases.password)
    for operator_id, key in world.provisioned.operator_keys.items():
        secrets[f"key of operator {operator_id}"] = lines_of(key.to_pem().decode())
    secrets |= _shares(world)
    for operator_id, operator in operators.items():
        for file in sorted(operator.folder.certificates.rglob("*.password")):
            secrets[f"bus password of operator {operator_id}'s {file.stem}"] = lines_of(file.read_text())
        for file in sorted(operator.folder.certificates.glob("*.key")):
            secrets[f"TLS key of operator {operator_id}'s {file.stem}"] = lines_of(file.read_text())
    return secrets


def _shares(world: World) -> dict[str, set[str]]:
    found = {}
    for keyshare in read_keyshares(world.settings.folder / "keyshares.json"):
        operator_ids = sorted(world.provisioned.operator_keys)
        data = ShareData.decode(keyshare.shares_data, len(operator_ids))
        for place, operator_id in enumerate(operator_ids):
            key = world.provisioned.operator_keys[operator_id]
            share = decrypt_share(key, data.encrypted_keys[place], data.public_keys[place])
            name = f"operator {operator_id}'s share of validator {keyshare.public_key.hex()[:8]}"
            found[name] = forms_of(share.to_bytes())
    return found
