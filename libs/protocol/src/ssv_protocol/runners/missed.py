"""Where a duty stands that was not submitted: the ledger's reasons, read off the phases of a runner."""

from __future__ import annotations

from ssv_protocol.qbft.config import CUTOFF_ROUND
from ssv_protocol.runners.consensus_phase import ConsensusPhase
from ssv_protocol.runners.ledger import MissedReason
from ssv_protocol.runners.partial_signature_container import SignatureKey
from ssv_protocol.runners.signature_phase import SignaturePhase
from ssv_protocol.types.ids import Round


def unsigned_reason(phase: SignaturePhase, key: SignatureKey, *, refused: bool) -> MissedReason | None:
    """Return why a validator's signature over a root is missing; None when it is there.

    `refused` tells that the own signer denied its part.
    """
    if key in phase.done:
        return None
    if key in phase.combining:
        return MissedReason.LATE
    if key in phase.failed or key in phase.had_bad_shares:
        return MissedReason.RECONSTRUCTION_FAILED
    return MissedReason.SIGNER_REFUSED if refused else MissedReason.NO_PARTIAL_QUORUM


def undecided_reason(phase: ConsensusPhase, cutoff_round: Round = CUTOFF_ROUND) -> MissedReason | None:
    """Return why there is no decision yet; None when there is one, or nothing has begun that could bring one."""
    if phase.decided_value:
        return None
    if phase.value_refused:
        return MissedReason.VALUE_REFUSED
    if phase.instance is None:
        return None
    if phase.given_up or phase.round >= cutoff_round:
        return MissedReason.ROUNDS_EXHAUSTED
    state = phase.instance.state
    if state.last_prepared_value is not None:
        return MissedReason.NO_COMMIT_QUORUM
    return MissedReason.NO_PREPARE_QUORUM if state.proposals.by_round else MissedReason.NO_PROPOSAL
