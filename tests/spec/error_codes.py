"""The numbers that the vectors use for errors, as our reasons.

The numbers are positions in a list of the specification, so every insertion shifts those behind it:
each spec version has its own list. A reason that is in no list is an error without a number there. The
specification numbers the missing phases of registrations and exits apart, we name them alike; a duty that has not
begun and one that is done it numbers alike, we name them apart.

Source: ssv-spec types/error.go at main (Boole) and at v1.2.2 (Alan).
"""

from __future__ import annotations

from ssv_protocol.errors import ProtocolError, Reason
from tests.spec.case import Version

_BOOLE: tuple[Reason, ...] = (
    Reason.SSZ_DECODE,
    Reason.FUTURE_MESSAGE,
    Reason.NO_COMMIT_MESSAGES,
    Reason.NO_RUNNING_DUTY,
    Reason.COMMIT_INVALID,
    Reason.COMMIT_TYPE,
    Reason.WRONG_HEIGHT,
    Reason.SIGNER_NOT_IN_COMMITTEE,
    Reason.NON_UNIQUE_SIGNER,
    Reason.UNKNOWN_DUTY_ROLE_DATA,
    Reason.UNKNOWN_BLOCK_VERSION,
    Reason.SIGNATURE_COUNT,
    Reason.EMPTY_SIGNATURE,
    Reason.NO_SSV_MESSAGE,
    Reason.NO_SIGNATURES,
    Reason.NO_SIGNERS,
    Reason.ZERO_SIGNER,
    Reason.INCONSISTENT_SIGNERS,
    Reason.NO_PARTIAL_SIGNATURES,
    Reason.NO_RUNNER_FOR_SLOT,
    Reason.INSTANCE_DECIDED,
    Reason.CONSENSUS_FINISHED,
    Reason.BEACON_VOTE_DECODE,
    Reason.NO_BEACON_DUTIES,
    Reason.NO_VALIDATOR_SHARES,
    Reason.ATTESTATION_SOURCE_NOT_BEFORE_TARGET,
    Reason.CHECKPOINT_MISMATCH,
    Reason.COMMITTEE_ID_MISMATCH,
    Reason.MESSAGE_TYPE,
    Reason.MESSAGE_ROUND,
    Reason.MESSAGE_IDENTIFIER,
    Reason.RECONSTRUCT_SIGNATURE,
    Reason.SLASHABLE_ATTESTATION,
    Reason.DECIDED_WRONG_INSTANCE,
    Reason.NO_CONSENSUS_PHASE,
    Reason.NO_POST_CONSENSUS_PHASE,
    Reason.NO_CONSENSUS_PHASE,
    Reason.NO_POST_CONSENSUS_PHASE,
    Reason.ENVELOPE_SIGNATURE,
    Reason.DUTY_ALREADY_PASSED,
    Reason.WRONG_SIGNING_ROOT,
    Reason.PARTIAL_SIGNATURE_SIGNER,
    Reason.NO_DECIDED_VALUE,
    Reason.INSTANCE_MISSING,
    Reason.INSTANCE_NOT_DECIDED,
    Reason.PARTIAL_SIGNATURE_PAST_SLOT,
    Reason.PARTIAL_SIGNATURE_FUTURE_SLOT,
    Reason.UNKNOWN_VALIDATOR_INDEX,
    Reason.WRONG_ROOTS_COUNT,
    Reason.DUTY_EPOCH_TOO_FAR,
    Reason.DUTY_ROLE,
    Reason.DUTY_VALIDATOR_INDEX,
    Reason.DUTY_VALIDATOR_PUBKEY,
    Reason.INSTANCE_STOPPED,
    Reason.WRONG_ROUND,
    Reason.ONE_SIGNER_ONLY,
    Reason.PROPOSAL_MISSING,
    Reason.PAST_ROUND,
    Reason.PROPOSED_DATA_MISMATCH,
    Reason.ROUND_CHANGE_NO_QUORUM,
    Reason.PROPOSAL_INVALID,
    Reason.VALUE_ROOT,
    Reason.MESSAGE_SIGNATURE,
    Reason.VALUE_INVALID,
    Reason.PREPARE_INVALID,
    Reason.JUSTIFICATION_NO_QUORUM,
    Reason.PROPOSAL_LEADER,
    Reason.INSTANCE_RUNNING,
    Reason.INSTANCE_PAST_HEIGHT,
    Reason.INSTANCE_TIMED_OUT,
    Reason.AGGREGATOR_INDEX_COUNT,
    Reason.AGGREGATOR_INDEX_UNLISTED,
    Reason.AGGREGATOR_INDEX_UNUSED,
    Reason.AGGREGATOR_INDEX_DUPLICATE,
    Reason.CONTRIBUTION_SUBNET_UNLISTED,
    Reason.CONTRIBUTION_SUBNET_DUPLICATE,
    Reason.CONTRIBUTION_SUBNET_UNUSED,
    Reason.AGGREGATOR_DATA_EMPTY,
    Reason.AGGREGATOR_DATA_DECODE,
    Reason.PROPOSER_DATA_DECODE,
    Reason.POST_CONSENSUS_INVALID_SIGNATURES,
    Reason.AGGREGATOR_COMMITTEE_DUTY_INVALID,
    Reason.UNKNOWN_VERSION,
    Reason.AGGREGATOR_ATTESTATION_DECODE,
    Reason.COMMITTEE_ROLE,
    Reason.MESSAGE_TOO_LARGE,
    Reason.MESSAGE_ROLE,
    Reason.SHARE_INVALID,
    Reason.OPERATOR_INVALID,
    Reason.COMMITTEE_MEMBER_INVALID,
    Reason.DUTY_INVALID,
    Reason.BEACON_VOTE_CHECKPOINT,
)

_ALAN: tuple[Reason, ...] = (
    *_BOOLE[:9],
    Reason.REGISTRATION_NO_CONSENSUS_DATA,
    Reason.EXIT_NO_CONSENSUS_DATA,
    *_BOOLE[9:70],
)

_LISTS: dict[Version, tuple[Reason, ...]] = {"boole": _BOOLE, "alan": _ALAN}


_NAMED_APART: dict[Reason, Reason] = {Reason.DUTY_FINISHED: Reason.NO_RUNNING_DUTY}
"""Reasons that the specification does not tell from another."""


def reason_of(number: int, version: Version) -> Reason:
    """Return the reason that a spec version numbers so (1 is the first)."""
    return _LISTS[version][number - 1]


def check_error(expected: int, error: ProtocolError | None, version: Version) -> None:
    """Raise AssertionError unless the error has the expected number; 0 means that there must be none."""
    if expected == 0:
        assert error is None, f"unexpected error: {error}"
        return
    wanted = reason_of(expected, version)
    assert error is not None, f"no error, expected {expected} ({wanted})"
    assert _NAMED_APART.get(error.reason, error.reason) is wanted, f"error {error}, expected {expected} ({wanted})"
