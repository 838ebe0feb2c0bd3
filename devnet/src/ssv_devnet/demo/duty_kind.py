"""The kinds of duties that the demo counts, under the names that its file and table have for them."""

from __future__ import annotations

from enum import StrEnum

from ssv_protocol.types.roles import BeaconRole


class DutyKind(StrEnum):
    """What a validator owes; in the order of the table."""

    ATTESTATION = "attestation"
    SYNC_COMMITTEE_MESSAGE = "sync_committee_message"
    PROPOSAL = "proposal"
    AGGREGATE = "aggregate"
    CONTRIBUTION = "contribution"
    VALIDATOR_REGISTRATION = "validator_registration"
    VOLUNTARY_EXIT = "voluntary_exit"


KIND_OF = {
    BeaconRole.ATTESTER: DutyKind.ATTESTATION,
    BeaconRole.SYNC_COMMITTEE: DutyKind.SYNC_COMMITTEE_MESSAGE,
    BeaconRole.PROPOSER: DutyKind.PROPOSAL,
    BeaconRole.AGGREGATOR: DutyKind.AGGREGATE,
    BeaconRole.SYNC_COMMITTEE_CONTRIBUTION: DutyKind.CONTRIBUTION,
    BeaconRole.VALIDATOR_REGISTRATION: DutyKind.VALIDATOR_REGISTRATION,
    BeaconRole.VOLUNTARY_EXIT: DutyKind.VOLUNTARY_EXIT,
}
"""Kinds by the role that the beacon chain has for them."""
