"""What validation looks up in the registry, prepared for one lookup a message.

A committee's id is the hash of its members, so whoever knows the committee knows its members for good. Its keys and
whether it runs anything may lag behind the chain.

Source: ssvlabs/ssv message/validation (committee lookup).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ssv_protocol.registry.state import RegistryState
from ssv_protocol.types.ids import BlsPublicKey, CommitteeId, MessageId, OperatorId
from ssv_protocol.types.message_id import COMMITTEE_ROLES, committee_of, duty_executor, message_role
from ssv_protocol.validation.verdict import GossipReason, Ignore


@dataclass(frozen=True, slots=True)
class KnownCommittee:
    """A committee that runs validators; `active` unless all of them are liquidated."""

    committee_id: CommitteeId
    operator_ids: tuple[OperatorId, ...]
    active: bool


@dataclass(frozen=True, slots=True)
class KnownValidator:
    """A validator's committee, and whether it is liquidated."""

    committee_id: CommitteeId
    liquidated: bool


@dataclass(frozen=True, slots=True)
class Directory:
    """Operators' keys (PEM, None where unusable), committees and validators of the whole network."""

    operator_keys: Mapping[OperatorId, bytes | None] = field(repr=False)
    committees: Mapping[CommitteeId, KnownCommittee] = field(repr=False)
    validators: Mapping[BlsPublicKey, KnownValidator] = field(repr=False)

    def committee(self, message_id: MessageId) -> KnownCommittee | Ignore:
        """Return the committee that runs the duty a message id names."""
        if message_role(message_id) in COMMITTEE_ROLES:
            known = self.committees.get(committee_of(message_id))
            if known is None:
                return Ignore(GossipReason.UNKNOWN_COMMITTEE, committee_of(message_id).hex())
            return known if known.active else Ignore(GossipReason.LIQUIDATED, known.committee_id.hex())
        validator = self.validators.get(BlsPublicKey(duty_executor(message_id)))
        if validator is None:
            return Ignore(GossipReason.UNKNOWN_VALIDATOR, duty_executor(message_id).hex())
        if validator.liquidated:
            return Ignore(GossipReason.LIQUIDATED, duty_executor(message_id).hex())
        return self.committees[validator.committee_id]


def directory_of(state: RegistryState) -> Directory:
    """Return the directory of a registry state."""
    committees: dict[CommitteeId, KnownCommittee] = {}
    validators: dict[BlsPublicKey, KnownValidator] = {}
    ids: dict[tuple[OperatorId, ...], CommitteeId] = {}  # a hash a committee, not one a validator
    for record in state.validators.values():
        committee = ids.get(record.operator_ids) or ids.setdefault(record.operator_ids, record.committee_id)
        validators[record.public_key] = KnownValidator(committee, record.liquidated)
        known = committees.get(committee)
        if known is None or (not known.active and not record.liquidated):
            committees[committee] = KnownCommittee(committee, tuple(sorted(record.operator_ids)), not record.liquidated)
    keys = {operator_id: record.public_pem for operator_id, record in state.operators.items()}
    return Directory(keys, committees, validators)
