"""The registry after a block: operators, validators, fee recipients, nonces.

A state is a value: it is never changed, `apply.apply_block` makes the next one. It is a function of the chain
alone, the same for every operator, and holds nothing secret; what concerns the own operator is derived from it
(`committees.py`).

Source: ssvlabs/ssv registry/storage; architecture §5.8.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from types import MappingProxyType
from typing import Any

from eth_hash.auto import keccak
from immutables import Map

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


@dataclass(frozen=True, slots=True, eq=False)
class RegistryState:
    """The registry after block `block_number`, which is -1 before the first.

    States are equal when they hold equal records, in whatever kind of mapping. The last two fields only serve
    `draft.py`: the operators' ids by registered key, the validators' keys by cluster; None where nobody needed them.
    """

    block_number: int = BEFORE_GENESIS
    block_hash: bytes = bytes(32)
    operators: Mapping[OperatorId, OperatorRecord] = field(default_factory=_empty, repr=False)
    validators: Mapping[BlsPublicKey, ValidatorRecord] = field(default_factory=_empty, repr=False)
    recipients: Mapping[ExecutionAddress, Recipient] = field(default_factory=_empty, repr=False)
    operator_ids: Mapping[bytes, OperatorId] | None = field(default=None, repr=False)
    clusters: Mapping[bytes, Map[BlsPublicKey, None]] | None = field(default=None, repr=False)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RegistryState):
            return NotImplemented
        return (self.block_number, self.block_hash) == (other.block_number, other.block_hash) and all(
            _equal(mine, its)
            for mine, its in (
                (self.operators, other.operators),
                (self.validators, other.validators),
                (self.recipients, other.recipients),
            )
        )

    __hash__ = None  # type: ignore[assignment]

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
        found = (record for record in self.operators.values() if record.public_pem == public_pem)
        return min(found, key=lambda record: record.operator_id, default=None)

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


def operator_ids_of(state: RegistryState) -> Mapping[bytes, OperatorId]:
    """Return the ids of a state's operators by the key that they registered."""
    if state.operator_ids is not None:
        return state.operator_ids
    return {record.public_key: record.operator_id for record in state.operators.values()}


def clusters_of(state: RegistryState) -> Mapping[bytes, Map[BlsPublicKey, None]]:
    """Return the keys of a state's validators by cluster."""
    if state.clusters is not None:
        return state.clusters
    keys: dict[bytes, dict[BlsPublicKey, None]] = {}
    for record in state.validators.values():
        keys.setdefault(record.cluster_id, {})[record.public_key] = None
    return {cluster: Map(members) for cluster, members in keys.items()}


@lru_cache(maxsize=16384)
def cluster_id(owner: ExecutionAddress, operator_ids: tuple[OperatorId, ...]) -> bytes:
    """Return keccak256(owner ‖ each ascending operator id as uint256), as the contract does."""
    return keccak(owner + b"".join(operator_id.to_bytes(32, "big") for operator_id in sorted(operator_ids)))


def _equal(one: Mapping[Any, Any], other: Mapping[Any, Any]) -> bool:
    if one is other:
        return True
    return len(one) == len(other) and all(other.get(key) == record for key, record in one.items())


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
