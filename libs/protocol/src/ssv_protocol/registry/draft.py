"""The next registry state while a block is applied.

Invariant: the state it starts from is never touched. Tables are persistent maps, so a block costs what it changes,
however many validators there are.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from immutables import Map, MapMutation

from ssv_protocol.registry.state import (
    OperatorRecord,
    Recipient,
    RegistryState,
    ValidatorRecord,
    clusters_of,
    operator_ids_of,
)
from ssv_protocol.types.ids import BlsPublicKey, ExecutionAddress, OperatorId

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


def persistent(table: Mapping[K, V]) -> Map[K, V]:
    """Return the table as a persistent map, itself if it is one."""
    return table if isinstance(table, Map) else Map(dict(table))


@dataclass(frozen=True, slots=True)
class Delta:
    """The records that were written between two states, by table: what stands there afterwards, None for nothing."""

    operators: Mapping[OperatorId, OperatorRecord | None] = field(default_factory=dict)
    validators: Mapping[BlsPublicKey, ValidatorRecord | None] = field(default_factory=dict)
    recipients: Mapping[ExecutionAddress, Recipient | None] = field(default_factory=dict)

    def then(self, later: Delta) -> Delta:
        """Return what both write, one after the other."""
        return Delta(
            {**self.operators, **later.operators},
            {**self.validators, **later.validators},
            {**self.recipients, **later.recipients},
        )

    def reversed(self, before: RegistryState) -> Delta:
        """Return what leads back to `before`, from which this one leads away."""
        return Delta(
            {key: before.operators.get(key) for key in self.operators},
            {key: before.validators.get(key) for key in self.validators},
            {key: before.recipients.get(key) for key in self.recipients},
        )


class Table(Generic[K, V]):
    """A mapping that is written to, and what was written."""

    def __init__(self, base: Mapping[K, V]) -> None:
        self._map: MapMutation[K, V] = persistent(base).mutate()
        self.written: dict[K, V | None] = {}

    def get(self, key: K) -> V | None:
        """Return the record that the table holds now."""
        return self._map.get(key)

    def __contains__(self, key: object) -> bool:
        return key in self._map

    def put(self, key: K, value: V) -> None:
        """Add or replace a record."""
        self._map[key] = value
        self.written[key] = value

    def drop(self, key: K) -> None:
        """Remove a record that is there."""
        del self._map[key]
        self.written[key] = None

    def freeze(self) -> Map[K, V]:
        """Return the contents as a value; the table is not written to again."""
        return self._map.finish()


class Draft:
    """The tables of a state, open for writing."""

    def __init__(self, base: RegistryState) -> None:
        self.operators: Table[OperatorId, OperatorRecord] = Table(base.operators)
        self.validators: Table[BlsPublicKey, ValidatorRecord] = Table(base.validators)
        self.recipients: Table[ExecutionAddress, Recipient] = Table(base.recipients)
        self._operator_ids = persistent(operator_ids_of(base)).mutate()
        self._clusters = persistent(clusters_of(base)).mutate()

    def operator_with_key(self, public_key: bytes) -> OperatorId | None:
        """Return the operator that registered these bytes as its key."""
        return self._operator_ids.get(public_key)

    def put_operator(self, record: OperatorRecord) -> None:
        """Add an operator whose id and key are free."""
        self.operators.put(record.operator_id, record)
        self._operator_ids[record.public_key] = record.operator_id

    def drop_operator(self, operator_id: OperatorId) -> None:
        """Remove an operator if it is there."""
        record = self.operators.get(operator_id)
        if record is not None:
            self.operators.drop(operator_id)
            self._operator_ids.pop(record.public_key, None)

    def cluster(self, cluster: bytes) -> list[ValidatorRecord]:
        """Return the validators of a cluster, by public key."""
        records = (self.validators.get(key) for key in sorted(self._clusters.get(cluster, Map())))
        return [record for record in records if record is not None]

    def put_validator(self, record: ValidatorRecord) -> None:
        """Add or replace a validator."""
        known = self.validators.get(record.public_key)
        if known is not None and known.cluster_id != record.cluster_id:
            self.drop_validator(record.public_key)
            known = None
        self.validators.put(record.public_key, record)
        if known is None:
            members: Map[BlsPublicKey, None] = self._clusters.get(record.cluster_id, Map())
            self._clusters[record.cluster_id] = members.set(record.public_key, None)

    def drop_validator(self, public_key: BlsPublicKey) -> None:
        """Remove a validator if it is there."""
        record = self.validators.get(public_key)
        if record is None:
            return
        self.validators.drop(public_key)
        left = self._clusters[record.cluster_id].delete(public_key)
        if left:
            self._clusters[record.cluster_id] = left
        else:
            del self._clusters[record.cluster_id]

    def write(self, delta: Delta) -> None:
        """Make the tables what a delta says."""
        for operator_id in delta.operators:  # all of them first: a key may go from one operator to another
            self.drop_operator(operator_id)
        for operator in delta.operators.values():
            if operator is not None:
                self.put_operator(operator)
        for public_key, validator in delta.validators.items():
            self.drop_validator(public_key)
            if validator is not None:
                self.put_validator(validator)
        for owner, recipient in delta.recipients.items():
            if recipient is not None:
                self.recipients.put(owner, recipient)
            elif owner in self.recipients:
                self.recipients.drop(owner)

    @property
    def delta(self) -> Delta:
        """What was written so far."""
        return Delta(self.operators.written, self.validators.written, self.recipients.written)

    def freeze(self, block_number: int, block_hash: bytes) -> RegistryState:
        """Return the state after the block; the draft is not written to again."""
        return RegistryState(
            block_number,
            block_hash,
            self.operators.freeze(),
            self.validators.freeze(),
            self.recipients.freeze(),
            self._operator_ids.finish(),
            self._clusters.finish(),
        )


def moved(state: RegistryState, delta: Delta, block_number: int, block_hash: bytes) -> RegistryState:
    """Return the state that a delta makes of another, such as the one before a block that it takes back."""
    if not (delta.operators or delta.validators or delta.recipients):
        return replace(state, block_number=block_number, block_hash=block_hash)
    draft = Draft(state)
    draft.write(delta)
    return draft.freeze(block_number, block_hash)
