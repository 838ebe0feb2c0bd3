"""Every reason for which gossip is refused: which of the network's rules it is, what it costs, what it means.

Rules are numbered as the network's node applies them, 1 to 64, in that order; a reason without a number is a rule of
our own. `IGNORE` drops without blame: an honest peer may have sent it, because it knows another state of registry,
duties or clock. `REJECT` blames the peer: no honest one sends or forwards it. `of_registry` marks what is only as true
as the registry is fresh: while it is not, such a rejection becomes an ignore. `of_author` marks what an honest peer may
forward but not write: it hears each half of a contradiction from another peer, and holds neither against the other. The
network's node blames the forwarder all the same; here it is an ignore unless the peer is the author.

Rule 12 (no SSVMessage in the envelope) needs no reason of its own: SSZ has no such envelope, so it is rule 3.

Source: ssvlabs/ssv message/validation; SIP "fork support".
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum


class GossipReason(StrEnum):
    """Why a gossip message was refused. `RULES` says more."""

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
    SIGNER_ORDER = "signer_order"
    SIGNATURE_COUNT = "signature_count"
    ZERO_SIGNER = "zero_signer"
    DUPLICATE_SIGNER = "duplicate_signer"
    UNKNOWN_OPERATOR = "unknown_operator"
    # the content, before it is opened
    NO_DATA = "no_data"
    DATA_TOO_LARGE = "data_too_large"
    EVENT_MESSAGE = "event_message"
    MESSAGE_TYPE = "message_type"
    WRONG_DOMAIN = "wrong_domain"
    UNKNOWN_ROLE = "unknown_role"
    ROLE_OF_OTHER_FORK = "role_of_other_fork"
    COMMITTEE_PADDING = "committee_padding"
    # whose duty it is
    NO_REGISTRY = "no_registry"
    UNKNOWN_COMMITTEE = "unknown_committee"
    NO_VALIDATORS = "no_validators"
    UNKNOWN_VALIDATOR = "unknown_validator"
    LIQUIDATED = "liquidated"
    NO_INDEX = "no_index"
    NOT_ATTESTING = "not_attesting"
    SIGNER_NOT_IN_COMMITTEE = "signer_not_in_committee"
    WRONG_TOPIC = "wrong_topic"
    # consensus messages by themselves
    CONSENSUS_UNDECODABLE = "consensus_undecodable"
    SEVERAL_SIGNERS = "several_signers"
    NO_QUORUM = "no_quorum"
    UNEXPECTED_FULL_DATA = "unexpected_full_data"
    FULL_DATA_ROOT = "full_data_root"
    CONSENSUS_TYPE = "consensus_type"
    ZERO_ROUND = "zero_round"
    CONSENSUS_ROLE = "consensus_role"
    LATE_ROUND = "late_round"
    IDENTIFIER = "identifier"
    UNEXPECTED_JUSTIFICATION = "unexpected_justification"
    JUSTIFICATION_UNDECODABLE = "justification_undecodable"
    LEADER = "leader"
    NO_FULL_DATA = "no_full_data"
    # consensus messages among the signer's others
    PAST_ROUND = "past_round"
    OTHER_PROPOSAL = "other_proposal"
    DUPLICATE = "duplicate"
    DUPLICATE_DECISION = "duplicate_decision"
    FUTURE_ROUND = "future_round"
    # partial signatures
    PARTIALS_UNDECODABLE = "partials_undecodable"
    PARTIALS_TYPE = "partials_type"
    PARTIALS_OF_OTHER_ROLE = "partials_of_other_role"
    PARTIALS_EMPTY = "partials_empty"
    PARTIALS_SIGNER = "partials_signer"
    OTHER_INDEX = "other_index"
    DUPLICATE_BATCH = "duplicate_batch"
    PARTIALS_TOO_MANY = "partials_too_many"
    PARTIALS_REPEATED = "partials_repeated"
    # the duty and its time
    PAST_SLOT = "past_slot"
    NO_DUTY = "no_duty"
    DUTIES_UNKNOWN = "duties_unknown"
    TOO_EARLY = "too_early"
    TOO_LATE = "too_late"
    TOO_MANY_DUTIES = "too_many_duties"
    SIGNATURE = "signature"
    # ourselves
    FAULT = "fault"


class Consequence(Enum):
    """What a refusal costs the peer that brought the message."""

    IGNORE = "ignore"
    REJECT = "reject"


IGNORE, REJECT = Consequence.IGNORE, Consequence.REJECT


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of the network, by its `numbers`, that has one reason."""

    consequence: Consequence
    numbers: tuple[int, ...]
    explanation: str
    of_registry: bool = False
    of_author: bool = False


_R = GossipReason

RULES: dict[GossipReason, Rule] = {
    _R.PUBSUB_SIGNATURE: Rule(REJECT, (), "The pubsub message carries a signature or key, which this network forbids."),
    _R.PUBSUB_AUTHOR: Rule(REJECT, (), "The pubsub message does not say which peer published it."),
    _R.PUBSUB_TOPICS: Rule(REJECT, (), "The pubsub message names no topic or several."),
    _R.EMPTY: Rule(REJECT, (1,), "The message is empty."),
    _R.TOO_LARGE: Rule(IGNORE, (2,), "The message is larger than any message of the protocol."),
    _R.UNDECODABLE: Rule(REJECT, (3, 12), "The bytes are no SignedSSVMessage."),
    _R.NO_SIGNERS: Rule(REJECT, (4,), "No operator is named as signer."),
    _R.NO_SIGNATURES: Rule(REJECT, (5,), "There is no signature."),
    _R.SIGNATURE_SIZE: Rule(REJECT, (6,), "A signature does not have the size of an operator's."),
    _R.SIGNER_ORDER: Rule(REJECT, (7,), "The signers are not in ascending order."),
    _R.SIGNATURE_COUNT: Rule(REJECT, (8,), "There are not as many signatures as signers."),
    _R.ZERO_SIGNER: Rule(REJECT, (9,), "Operator 0 does not exist."),
    _R.DUPLICATE_SIGNER: Rule(REJECT, (10,), "An operator is named twice."),
    _R.UNKNOWN_OPERATOR: Rule(IGNORE, (11,), "A signer is not, or no longer, in the registry."),
    _R.NO_DATA: Rule(REJECT, (13,), "The envelope is empty."),
    _R.DATA_TOO_LARGE: Rule(REJECT, (14, 26, 49), "The content is larger than the rule set of its slot allows."),
    _R.EVENT_MESSAGE: Rule(REJECT, (15,), "The message is of a kind that nodes only tell themselves."),
    _R.MESSAGE_TYPE: Rule(REJECT, (15,), "The message is neither consensus nor partial signatures."),
    _R.WRONG_DOMAIN: Rule(IGNORE, (16,), "The message is of another network or rule set than its slot's."),
    _R.UNKNOWN_ROLE: Rule(REJECT, (17,), "No rule set knows the role."),
    _R.ROLE_OF_OTHER_FORK: Rule(REJECT, (17,), "The rule set of the slot does not have this role."),
    _R.COMMITTEE_PADDING: Rule(IGNORE, (), "The committee id in the message id is not padded with zeros."),
    _R.NO_REGISTRY: Rule(IGNORE, (), "The registry is not known yet."),
    _R.UNKNOWN_COMMITTEE: Rule(IGNORE, (18,), "No validator in the registry has this committee."),
    _R.NO_VALIDATORS: Rule(REJECT, (19,), "The committee has no validator.", of_registry=True),
    _R.UNKNOWN_VALIDATOR: Rule(IGNORE, (20,), "The validator is not in the registry."),
    _R.LIQUIDATED: Rule(IGNORE, (21,), "The validator, or every validator of the committee, is liquidated."),
    _R.NO_INDEX: Rule(IGNORE, (22,), "The beacon chain is not known to know the validator."),
    _R.NOT_ATTESTING: Rule(IGNORE, (23,), "The validator does not attest in this epoch."),
    _R.SIGNER_NOT_IN_COMMITTEE: Rule(REJECT, (24,), "A signer has no seat in the committee.", of_registry=True),
    _R.WRONG_TOPIC: Rule(IGNORE, (25,), "The committee talks on another topic."),
    _R.CONSENSUS_UNDECODABLE: Rule(REJECT, (26,), "The content is no consensus message."),
    _R.SEVERAL_SIGNERS: Rule(REJECT, (27, 50), "Only a decided commit has several signers."),
    _R.NO_QUORUM: Rule(REJECT, (28,), "A decided commit has fewer signers than a quorum.", of_registry=True),
    _R.UNEXPECTED_FULL_DATA: Rule(REJECT, (29, 51), "A message of this kind carries no full data."),
    _R.FULL_DATA_ROOT: Rule(REJECT, (30,), "The full data is not what the message's root binds."),
    _R.CONSENSUS_TYPE: Rule(REJECT, (31,), "The kind of consensus message is unknown."),
    _R.ZERO_ROUND: Rule(REJECT, (32,), "Rounds begin at one."),
    _R.CONSENSUS_ROLE: Rule(REJECT, (33,), "Duties of this role have no consensus."),
    _R.LATE_ROUND: Rule(IGNORE, (34,), "Consensus of this role is given up before this round."),
    _R.IDENTIFIER: Rule(REJECT, (35,), "The consensus message is of another duty than its envelope."),
    _R.UNEXPECTED_JUSTIFICATION: Rule(REJECT, (36, 37), "A message of this kind needs no justification."),
    _R.JUSTIFICATION_UNDECODABLE: Rule(REJECT, (36, 37), "A justification is no SignedSSVMessage."),
    _R.LEADER: Rule(REJECT, (38,), "The proposer does not lead the round.", of_registry=True),
    _R.NO_FULL_DATA: Rule(IGNORE, (), "The value that the message is about does not come with it."),
    _R.PAST_ROUND: Rule(IGNORE, (39,), "The signer has been in a later round of this consensus."),
    _R.OTHER_PROPOSAL: Rule(REJECT, (40,), "The signer has proposed something else in this round.", of_author=True),
    _R.DUPLICATE: Rule(REJECT, (41,), "The signer has said this in this round already.", of_author=True),
    _R.DUPLICATE_DECISION: Rule(IGNORE, (42,), "The decision has come with the same signers before."),
    _R.FUTURE_ROUND: Rule(IGNORE, (43,), "The round cannot have begun yet."),
    _R.PAST_SLOT: Rule(IGNORE, (44, 57), "The signer has been at a later slot of this validator's duty."),
    _R.NO_DUTY: Rule(IGNORE, (45, 58), "The validator has no such duty."),
    _R.DUTIES_UNKNOWN: Rule(IGNORE, (45, 58), "The duties of the epoch are not known yet."),
    _R.TOO_EARLY: Rule(IGNORE, (46, 60), "The slot of the message has not begun."),
    _R.TOO_LATE: Rule(IGNORE, (46, 60), "The slot of the message is long past."),
    _R.TOO_MANY_DUTIES: Rule(IGNORE, (47, 60), "The signer has had more duties in this epoch than there can be."),
    _R.SIGNATURE: Rule(REJECT, (48, 64), "A signature is not the operator's."),
    _R.PARTIALS_UNDECODABLE: Rule(REJECT, (49,), "The content is no batch of partial signatures."),
    _R.PARTIALS_TYPE: Rule(REJECT, (52,), "No rule set knows the type of partial signatures."),
    _R.PARTIALS_OF_OTHER_ROLE: Rule(REJECT, (53,), "The duty has no partial signatures of this type."),
    _R.PARTIALS_EMPTY: Rule(REJECT, (54,), "The batch is empty."),
    _R.PARTIALS_SIGNER: Rule(REJECT, (55,), "The signer inside of the batch is not the one of the envelope."),
    _R.OTHER_INDEX: Rule(IGNORE, (56,), "The partial signature is for another validator than the duty's."),
    _R.DUPLICATE_BATCH: Rule(
        REJECT, (59,), "The signer has sent its partial signatures for this slot already.", of_author=True
    ),
    _R.PARTIALS_TOO_MANY: Rule(
        REJECT, (61, 63), "The batch has more signatures than its duty needs.", of_registry=True
    ),
    _R.PARTIALS_REPEATED: Rule(REJECT, (62,), "The batch has more signatures for a validator than the duty needs."),
    _R.FAULT: Rule(IGNORE, (), "The check itself failed; this is a defect of this node."),
}
"""In the order of the checks."""
