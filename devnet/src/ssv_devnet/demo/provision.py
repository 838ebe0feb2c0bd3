"""From validator keystores to validators registered on the EVM, by the way a user goes.

Keystores are written for the SSV validators, `ssvctl shares split` splits them, transactions register operators
and validators, and from here on every operator learns everything from the contract's logs.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from eth_keyfile.keyfile import create_keyfile_json

from ssv_devnet.interop import interop_secret_key
from ssv_devnet.registry_contract import RegistryContract, register_operators, register_validators
from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.errors import SsvError
from ssv_protocol.registry.operator_key import encode_operator_key
from ssv_protocol.types.ids import BlsPublicKey, OperatorId, ValidatorIndex

_KDF_ROUNDS = 16
"""These keys protect nothing, so their keystores need not be slow to open."""


class ProvisionError(SsvError):
    """The demo could not be set up; the text says at which step and why."""


@dataclass(frozen=True, slots=True)
class Provisioned:
    """What the operators are started with: their RSA keys, nothing else."""

    operator_keys: Mapping[OperatorId, OperatorPrivateKey]
    validators: tuple[BlsPublicKey, ...]


def fresh_folder(folder: Path) -> Path:
    """Return `folder`, emptied of an earlier run."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


async def provision(
    registry: RegistryContract, indices: Sequence[ValidatorIndex], operators: int, folder: Path
) -> Provisioned:
    """Register `operators` new operators and the validators of `indices`; raises ProvisionError, EvmError."""
    keys = await asyncio.gather(*(asyncio.to_thread(OperatorPrivateKey.generate) for _ in range(operators)))
    registered = await register_operators(registry, [encode_operator_key(key.public_pem()) for key in keys])
    operator_keys = dict(zip(registered, keys, strict=True))
    write_keystores(folder / "keystores", indices)
    for operator_id, key in operator_keys.items():
        (folder / f"operator-{operator_id}.pem").write_bytes(key.public_pem())
    keyshares = await split_with_ssvctl(folder, registry.owner, sorted(operator_keys))
    await register_validators(registry, keyshares, sorted(operator_keys))
    return Provisioned(operator_keys, tuple(pubkey for pubkey, _ in keyshares))


def write_keystores(folder: Path, indices: Sequence[ValidatorIndex]) -> None:
    """Write an EIP-2335 keystore for each validator, and the password beside the folder."""
    folder.mkdir()
    password = secrets.token_hex(16)
    (folder.parent / "password.txt").write_text(password)
    for index in indices:
        secret = interop_secret_key(index)
        keystore = create_keyfile_json(
            secret.to_bytes(), password.encode(), version=4, kdf="pbkdf2", iterations=_KDF_ROUNDS
        )
        (folder / f"keystore-{index:04}.json").write_text(json.dumps(keystore))


async def split_with_ssvctl(
    folder: Path, owner: str, operator_ids: Sequence[OperatorId]
) -> list[tuple[BlsPublicKey, bytes]]:
    """Run `ssvctl shares split`; return each validator's key and share bytes in the order of their nonces."""
    out = folder / "keyshares.json"
    command = [
        str(Path(sys.executable).with_name("ssvctl")), "shares", "split",
        "--keystore-dir", str(folder / "keystores"), "--password-file", str(folder / "password.txt"),
        "--owner", owner, "--nonce", "0", "--out", str(out),
    ]  # fmt: skip
    for operator_id in operator_ids:
        command += ["--operator", f"{operator_id}={folder / f'operator-{operator_id}.pem'}"]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    _, errors = await process.communicate()
    if process.returncode != 0:
        raise ProvisionError(f"ssvctl shares split failed: {errors.decode(errors='replace').strip()}")
    return [
        (BlsPublicKey(_bytes(share["payload"]["publicKey"])), _bytes(share["payload"]["sharesData"]))
        for share in json.loads(out.read_text())["shares"]
    ]


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
