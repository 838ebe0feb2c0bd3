"""The keyshares file: what an owner needs to register validators, in the shape that ssv-keys writes.

Nothing in it is secret: the shares are encrypted for their operators, and public once they are registered.

Source: ssvlabs/ssv-keys, keyshares file v1.1.
"""

import json
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from eth_utils.address import to_checksum_address

from ssv_protocol.registry.events import ValidatorAdded
from ssv_protocol.types.ids import BlsPublicKey, ExecutionAddress, OperatorId
from ssvctl.errors import SsvctlError
from ssvctl.files import read_json
from ssvctl.operator_keys import contract_form

VERSION = "v1.1.0"
_ADDRESS_BYTES = 20


@dataclass(frozen=True, slots=True)
class ValidatorShares:
    """One validator's registration. `operator_keys` (PEM) are by ascending id, as are the shares."""

    owner: ExecutionAddress
    nonce: int
    public_key: BlsPublicKey
    operator_keys: Mapping[OperatorId, bytes]
    shares_data: bytes

    @property
    def operator_ids(self) -> tuple[OperatorId, ...]:
        """The committee, ascending."""
        return tuple(self.operator_keys)

    def event(self) -> ValidatorAdded:
        """Return the contract event that registering it would make."""
        return ValidatorAdded(self.owner, self.operator_ids, self.public_key, self.shares_data)


def encode_keyshares(shares: Sequence[ValidatorShares], created_at: datetime) -> bytes:
    """Return the file's content."""
    document = {
        "version": VERSION,
        "createdAt": created_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "shares": [_encode_entry(entry) for entry in shares],
    }
    return json.dumps(document, indent=2).encode()


def read_keyshares(path: Path) -> list[ValidatorShares]:
    """Read a keyshares file, of one or several validators; raises SsvctlError."""
    document = read_json(path, "keyshares file")
    try:
        entries = document.get("shares", [document])
        if not isinstance(entries, list) or not entries:
            raise ValueError("no validators")
        return [_decode_entry(entry) for entry in entries]
    except (KeyError, TypeError, ValueError, AttributeError):
        raise SsvctlError(f"{path} is no keyshares file (ssv-keys v1.1 or newer); is it the right file?") from None


def _encode_entry(entry: ValidatorShares) -> dict[str, Any]:
    public_key = f"0x{entry.public_key.hex()}"
    return {
        "data": {
            "ownerNonce": entry.nonce,
            "ownerAddress": to_checksum_address(entry.owner),
            "publicKey": public_key,
            "operators": [
                {"id": operator_id, "operatorKey": contract_form(pem)}
                for operator_id, pem in entry.operator_keys.items()
            ],
        },
        "payload": {
            "publicKey": public_key,
            "operatorIds": list(entry.operator_ids),
            "sharesData": f"0x{entry.shares_data.hex()}",
        },
    }


def _decode_entry(entry: dict[str, Any]) -> ValidatorShares:
    data, payload = entry["data"], entry["payload"]
    operators = {OperatorId(int(o["id"])): b64decode(o["operatorKey"]) for o in data["operators"]}
    listed = [int(operator_id) for operator_id in payload["operatorIds"]]
    if data["publicKey"] != payload["publicKey"] or listed != list(operators):
        raise ValueError("data and payload differ")
    owner = ExecutionAddress(_hex(data["ownerAddress"]))
    if len(owner) != _ADDRESS_BYTES:
        raise ValueError("owner is no address")
    return ValidatorShares(
        owner,
        int(data["ownerNonce"]),
        BlsPublicKey(_hex(payload["publicKey"])),
        operators,
        _hex(payload["sharesData"]),
    )


def _hex(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
