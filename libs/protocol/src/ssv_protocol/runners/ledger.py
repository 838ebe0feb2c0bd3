"""Why a duty was missed: one enum, one explanation each.

Every duty that does not end with a submission gets exactly one reason: the first obstacle on its way. Later
duties extend the enum; documentation and dashboards are made from it.
"""

from __future__ import annotations

from enum import StrEnum


class MissedReason(StrEnum):
    """The first thing that stood between a duty and its submission."""

    OPERATOR_DOWN = "operator_down"
    NO_SHARE = "no_share"
    WAITING = "waiting"
    RECORD_AHEAD = "record_ahead"
    NO_ATTESTATION_DATA = "no_attestation_data"
    NO_BLOCK = "no_block"
    NO_AGGREGATE = "no_aggregate"
    LEFT_OUT = "left_out"
    NO_PROPOSAL = "no_proposal"
    VALUE_REFUSED = "value_refused"
    NO_PREPARE_QUORUM = "no_prepare_quorum"
    NO_COMMIT_QUORUM = "no_commit_quorum"
    ROUNDS_EXHAUSTED = "rounds_exhausted"
    SIGNER_UNAVAILABLE = "signer_unavailable"
    SIGNER_REFUSED = "signer_refused"
    GATEWAY_UNAVAILABLE = "gateway_unavailable"
    NO_PARTIAL_QUORUM = "no_partial_quorum"
    RECONSTRUCTION_FAILED = "reconstruction_failed"
    SUBMISSION_REFUSED = "submission_refused"
    NOT_INCLUDED = "not_included"
    LATE = "late"

    @property
    def explanation(self) -> str:
        """One sentence for a human, with what to do."""
        return _EXPLANATIONS[self]


_EXPLANATIONS = {
    MissedReason.OPERATOR_DOWN: "No operator of the committee ran the duty; start it.",
    MissedReason.NO_SHARE: "This operator holds no key share of the validator; look at the registry.",
    MissedReason.WAITING: "The validator's share is new here, or doppelganger protection runs; it signs from a later "
    "epoch on.",
    MissedReason.RECORD_AHEAD: "The signer's record of the share is beyond the duty's epoch; nothing may be signed "
    "until the chain has passed it.",
    MissedReason.NO_ATTESTATION_DATA: "The beacon node gave no attestation data in time; look at its health.",
    MissedReason.NO_BLOCK: "The beacon node gave no block to propose in time; look at its health and its builders.",
    MissedReason.NO_AGGREGATE: "The beacon node gave no aggregate or contribution in time; look at its health.",
    MissedReason.LEFT_OUT: "The decided value does not hold this validator: its leader had no selection proof or "
    "aggregate of it.",
    MissedReason.NO_PROPOSAL: "The round's leader proposed nothing that arrived; look at the leaders and peers.",
    MissedReason.VALUE_REFUSED: "The proposed value failed this operator's own check: a vote for other checkpoints "
    "than its beacon node sees, or an object that is not the duty's or could be slashed.",
    MissedReason.NO_PREPARE_QUORUM: "Too few operators prepared the proposed value; look at peers and latency.",
    MissedReason.NO_COMMIT_QUORUM: "Too few operators committed to the prepared value; look at peers and latency.",
    MissedReason.ROUNDS_EXHAUSTED: "Consensus ran into its last round without a decision; too few operators are up.",
    MissedReason.SIGNER_UNAVAILABLE: "The signer gave no answer before the duty's deadline; look at its health.",
    MissedReason.SIGNER_REFUSED: "The signer refused this validator; its reason stands in the signer's log.",
    MissedReason.GATEWAY_UNAVAILABLE: "No gateway took this operator's messages to a peer; look at bus and gateways.",
    MissedReason.NO_PARTIAL_QUORUM: "Too few operators sent a share signature over the decided vote.",
    MissedReason.RECONSTRUCTION_FAILED: "Bad share signatures left fewer good ones than a quorum.",
    MissedReason.SUBMISSION_REFUSED: "The beacon node refused the signed object; its answer stands in the log.",
    MissedReason.NOT_INCLUDED: "Submitted in time, but no block holds it.",
    MissedReason.LATE: "The duty was still running when its deadline passed.",
}
