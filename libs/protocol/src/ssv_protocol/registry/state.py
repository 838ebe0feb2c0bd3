"""The registry after a block: operators, validators, fee recipients, nonces.

A state is a value: it is never changed, `apply.apply_block` makes the next one. It is a function of the chain
alone, the same for every operator, and holds nothing secret; what concerns the own operator is derived from it
(`committees.py`).

Source: ssvlabs/ssv registry/storage; architecture §5.8.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from types import MappingProxyType
from typing import Any

from eth_hash.auto import keccak

from ssv_protocol.types.committee import committee_id
from ssv_protocol.types.ids import BlsPublicKey, CommitteeId, ExecutionAddress, OperatorId

NONCE_MODULUS = 1 << 16
"""The network counts an owner's nonce as uint16."""
BEFORE_GENESIS = -1


@dataclass(frozen=True, slots=True)
class OperatorRecord:
    """An operator. `public_key` is what it registered, `public_pem` the RSA key therein, None if there is none."""

    operator_id: OperatorId
    owner: ExecutionAddress
    public_key: bytes
    public_pem: bytes | None


@dataclass(frozen=True, slots=True)
class ChainMoment:
    """A block and its Unix time: where a duty that an event asks for gets its slot, the same for all operators."""

    block_number: int
    block_time_s: int


@dataclass(frozen=True, slots=True)
class ValidatorRecord:
    """A validator. The three tuples have one entry an operator, in the order of the event.

    `exit_request` is when the owner asked last for a voluntary exit.
    """

    public_key: BlsPublicKey
    owner: ExecutionAddress
    operator_ids: tuple[OperatorId, ...]
    share_public_keys: tuple[BlsPublicKey, ...]
    encrypted_keys: tuple[bytes, ...]
    cluster_id: bytes
    liquidated: bool = False
    exit_request: ChainMoment | None = None

    @property
    def committee_id(self) -> CommitteeId:
        """Id of the committee that runs the validator."""
        return committee_id(self.operator_ids)


@dataclass(frozen=True, slots=True)
class Recipient:
    """What is known of an owner: its fee recipient, and the nonce that its next ValidatorAdded must sign.

    `changed` is when the fee recipient became another one, None while it is the owner itself.
    """

    fee_recipient: ExecutionAddress
    next_nonce: int = 0
    changed: ChainMoment | None = None


def _empty() -> MappingProxyType[Any, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class RegistryState:
    """The registry after block `block_number`, which is -1 before the first."""

    block_number: int = BEFORE_GENESIS
    block_hash: bytes = bytes(32)
    operators: Mapping[OperatorId, OperatorRecord] = field(default_factory=_empty, repr=False)
    validators: Mapping[BlsPublicKey, ValidatorRecord] = field(default_factory=_empty, repr=False)
    recipients: Mapping[ExecutionAddress, Recipient] = field(default_factory=_empty, repr=False)

    def fee_recipient(self, owner: ExecutionAddress) -> ExecutionAddress:
        """Return who gets the owner's fees: the owner itself unless it named somebody."""
        recipient = self.recipients.get(owner)
        return owner if recipient is None else recipient.fee_recipient

    def next_nonce(self, owner: ExecutionAddress) -> int:
        """Return the nonce that the owner's next ValidatorAdded must sign."""
        recipient = self.recipients.get(owner)
        return 0 if recipient is None else recipient.next_nonce

    def operator_with_key(self, public_pem: bytes) -> OperatorRecord | None:
        """Return the operator with this RSA key (PEM as the network writes it)."""
        return next((record for record in self.operators.values() if record.public_pem == public_pem), None)

    def validators_of(self, operator_id: OperatorId) -> list[ValidatorRecord]:
        """Return the validators in whose committee the operator sits, by public key."""
        own = (record for record in self.validators.values() if operator_id in record.operator_ids)
        return sorted(own, key=lambda record: record.public_key)

    def state_hash(self) -> str:
        """Return SHA-256 (hex) over the whole state in canonical order, to compare two builds of it."""
        parts = [_digest(self.block_number + 1, self.block_hash)]
        for _, operator in sorted(self.operators.items()):
            parts.append(_digest(b"operator", operator.operator_id, operator.owner, operator.public_key))
        for _, validator in sorted(self.validators.items()):
            parts.append(_validator_digest(validator))
        for owner, recipient in sorted(self.recipients.items()):
            changed = _moment_digest(recipient.changed)
            parts.append(_digest(b"recipient", owner, recipient.fee_recipient, recipient.next_nonce, changed))
        return _digest(*parts).hex()


def cluster_id(owner: ExecutionAddress, operator_ids: tuple[OperatorId, ...]) -> bytes:
    """Return keccak256(owner ‖ each ascending operator id as uint256), as the contract does."""
    return keccak(owner + b"".join(operator_id.to_bytes(32, "big") for operator_id in sorted(operator_ids)))


def _validator_digest(record: ValidatorRecord) -> bytes:
    return _digest(
        b"validator",
        record.public_key,
        record.owner,
        record.cluster_id,
        int(record.liquidated),
        _moment_digest(record.exit_request),
        *record.operator_ids,
        *record.share_public_keys,
        *record.encrypted_keys,
    )


def _moment_digest(moment: ChainMoment | None) -> bytes:
    return b"" if moment is None else _digest(moment.block_number, moment.block_time_s)


def _digest(*fields: bytes | int) -> bytes:
    """Hash fields so that no two lists of fields give the same bytes."""
    digest = sha256()
    for value in fields:
        raw = value.to_bytes(8, "big") if isinstance(value, int) else value
        digest.update(len(raw).to_bytes(8, "big") + raw)
    return digest.digest()
