"""How one operator saw one committee duty, summed up when its time is over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ssv_consensus.duty_task import DutyTask
from ssv_consensus.legs import Leg
from ssv_consensus.stages import Stage
from ssv_protocol.runners.ledger import MissedReason
from ssv_protocol.types.duty import CommitteeDuty
from ssv_protocol.types.ids import NO_ROUND, OperatorId, Round, Slot, ValidatorIndex
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.roles import BeaconRole

_NEEDS_PEERS = frozenset(
    {
        MissedReason.NO_PROPOSAL,
        MissedReason.NO_PREPARE_QUORUM,
        MissedReason.NO_COMMIT_QUORUM,
        MissedReason.ROUNDS_EXHAUSTED,
        MissedReason.NO_PARTIAL_QUORUM,
    }
)
"""What can also come of this operator's own silence."""


@dataclass(frozen=True, slots=True)
class DutyRecord:
    """One duty. Every attester is either in `submitted` or in `missed`; `participants` is by attester."""

    slot: Slot
    attesters: frozenset[ValidatorIndex]
    submitted: frozenset[ValidatorIndex]
    missed: Mapping[ValidatorIndex, MissedReason]
    participants: Mapping[ValidatorIndex, frozenset[OperatorId]] = field(default_factory=dict)
    last_round: Round = NO_ROUND
    decided: SignedSSVMessage | None = None
    stages_ms: Mapping[Stage, float] = field(default_factory=dict)
    legs_ms: Mapping[Leg, Sequence[float]] = field(default_factory=dict)


def attesters_of(duty: CommitteeDuty) -> frozenset[ValidatorIndex]:
    """Return the validators that attest in a duty."""
    return frozenset(each.validator_index for each in duty.validator_duties if each.type == BeaconRole.ATTESTER)


def record_of(duty: CommitteeDuty, barred: Mapping[ValidatorIndex, MissedReason], task: DutyTask) -> DutyRecord:
    """Sum up the task of `duty`, of which the attesters in `barred` were left out."""
    machine = task.machine
    attesters = attesters_of(duty)
    missed = {index: barred.get(index) or _missed_reason(task, index) for index in attesters - task.submitted}
    return DutyRecord(
        slot=duty.slot,
        attesters=attesters,
        submitted=frozenset(task.submitted),
        missed=missed,
        participants={index: machine.participants(index) for index in attesters},
        last_round=machine.round,
        decided=machine.decided,
        stages_ms=task.stages.durations_ms(),
        legs_ms=task.legs.times_ms,
    )


def record_without_task(duty: CommitteeDuty, barred: Mapping[ValidatorIndex, MissedReason]) -> DutyRecord:
    """Sum up a duty that never began, because this operator may sign for nobody or holds nobody's share."""
    attesters = attesters_of(duty)
    missed = {index: barred.get(index, MissedReason.NO_SHARE) for index in attesters}
    return DutyRecord(duty.slot, attesters, frozenset(), missed)


def _missed_reason(task: DutyTask, index: ValidatorIndex) -> MissedReason:
    if index in task.submission_refused:
        return MissedReason.SUBMISSION_REFUSED
    reason = task.machine.missed_reason(index) or MissedReason.LATE
    if reason in _NEEDS_PEERS and task.unsigned:
        return MissedReason.SIGNER_UNAVAILABLE
    if reason in _NEEDS_PEERS and task.unpublished:
        return MissedReason.GATEWAY_UNAVAILABLE
    return reason
