"""How one operator saw one duty, summed up when its time is over.

A validator that was not selected to aggregate or contribute has no outcome; a duty in which nobody was has none.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from ssv_consensus.due_duties import parts_of
from ssv_consensus.duty_task import DutyTask
from ssv_consensus.legs import Leg
from ssv_consensus.ports import Handed
from ssv_consensus.stages import Stage
from ssv_protocol.runners.committee import CommitteeRunner
from ssv_protocol.runners.ledger import MissedReason
from ssv_protocol.runners.runner import Duty, Runner
from ssv_protocol.types.ids import NO_ROUND, MessageId, OperatorId, Round, Slot, ValidatorIndex
from ssv_protocol.types.message_id import message_role
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.roles import BeaconRole, RunnerRole

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
class Outcome:
    """What became of one validator's part of a duty; submitted when nothing is `missed`.

    `share_signers` are the operators whose share signatures were put together for what was submitted, or had come with
    them; `missing` are those of whom nothing came that a quorum waited for.
    """

    duty_type: BeaconRole
    validator_index: ValidatorIndex
    missed: MissedReason | None = None
    participants: frozenset[OperatorId] = frozenset()
    share_signers: frozenset[OperatorId] = frozenset()
    missing: frozenset[OperatorId] = frozenset()


@dataclass(frozen=True, slots=True)
class DutyRecord:
    """One duty, named by the id of its messages and its slot."""

    message_id: MessageId
    slot: Slot
    outcomes: tuple[Outcome, ...]
    last_round: Round = NO_ROUND
    decided: SignedSSVMessage | None = None
    stages_ms: Mapping[Stage, float] = field(default_factory=dict)
    legs_ms: Mapping[Leg, Sequence[float]] = field(default_factory=dict)

    @property
    def role(self) -> RunnerRole:
        """The role that the duty was performed in."""
        return RunnerRole(message_role(self.message_id))

    def of(self, duty_type: BeaconRole) -> dict[ValidatorIndex, Outcome]:
        """Return the outcomes of one kind, by validator."""
        return {each.validator_index: each for each in self.outcomes if each.duty_type is duty_type}

    # attestations, which most who read a committee's record ask for

    @property
    def attesters(self) -> frozenset[ValidatorIndex]:
        """The validators that had to attest; each is either in `submitted` or in `missed`."""
        return frozenset(self.of(BeaconRole.ATTESTER))

    @property
    def submitted(self) -> frozenset[ValidatorIndex]:
        """The attesters whose attestation was handed over."""
        return self.attesters - self.missed.keys()

    @property
    def missed(self) -> dict[ValidatorIndex, MissedReason]:
        """Why the other attesters' was not."""
        return {index: each.missed for index, each in self.of(BeaconRole.ATTESTER).items() if each.missed is not None}

    @property
    def participants(self) -> dict[ValidatorIndex, frozenset[OperatorId]]:
        """The operators that were seen at work for each attester."""
        return {index: each.participants for index, each in self.of(BeaconRole.ATTESTER).items()}


def record_of(
    duty: Duty, barred: Mapping[Handed, MissedReason], task: DutyTask, operators: Collection[OperatorId]
) -> DutyRecord:
    """Sum up the task of `duty`, of which this operator did not sign what is in `barred`; others may have done.

    `operators` are the committee's.
    """
    machine = task.machine
    held = {each.validator_index for each in parts_of(machine.duty)}
    outcomes: list[Outcome] = []
    for each in parts_of(duty):
        kind, index = BeaconRole(each.type), each.validator_index
        submitted = (kind, index) in task.submitted
        reason = None if submitted else barred.get((kind, index))
        if reason is None and not submitted:
            reason = MissedReason.NO_SHARE if index not in held else _missed_reason(task, kind, index)
            if reason is None:
                continue
        signers = machine.share_signers(index, kind) if isinstance(machine, CommitteeRunner) else frozenset()
        missing = task.attendance.missing(operators, reason, index, decided=task.decided is not None)
        outcomes.append(Outcome(kind, index, reason, participants_of(machine, index), signers, missing))
    return DutyRecord(
        machine.message_id,
        duty.slot,
        tuple(outcomes),
        machine.consensus.round if machine.consensus is not None else NO_ROUND,
        task.decided,
        task.stages.durations_ms(),
        task.legs.times_ms,
    )


def record_without_task(message_id: MessageId, duty: Duty, barred: Mapping[Handed, MissedReason]) -> DutyRecord:
    """Sum up a duty that never began, because this operator may sign for nobody or holds nobody's share."""
    outcomes = (
        Outcome(kind, each.validator_index, barred.get((kind, each.validator_index), MissedReason.NO_SHARE))
        for each in parts_of(duty)
        for kind in (BeaconRole(each.type),)
    )
    return DutyRecord(message_id, duty.slot, tuple(outcomes))


def participants_of(machine: Runner, validator_index: ValidatorIndex) -> frozenset[OperatorId]:
    """Return the operators that the decision or a share signature that was put together shows at work."""
    if isinstance(machine, CommitteeRunner):
        return machine.participants(validator_index)
    decided = machine.consensus.decided if machine.consensus is not None else None
    phase = machine.post_consensus if machine.consensus is not None else machine.pre_consensus
    signers = (
        operator_id
        for key in (phase.done if phase is not None else ())
        if phase is not None and key[0] == validator_index
        for operator_id in phase.container.signatures(*key)
    )
    return frozenset((*(decided.operator_ids if decided is not None else ()), *signers))


def _missed_reason(task: DutyTask, kind: BeaconRole, index: ValidatorIndex) -> MissedReason | None:
    """Return why a part was not submitted; None when there was nothing to submit, as for who is not selected."""
    if (kind, index) in task.submission_refused:
        return MissedReason.SUBMISSION_REFUSED
    reason = task.machine.missed_reason(index, kind)
    if reason is None:
        return MissedReason.LATE if (kind, index) in task.handed else None
    if reason in _NEEDS_PEERS and task.unsigned:
        return MissedReason.SIGNER_UNAVAILABLE
    if reason in _NEEDS_PEERS and task.unpublished:
        return MissedReason.GATEWAY_UNAVAILABLE
    return reason
