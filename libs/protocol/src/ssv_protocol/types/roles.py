"""Enumerations on the wire: roles and message types.

Fields that carry them stay plain integers in the containers, because a decoder must be able to hold a
value that no rule set knows; validation then refuses it with a reason.

Source: ssv-spec types/runner_role.go, types/beacon_types.go, types/messages.go.
"""

from enum import IntEnum


class RunnerRole(IntEnum):
    """Role of a duty runner, 4 bytes little-endian in a message id.

    1 and 3 exist under Alan only, 6 under Boole only.
    """

    UNKNOWN = -1
    COMMITTEE = 0
    AGGREGATOR = 1
    PROPOSER = 2
    SYNC_COMMITTEE_CONTRIBUTION = 3
    VALIDATOR_REGISTRATION = 4
    VOLUNTARY_EXIT = 5
    AGGREGATOR_COMMITTEE = 6


class BeaconRole(IntEnum):
    """Duty of one validator as the beacon chain knows it (uint64 on the wire)."""

    ATTESTER = 0
    AGGREGATOR = 1
    PROPOSER = 2
    SYNC_COMMITTEE = 3
    SYNC_COMMITTEE_CONTRIBUTION = 4
    VALIDATOR_REGISTRATION = 5
    VOLUNTARY_EXIT = 6
    UNKNOWN = 2**64 - 1


class MsgType(IntEnum):
    """Kind of an SSVMessage."""

    CONSENSUS = 0
    PARTIAL_SIGNATURE = 1
    DKG = 2


class QbftMessageType(IntEnum):
    """Kind of a QBFT message."""

    PROPOSAL = 0
    PREPARE = 1
    COMMIT = 2
    ROUND_CHANGE = 3


class PartialSignatureType(IntEnum):
    """Kind of a batch of partial signatures. 2 and 3 exist under Alan only, 6 under Boole."""

    POST_CONSENSUS = 0
    RANDAO = 1
    SELECTION_PROOF = 2
    CONTRIBUTION_PROOFS = 3
    VALIDATOR_REGISTRATION = 4
    VOLUNTARY_EXIT = 5
    AGGREGATOR_COMMITTEE = 6
