"""What a signing rule answers: approved with the record to keep, or denied with a reason.

A rule never signs. It returns the record that must be durable before anything is signed, so there is no other
order to do it in: persist `Approved.record`, then sign. Every reason has one explanation, from which the
documentation is made.

Source: architecture §5 (safety invariants).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

RecordT = TypeVar("RecordT")


class DenialReason(StrEnum):
    """Why the signer refuses."""

    # any request
    MALFORMED = "malformed"
    WRONG_DOMAIN = "wrong_domain"
    WRONG_ROLE = "wrong_role"
    TOO_OLD = "too_old"
    FAR_FUTURE = "far_future"
    # leases, and whether the database can be believed
    NO_LEASE = "no_lease"
    STALE_FENCE = "stale_fence"
    RECORD_BEHIND = "record_behind"
    RECORD_UNPROVEN = "record_unproven"
    SAFETY_DELAY = "safety_delay"
    # slashable objects
    NO_RECORD = "no_record"
    SOURCE_NOT_BEFORE_TARGET = "source_not_before_target"
    DOUBLE_VOTE = "double_vote"
    TARGET_BELOW_RECORD = "target_below_record"
    SURROUND = "surround"
    DOUBLE_PROPOSAL = "double_proposal"
    SLOT_BELOW_RECORD = "slot_below_record"
    # consensus
    ROUND_FELL = "round_fell"
    SECOND_ROOT = "second_root"
    LOCK_VIOLATED = "lock_violated"
    PREPARED_ROUND = "prepared_round"
    FULL_DATA = "full_data"
    # partial signatures
    NOTHING_TO_SIGN = "nothing_to_sign"
    SHARE_REMOVED = "share_removed"
    # the decision behind a post-consensus request
    EVIDENCE_MALFORMED = "evidence_malformed"
    EVIDENCE_NOT_COMMIT = "evidence_not_commit"
    EVIDENCE_OTHER_DUTY = "evidence_other_duty"
    EVIDENCE_OTHER_COMMITTEE = "evidence_other_committee"
    EVIDENCE_NO_QUORUM = "evidence_no_quorum"
    EVIDENCE_SIGNATURE = "evidence_signature"
    EVIDENCE_VALUE = "evidence_value"
    # one duty of a post-consensus request
    DUTY_TYPE = "duty_type"
    DUTY_SLOT = "duty_slot"
    DUPLICATE_DUTY = "duplicate_duty"
    DUPLICATE_OBJECT = "duplicate_object"
    SECOND_INDEX = "second_index"
    UNKNOWN_VALIDATOR = "unknown_validator"
    OTHER_VALIDATOR = "other_validator"
    OTHER_COMMITTEE = "other_committee"
    UNKNOWN_COMMITTEE = "unknown_committee"
    WAITING = "waiting"
    NO_KEY = "no_key"
    TARGET_OF_OTHER_EPOCH = "target_of_other_epoch"
    BLOCK_OF_OTHER_SLOT = "block_of_other_slot"


EXPLANATIONS: dict[DenialReason, str] = {
    DenialReason.MALFORMED: "The request is not a well-formed message of the protocol.",
    DenialReason.WRONG_DOMAIN: "The message id does not carry the network's domain at the duty's slot.",
    DenialReason.WRONG_ROLE: "The role has no such message under the rule set of the duty's slot.",
    DenialReason.TOO_OLD: "The slot is so old that no peer takes the message and its record may be gone.",
    DenialReason.FAR_FUTURE: "The slot or target lies more than one epoch ahead of the signer's clock; "
    "signing it would make the key useless until then.",
    DenialReason.NO_LEASE: "The request names no lease of its committee, or nobody holds the committee; "
    "claim it first.",
    DenialReason.STALE_FENCE: "Another worker claimed the committee since; this one has lost it.",
    DenialReason.RECORD_BEHIND: "The database is older than what was signed with it, so it was restored, promoted or "
    "exchanged; the committee must be claimed again and waits.",
    DenialReason.RECORD_UNPROVEN: "Nobody who last held the committee can tell that the database is the latest; the "
    "committee must be claimed again.",
    DenialReason.SAFETY_DELAY: "The database could not be believed, and what was signed in slots already begun is not "
    "known; the committee signs again from the next epoch on.",
    DenialReason.NO_RECORD: "The key has no slashing record, so what it signed before is unknown.",
    DenialReason.SOURCE_NOT_BEFORE_TARGET: "The attestation's source epoch is not before its target epoch.",
    DenialReason.DOUBLE_VOTE: "Another attestation, or an unknown one, is on record for this target epoch.",
    DenialReason.TARGET_BELOW_RECORD: "The target epoch is below the highest on record; what was signed there "
    "is no longer known.",
    DenialReason.SURROUND: "The source epoch is below the highest on record: the attestation could surround "
    "one that was signed.",
    DenialReason.DOUBLE_PROPOSAL: "Another block, or an unknown one, is on record for this slot.",
    DenialReason.SLOT_BELOW_RECORD: "The block's slot is below the highest on record.",
    DenialReason.ROUND_FELL: "A message of a higher round of this consensus is on record.",
    DenialReason.SECOND_ROOT: "Another value is on record for this round of this consensus.",
    DenialReason.LOCK_VIOLATED: "The round change disowns the value of the last commit on record.",
    DenialReason.PREPARED_ROUND: "The round change claims a value prepared in its own or a later round.",
    DenialReason.FULL_DATA: "The full data is not what the message's root binds, is too large, or comes with "
    "a message that carries none.",
    DenialReason.NOTHING_TO_SIGN: "The request names nothing to sign.",
    DenialReason.SHARE_REMOVED: "A share that the recorded message was signed with is no longer held.",
    DenialReason.EVIDENCE_MALFORMED: "The decided message is not a well-formed consensus message.",
    DenialReason.EVIDENCE_NOT_COMMIT: "The decided message is not a commit.",
    DenialReason.EVIDENCE_OTHER_DUTY: "The decided message is of another duty or slot.",
    DenialReason.EVIDENCE_OTHER_COMMITTEE: "The duty is not of the committee whose keys are known.",
    DenialReason.EVIDENCE_NO_QUORUM: "Fewer than a quorum of the committee signed the decided message.",
    DenialReason.EVIDENCE_SIGNATURE: "An operator's signature on the decided message does not verify.",
    DenialReason.EVIDENCE_VALUE: "The decided value is not the one that was committed to, or is not a valid one "
    "for its role and slot.",
    DenialReason.DUTY_TYPE: "The role has no duty of this type.",
    DenialReason.DUTY_SLOT: "The duty is of another slot than the request.",
    DenialReason.DUPLICATE_DUTY: "The request names the same duty of the same validator twice.",
    DenialReason.DUPLICATE_OBJECT: "The request names the same object of the same validator twice.",
    DenialReason.SECOND_INDEX: "The request names one validator's public key under two indices.",
    DenialReason.UNKNOWN_VALIDATOR: "No share of this validator, by index and public key, is held.",
    DenialReason.OTHER_VALIDATOR: "The duty is of another validator than the message id names.",
    DenialReason.OTHER_COMMITTEE: "The validator is not of the committee that decided.",
    DenialReason.UNKNOWN_COMMITTEE: "No share of this committee is held, so the operator has no say in its consensus.",
    DenialReason.WAITING: "The share is new here and signs from a later epoch on, because what was signed with it "
    "elsewhere is not known.",
    DenialReason.NO_KEY: "The external store of share keys does not hold the key of this share; readiness "
    "names those that it lacks.",
    DenialReason.TARGET_OF_OTHER_EPOCH: "The decided target is not the epoch of the duty's slot.",
    DenialReason.BLOCK_OF_OTHER_SLOT: "The decided block is not of the duty's slot.",
}


@dataclass(frozen=True, slots=True)
class Approved(Generic[RecordT]):
    """Persist `record`; when it is durable, sign. The record is unchanged when the same is asked again."""

    record: RecordT


@dataclass(frozen=True, slots=True)
class Denied:
    """Nothing may be signed and no record changes. `detail` is for logs, never for decisions."""

    reason: DenialReason
    detail: str = ""

    @property
    def explanation(self) -> str:
        """What the reason means, for a human."""
        return EXPLANATIONS[self.reason]
