"""The keyshares file: what an owner needs to register validators, in the shape that ssv-keys writes.

Nothing in it is secret: the shares are encrypted for their operators, and public once they are registered.

Source: ssvlabs/ssv-keys v1.2.0 and ssvlabs/ssv-sdk, KeyShares. The shape is that of v1.1; ssv-keys reads back only
files of its own minor version, the SDK those of v1.1.0 and v1.2.0.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from eth_utils.address import to_checksum_address

from ssv_protocol.registry.events import ValidatorAdded
from ssv_protocol.types.ids import BlsPublicKey, ExecutionAddress, OperatorId
from ssvctl.operator_keys import contract_form

VERSION = "v1.2.0"


@dataclass(frozen=True, slots=True)
class ValidatorShares:
    """One validator's registration. `operator_keys` (PEM) are in the order of the shares, which is by ascending id."""

    owner: ExecutionAddress
    nonce: int
    public_key: BlsPublicKey
    operator_keys: Mapping[OperatorId, bytes]
    shares_data: bytes

    @property
    def operator_ids(self) -> tuple[OperatorId, ...]:
        """The committee, in the order of the shares."""
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
