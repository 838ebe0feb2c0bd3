"""What gossip validation answers, and every reason for a refusal.

`Accept`: hand it to the workers and forward it. `Ignore`: drop it; an honest peer may have sent it, because it knows
another state of the registry or clock. `Reject`: drop it; no honest peer sends or forwards it, which costs the one who
did.

Source: libp2p specs, pubsub/gossipsub-v1.1.md (extended validators); ssvlabs/ssv message/validation.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ssv_protocol.types.ids import CommitteeId, Slot


class GossipReason(StrEnum):
    """Why a gossip message was refused. `EXPLANATIONS` says it to a human."""

    # what brings the message
    PUBSUB_SIGNATURE = "pubsub_signature"
    PUBSUB_AUTHOR = "pubsub_author"
    PUBSUB_TOPICS = "pubsub_topics"
    # the bytes
    EMPTY = "empty"
    TOO_LARGE = "too_large"
    UNDECODABLE = "undecodable"
    # the envelope
    NO_SIGNERS = "no_signers"
    NO_SIGNATURES = "no_signatures"
    SIGNATURE_SIZE = "signature_size"
    SIGNATURE_COUNT = "signature_count"
    ZERO_SIGNER = "zero_signer"
    DUPLICATE_SIGNER = "duplicate_signer"
    SIGNER_ORDER = "signer_order"
    NO_DATA = "no_data"
    DATA_TOO_LARGE = "data_too_large"
    MESSAGE_TYPE = "message_type"
    UNKNOWN_ROLE = "unknown_role"
    # what the registry knows
    NO_REGISTRY = "no_registry"
    UNKNOWN_OPERATOR = "unknown_operator"
    UNKNOWN_COMMITTEE = "unknown_committee"
    UNKNOWN_VALIDATOR = "unknown_validator"
    LIQUIDATED = "liquidated"
    SIGNER_NOT_IN_COMMITTEE = "signer_not_in_committee"
    SIGNATURE = "signature"
    # what the slot decides
    TOO_EARLY = "too_early"
    TOO_LATE = "too_late"
    WRONG_DOMAIN = "wrong_domain"
    ROLE_OF_OTHER_FORK = "role_of_other_fork"
    COMMITTEE_PADDING = "committee_padding"
    WRONG_TOPIC = "wrong_topic"
    # consensus messages
    CONSENSUS_UNDECODABLE = "consensus_undecodable"
    CONSENSUS_ROLE = "consensus_role"
    CONSENSUS_TYPE = "consensus_type"
    ZERO_ROUND = "zero_round"
    IDENTIFIER = "identifier"
    SEVERAL_SIGNERS = "several_signers"
    NO_QUORUM = "no_quorum"
    UNEXPECTED_FULL_DATA = "unexpected_full_data"
    FULL_DATA_ROOT = "full_data_root"
    UNEXPECTED_JUSTIFICATION = "unexpected_justification"
    JUSTIFICATION_UNDECODABLE = "justification_undecodable"
    # partial signatures
    PARTIALS_UNDECODABLE = "partials_undecodable"
    PARTIALS_TYPE = "partials_type"
    PARTIALS_EMPTY = "partials_empty"
    PARTIALS_TOO_MANY = "partials_too_many"
    PARTIALS_SIGNER = "partials_signer"
    # ourselves
    FAULT = "fault"


EXPLANATIONS: dict[GossipReason, str] = {
    GossipReason.PUBSUB_SIGNATURE: "The pubsub message carries a signature or key, which this network forbids.",
    GossipReason.PUBSUB_AUTHOR: "The pubsub message does not say which peer published it.",
    GossipReason.PUBSUB_TOPICS: "The pubsub message names no topic or several.",
    GossipReason.EMPTY: "The message is empty.",
    GossipReason.TOO_LARGE: "The message is larger than any message of the protocol.",
    GossipReason.UNDECODABLE: "The bytes are no SignedSSVMessage.",
    GossipReason.NO_SIGNERS: "No operator is named as signer.",
    GossipReason.NO_SIGNATURES: "There is no signature.",
    GossipReason.SIGNATURE_SIZE: "A signature does not have the size of an operator's.",
    GossipReason.SIGNATURE_COUNT: "There are not as many signatures as signers.",
    GossipReason.ZERO_SIGNER: "Operator 0 does not exist.",
    GossipReason.DUPLICATE_SIGNER: "An operator is named twice.",
    GossipReason.SIGNER_ORDER: "The signers are not in ascending order.",
    GossipReason.NO_DATA: "The envelope is empty.",
    GossipReason.DATA_TOO_LARGE: "The content is larger than the rule set of its slot allows.",
    GossipReason.MESSAGE_TYPE: "The message is neither consensus nor partial signatures.",
    GossipReason.UNKNOWN_ROLE: "No rule set knows the role.",
    GossipReason.NO_REGISTRY: "The registry is not known yet.",
    GossipReason.UNKNOWN_OPERATOR: "A signer is not, or no longer, in the registry.",
    GossipReason.UNKNOWN_COMMITTEE: "No validator in the registry has this committee.",
    GossipReason.UNKNOWN_VALIDATOR: "The validator is not in the registry.",
    GossipReason.LIQUIDATED: "The validator, or every validator of the committee, is liquidated.",
    GossipReason.SIGNER_NOT_IN_COMMITTEE: "A signer has no seat in the committee.",
    GossipReason.SIGNATURE: "A signature is not the operator's.",
    GossipReason.TOO_EARLY: "The slot of the message has not begun.",
    GossipReason.TOO_LATE: "The slot of the message is long past.",
    GossipReason.WRONG_DOMAIN: "The message is of another network or rule set than its slot's.",
    GossipReason.ROLE_OF_OTHER_FORK: "The rule set of the slot does not have this role.",
    GossipReason.COMMITTEE_PADDING: "The committee id in the message id is not padded with zeros.",
    GossipReason.WRONG_TOPIC: "The committee talks on another topic.",
    GossipReason.CONSENSUS_UNDECODABLE: "The content is no consensus message.",
    GossipReason.CONSENSUS_ROLE: "Duties of this role have no consensus.",
    GossipReason.CONSENSUS_TYPE: "The kind of consensus message is unknown.",
    GossipReason.ZERO_ROUND: "Rounds begin at one.",
    GossipReason.IDENTIFIER: "The consensus message is of another duty than its envelope.",
    GossipReason.SEVERAL_SIGNERS: "Only a decided commit has several signers.",
    GossipReason.NO_QUORUM: "A decided commit has fewer signers than a quorum.",
    GossipReason.UNEXPECTED_FULL_DATA: "A prepare or a single commit carries no full data.",
    GossipReason.FULL_DATA_ROOT: "The full data is not what the message's root binds.",
    GossipReason.UNEXPECTED_JUSTIFICATION: "A message of this kind needs no justification.",
    GossipReason.JUSTIFICATION_UNDECODABLE: "A justification is no SignedSSVMessage.",
    GossipReason.PARTIALS_UNDECODABLE: "The content is no batch of partial signatures.",
    GossipReason.PARTIALS_TYPE: "The duty has no partial signatures of this type.",
    GossipReason.PARTIALS_EMPTY: "The batch is empty.",
    GossipReason.PARTIALS_TOO_MANY: "The batch has more signatures than the rule set of its slot allows.",
    GossipReason.PARTIALS_SIGNER: "The signer inside of the batch is not the one of the envelope.",
    GossipReason.FAULT: "The check itself failed; this is a defect of this node.",
}


@dataclass(frozen=True, slots=True)
class Accept:
    """A message of this committee and slot, signed by whom it says."""

    committee_id: CommitteeId
    slot: Slot


@dataclass(frozen=True, slots=True)
class Ignore:
    """Drop without blame. `detail` is for logs, never for decisions."""

    reason: GossipReason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Reject:
    """Drop and blame. `detail` is for logs, never for decisions."""

    reason: GossipReason
    detail: str = ""


Refusal = Ignore | Reject
GossipVerdict = Accept | Refusal
