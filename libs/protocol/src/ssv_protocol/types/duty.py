"""Duties: what one validator, or all validators of a committee, must do in a slot.

`ValidatorDuty` travels inside consensus values. The committee duties never travel; they are the input of
a committee's runner. Their `validate` is Boole's hardening: Alan has no such rules, and a caller under
Alan that applies them is only stricter with its own beacon node.

Source: ssv-spec types/beacon_types.go.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from typing import Annotated, ClassVar

from ssz.sedes import List, bytes48, uint64

from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.forks import SsvFork
from ssv_protocol.types.fast_codec import FastSszContainer
from ssv_protocol.types.ids import BlsPublicKey, Slot, ValidatorIndex
from ssv_protocol.types.roles import BeaconRole, RunnerRole

MAX_SYNC_COMMITTEE_INDICES = 13
"""Seats of one validator in a sync committee that a duty can name."""
_ZERO_PUBKEY = bytes(48)

_COMMON_RUNNERS = {
    BeaconRole.ATTESTER: RunnerRole.COMMITTEE,
    BeaconRole.SYNC_COMMITTEE: RunnerRole.COMMITTEE,
    BeaconRole.PROPOSER: RunnerRole.PROPOSER,
    BeaconRole.VALIDATOR_REGISTRATION: RunnerRole.VALIDATOR_REGISTRATION,
    BeaconRole.VOLUNTARY_EXIT: RunnerRole.VOLUNTARY_EXIT,
}
_RUNNERS: dict[SsvFork, dict[BeaconRole, RunnerRole]] = {
    SsvFork.ALAN: _COMMON_RUNNERS
    | {
        BeaconRole.AGGREGATOR: RunnerRole.AGGREGATOR,
        BeaconRole.SYNC_COMMITTEE_CONTRIBUTION: RunnerRole.SYNC_COMMITTEE_CONTRIBUTION,
    },
    SsvFork.BOOLE: _COMMON_RUNNERS
    | {
        BeaconRole.AGGREGATOR: RunnerRole.AGGREGATOR_COMMITTEE,
        BeaconRole.SYNC_COMMITTEE_CONTRIBUTION: RunnerRole.AGGREGATOR_COMMITTEE,
    },
}
_KNOWN_TYPES = frozenset(BeaconRole) - {BeaconRole.UNKNOWN}
_COMMITTEE_TYPES = frozenset({BeaconRole.ATTESTER, BeaconRole.SYNC_COMMITTEE})
_AGGREGATOR_COMMITTEE_TYPES = frozenset({BeaconRole.AGGREGATOR, BeaconRole.SYNC_COMMITTEE_CONTRIBUTION})
_BEACON_COMMITTEE_TYPES = frozenset({BeaconRole.ATTESTER, BeaconRole.AGGREGATOR})


def runner_role(beacon_role: int, fork: SsvFork) -> RunnerRole:
    """Return the runner that performs a beacon duty; UNKNOWN for a number that names no duty."""
    if beacon_role not in _KNOWN_TYPES:
        return RunnerRole.UNKNOWN
    return _RUNNERS[fork][BeaconRole(beacon_role)]


@dataclass(frozen=True, slots=True)
class ValidatorDuty(FastSszContainer):
    """One validator's duty. `type` is a `BeaconRole`; fields that a type does not use are 0."""

    type: Annotated[int, uint64]
    pubkey: Annotated[BlsPublicKey, bytes48]
    slot: Annotated[Slot, uint64]
    validator_index: Annotated[ValidatorIndex, uint64]
    committee_index: Annotated[int, uint64] = 0
    committee_length: Annotated[int, uint64] = 0
    committees_at_slot: Annotated[int, uint64] = 0
    validator_committee_index: Annotated[int, uint64] = 0
    validator_sync_committee_indices: Annotated[tuple[int, ...], List(uint64, MAX_SYNC_COMMITTEE_INDICES)] = ()

    def validate(self) -> None:
        """Check the fields that need no context (Boole).

        Raises:
            ProtocolError: DUTY_INVALID.
        """
        if self.type not in _KNOWN_TYPES:
            raise ProtocolError(Reason.DUTY_INVALID, f"unknown duty type {self.type}")
        if self.pubkey == _ZERO_PUBKEY:
            raise ProtocolError(Reason.DUTY_INVALID, "zero public key")
        if self.type in _BEACON_COMMITTEE_TYPES and self.validator_committee_index >= self.committee_length:
            raise ProtocolError(
                Reason.DUTY_INVALID,
                f"position {self.validator_committee_index} in a committee of {self.committee_length}",
            )


@dataclass(frozen=True, slots=True)
class CommitteeDuty:
    """Attestations and sync committee messages of a committee's validators in one slot."""

    ROLE: ClassVar[RunnerRole] = RunnerRole.COMMITTEE

    slot: Slot
    validator_duties: tuple[ValidatorDuty, ...]

    def validate(self) -> None:
        """Check the duties, in the order that decides which reason is given (Boole).

        Raises:
            ProtocolError: NO_BEACON_DUTIES, UNKNOWN_DUTY_ROLE_DATA (another slot), DUTY_ROLE, DUTY_INVALID.
        """
        if not self.validator_duties:
            raise ProtocolError(Reason.NO_BEACON_DUTIES)
        for duty in self.validator_duties:
            if duty.slot != self.slot:
                raise ProtocolError(Reason.UNKNOWN_DUTY_ROLE_DATA, f"slot {duty.slot} in slot {self.slot}")
            if duty.type not in _COMMITTEE_TYPES:
                raise ProtocolError(Reason.DUTY_ROLE, f"beacon role {duty.type}")
            duty.validate()


@dataclass(frozen=True, slots=True)
class AggregatorCommitteeDuty:
    """Aggregations and sync committee contributions of a committee's validators in one slot (Boole)."""

    ROLE: ClassVar[RunnerRole] = RunnerRole.AGGREGATOR_COMMITTEE

    slot: Slot
    validator_duties: tuple[ValidatorDuty, ...]

    def validate(self, validators: Container[ValidatorIndex]) -> None:
        """Check slots, roles, and that each duty's validator is one of `validators`.

        Raises:
            ProtocolError: AGGREGATOR_COMMITTEE_DUTY_INVALID.
        """
        for duty in self.validator_duties:
            if duty.slot != self.slot:
                detail = f"slot {duty.slot} in slot {self.slot}"
            elif duty.type not in _AGGREGATOR_COMMITTEE_TYPES:
                detail = f"beacon role {duty.type}"
            elif duty.validator_index not in validators:
                detail = f"validator {duty.validator_index} is not of this committee"
            else:
                continue
            raise ProtocolError(Reason.AGGREGATOR_COMMITTEE_DUTY_INVALID, detail)
