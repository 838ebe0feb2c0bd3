"""What validation looks up in the registry, prepared for one look-up a message (rules 18 to 21).

A committee's id is the hash of its members, so whoever knows the committee knows its members for good. Its keys and
what it runs may lag behind the chain.

Source: ssvlabs/ssv message/validation (committee look-up).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ssv_protocol.registry.state import ChainMoment, RegistryState, ValidatorRecord
from ssv_protocol.types.ids import BlsPublicKey, CommitteeId, MessageId, OperatorId
from ssv_protocol.types.message_id import COMMITTEE_ROLES, committee_of, duty_executor, message_role
from ssv_protocol.validation.verdict import GossipReason, Refusal, refuse


@dataclass(frozen=True, slots=True)
class KnownCommittee:
    """A committee, its members ascending, its validators; `active` unless all of them are liquidated."""

    committee_id: CommitteeId
    operator_ids: tuple[OperatorId, ...]
    validators: tuple[BlsPublicKey, ...]
    active: bool


@dataclass(frozen=True, slots=True)
class KnownValidator:
    """A validator's committee, whether it is liquidated, and when its owner asked for its exit."""

    public_key: BlsPublicKey
    committee_id: CommitteeId
    liquidated: bool
    exit_request: ChainMoment | None = None


@dataclass(frozen=True, slots=True)
class Executor:
    """Whose duty a message is about: a committee's, or that of one `validator` of it."""

    committee: KnownCommittee
    validator: KnownValidator | None


@dataclass(frozen=True, slots=True)
class Directory:
    """Operators' keys (PEM, None where unusable), committees and validators of the whole network."""

    operator_keys: Mapping[OperatorId, bytes | None] = field(repr=False)
    committees: Mapping[CommitteeId, KnownCommittee] = field(repr=False)
    validators: Mapping[BlsPublicKey, KnownValidator] = field(repr=False)

    def executor(self, message_id: MessageId) -> Executor | Refusal:
        """Return whose duty a message id names."""
        if message_role(message_id) in COMMITTEE_ROLES:
            return self._committee(committee_of(message_id))
        validator = self.validators.get(BlsPublicKey(duty_executor(message_id)))
        if validator is None:
            return refuse(GossipReason.UNKNOWN_VALIDATOR, duty_executor(message_id).hex())
        if validator.liquidated:
            return refuse(GossipReason.LIQUIDATED, validator.public_key.hex())
        return Executor(self.committees[validator.committee_id], validator)

    def _committee(self, committee_id: CommitteeId) -> Executor | Refusal:
        known = self.committees.get(committee_id)
        if known is None:
            return refuse(GossipReason.UNKNOWN_COMMITTEE, committee_id.hex())
        if not known.validators:
            return refuse(GossipReason.NO_VALIDATORS, committee_id.hex())
        return Executor(known, None) if known.active else refuse(GossipReason.LIQUIDATED, committee_id.hex())


def directory_of(state: RegistryState) -> Directory:
    """Return the directory of a registry state; it has no committee without validators."""
    records: dict[tuple[OperatorId, ...], list[ValidatorRecord]] = {}
    for record in state.validators.values():
        records.setdefault(tuple(sorted(record.operator_ids)), []).append(record)
    committees: dict[CommitteeId, KnownCommittee] = {}
    validators: dict[BlsPublicKey, KnownValidator] = {}
    for operator_ids, members in records.items():
        committee_id = members[0].committee_id  # a hash a committee, not one a validator
        keys = tuple(record.public_key for record in members)
        active = any(not record.liquidated for record in members)
        committees[committee_id] = KnownCommittee(committee_id, operator_ids, keys, active)
        for record in members:
            known = KnownValidator(record.public_key, committee_id, record.liquidated, record.exit_request)
            validators[record.public_key] = known
    keys_of = {operator_id: record.public_pem for operator_id, record in state.operators.items()}
    return Directory(keys_of, committees, validators)
