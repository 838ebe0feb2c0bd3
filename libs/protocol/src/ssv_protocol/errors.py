"""The one error tree, and the reasons a protocol rule can give.

A `ProtocolError` always carries a `Reason`; callers decide by the reason, never by the text. Reasons are
ours and stable across spec versions; the numbers that the official vectors use are mapped in the spec
suite.
"""

from enum import StrEnum


class SsvError(Exception):
    """Root of every error that this project raises on purpose."""


class Reason(StrEnum):
    """Why a protocol rule refused a value, a message or a step."""

    # encoding
    SSZ_DECODE = "ssz_decode"
    SSZ_ENCODE = "ssz_encode"
    # signed envelope
    NON_UNIQUE_SIGNER = "non_unique_signer"
    ZERO_SIGNER = "zero_signer"
    NO_SIGNERS = "no_signers"
    NO_SIGNATURES = "no_signatures"
    EMPTY_SIGNATURE = "empty_signature"
    SIGNATURE_COUNT = "signature_count"
    NO_SSV_MESSAGE = "no_ssv_message"
    MESSAGE_TYPE = "message_type"
    MESSAGE_ROLE = "message_role"
    MESSAGE_TOO_LARGE = "message_too_large"
    MESSAGE_SIGNATURE = "message_signature"
    ENVELOPE_SIGNATURE = "envelope_signature"
    # qbft messages
    MESSAGE_ROUND = "message_round"
    MESSAGE_IDENTIFIER = "message_identifier"
    FUTURE_MESSAGE = "future_message"
    WRONG_HEIGHT = "wrong_height"
    WRONG_ROUND = "wrong_round"
    PAST_ROUND = "past_round"
    SIGNER_NOT_IN_COMMITTEE = "signer_not_in_committee"
    ONE_SIGNER_ONLY = "one_signer_only"
    NO_COMMIT_MESSAGES = "no_commit_messages"
    COMMIT_INVALID = "commit_invalid"
    COMMIT_TYPE = "commit_type"
    PROPOSAL_LEADER = "proposal_leader"
    PROPOSAL_INVALID = "proposal_invalid"
    PROPOSAL_MISSING = "proposal_missing"
    PROPOSED_DATA_MISMATCH = "proposed_data_mismatch"
    PREPARE_INVALID = "prepare_invalid"
    ROUND_CHANGE_NO_QUORUM = "round_change_no_quorum"
    JUSTIFICATION_NO_QUORUM = "justification_no_quorum"
    JUSTIFICATION_INVALID = "justification_invalid"
    VALUE_ROOT = "value_root"
    VALUE_INVALID = "value_invalid"
    # qbft instance and controller
    INSTANCE_STOPPED = "instance_stopped"
    INSTANCE_TIMED_OUT = "instance_timed_out"
    INSTANCE_RUNNING = "instance_running"
    INSTANCE_NOT_FOUND = "instance_not_found"
    INSTANCE_DECIDED = "instance_decided"
    INSTANCE_NOT_DECIDED = "instance_not_decided"
    INSTANCE_MISSING = "instance_missing"
    INSTANCE_PAST_HEIGHT = "instance_past_height"
    CONSENSUS_FINISHED = "consensus_finished"
    DECIDED_WRONG_INSTANCE = "decided_wrong_instance"
    NO_DECIDED_VALUE = "no_decided_value"
    # values under consensus
    BEACON_VOTE_DECODE = "beacon_vote_decode"
    BEACON_VOTE_CHECKPOINT = "beacon_vote_checkpoint"
    ATTESTATION_SOURCE_NOT_BEFORE_TARGET = "attestation_source_not_before_target"
    CHECKPOINT_MISMATCH = "checkpoint_mismatch"
    SLASHABLE_ATTESTATION = "slashable_attestation"
    SLASHABLE_BLOCK = "slashable_block"
    UNKNOWN_DUTY_ROLE_DATA = "unknown_duty_role_data"
    UNKNOWN_BLOCK_VERSION = "unknown_block_version"
    UNKNOWN_VERSION = "unknown_version"
    PROPOSER_DATA_DECODE = "proposer_data_decode"
    AGGREGATOR_DATA_DECODE = "aggregator_data_decode"
    AGGREGATOR_DATA_EMPTY = "aggregator_data_empty"
    AGGREGATOR_INDEX_COUNT = "aggregator_index_count"
    AGGREGATOR_INDEX_UNLISTED = "aggregator_index_unlisted"
    AGGREGATOR_INDEX_UNUSED = "aggregator_index_unused"
    AGGREGATOR_INDEX_DUPLICATE = "aggregator_index_duplicate"
    AGGREGATOR_ATTESTATION_DECODE = "aggregator_attestation_decode"
    CONTRIBUTION_SUBNET_UNLISTED = "contribution_subnet_unlisted"
    CONTRIBUTION_SUBNET_DUPLICATE = "contribution_subnet_duplicate"
    CONTRIBUTION_SUBNET_UNUSED = "contribution_subnet_unused"
    # duties, shares, committees
    NO_RUNNING_DUTY = "no_running_duty"
    DUTY_FINISHED = "duty_finished"
    DUTY_RUNNING = "duty_running"
    ONE_SHARE_ONLY = "one_share_only"
    FETCH_FAILED = "fetch_failed"
    NO_RUNNER_FOR_SLOT = "no_runner_for_slot"
    DUTY_ALREADY_PASSED = "duty_already_passed"
    DUTY_EPOCH_TOO_FAR = "duty_epoch_too_far"
    DUTY_INVALID = "duty_invalid"
    DUTY_ROLE = "duty_role"
    DUTY_VALIDATOR_INDEX = "duty_validator_index"
    DUTY_VALIDATOR_PUBKEY = "duty_validator_pubkey"
    AGGREGATOR_COMMITTEE_DUTY_INVALID = "aggregator_committee_duty_invalid"
    NO_BEACON_DUTIES = "no_beacon_duties"
    NO_VALIDATOR_SHARES = "no_validator_shares"
    COMMITTEE_ID_MISMATCH = "committee_id_mismatch"
    COMMITTEE_ROLE = "committee_role"
    SHARE_INVALID = "share_invalid"
    OPERATOR_INVALID = "operator_invalid"
    COMMITTEE_MEMBER_INVALID = "committee_member_invalid"
    # partial signatures
    NO_PARTIAL_SIGNATURES = "no_partial_signatures"
    INCONSISTENT_SIGNERS = "inconsistent_signers"
    PARTIAL_SIGNATURE_SIGNER = "partial_signature_signer"
    PARTIAL_SIGNATURE_PAST_SLOT = "partial_signature_past_slot"
    PARTIAL_SIGNATURE_FUTURE_SLOT = "partial_signature_future_slot"
    UNKNOWN_VALIDATOR_INDEX = "unknown_validator_index"
    WRONG_SIGNING_ROOT = "wrong_signing_root"
    WRONG_ROOTS_COUNT = "wrong_roots_count"
    RECONSTRUCT_SIGNATURE = "reconstruct_signature"
    POST_CONSENSUS_INVALID_SIGNATURES = "post_consensus_invalid_signatures"
    NO_CONSENSUS_PHASE = "no_consensus_phase"
    NO_POST_CONSENSUS_PHASE = "no_post_consensus_phase"
    REGISTRATION_NO_CONSENSUS_DATA = "registration_no_consensus_data"
    EXIT_NO_CONSENSUS_DATA = "exit_no_consensus_data"
    # keys
    KEY_INVALID = "key_invalid"
    SHARE_DECRYPTION = "share_decryption"
    # registry
    REGISTRY_BLOCK_ORDER = "registry_block_order"
    REGISTRY_LOG_PLACE = "registry_log_place"
    REGISTRY_BLOCK_TIME = "registry_block_time"


class ProtocolError(SsvError):
    """A protocol rule refused something; `reason` says which rule."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else str(reason))
        self.reason = reason
        self.detail = detail
