"""Which machine performs a role: the one table by which dispatchers make runners."""

from __future__ import annotations

from collections.abc import Callable

from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.forks import Network
from ssv_protocol.runners.aggregator import AggregatorRunner
from ssv_protocol.runners.aggregator_committee import AggregatorCommitteeRunner
from ssv_protocol.runners.committee import CommitteeRunner
from ssv_protocol.runners.consensus_phase import ConsensusLane
from ssv_protocol.runners.proposer import ProposerRunner
from ssv_protocol.runners.runner import Duty, Runner
from ssv_protocol.runners.seats import CommitteeSeat, ValidatorSeat
from ssv_protocol.runners.sync_contribution import SyncContributionRunner
from ssv_protocol.runners.validator_registration import registration_runner
from ssv_protocol.runners.voluntary_exit import voluntary_exit_runner
from ssv_protocol.types.duty import AggregatorCommitteeDuty, CommitteeDuty, ValidatorDuty, runner_role
from ssv_protocol.types.ids import CommitteeId, MessageId
from ssv_protocol.types.message_id import committee_message_id, validator_message_id
from ssv_protocol.types.roles import RunnerRole

ValidatorFactory = Callable[[ValidatorSeat, ValidatorDuty, ConsensusLane | None], Runner]
"""Makes a runner on a lane; on one of its own when there is none."""
AggregatorCommitteeFactory = Callable[[CommitteeSeat, AggregatorCommitteeDuty, ConsensusLane | None], Runner]
CommitteeFactory = Callable[[CommitteeSeat, CommitteeDuty, ConsensusLane | None], Runner]

VALIDATOR_RUNNERS: dict[RunnerRole, ValidatorFactory] = {
    RunnerRole.AGGREGATOR: AggregatorRunner,
    RunnerRole.PROPOSER: ProposerRunner,
    RunnerRole.SYNC_COMMITTEE_CONTRIBUTION: SyncContributionRunner,
    RunnerRole.VALIDATOR_REGISTRATION: registration_runner,
    RunnerRole.VOLUNTARY_EXIT: voluntary_exit_runner,
}
COMMITTEE_RUNNER: CommitteeFactory = CommitteeRunner
AGGREGATOR_COMMITTEE_RUNNER: AggregatorCommitteeFactory = AggregatorCommitteeRunner


def role_of(network: Network, duty: Duty) -> RunnerRole:
    """Return the role that performs a duty under the rule set of its slot."""
    if isinstance(duty, ValidatorDuty):
        return runner_role(duty.type, network.ssv_fork_at(duty.slot))
    return duty.ROLE


def message_id_of(network: Network, committee: CommitteeId, duty: Duty) -> MessageId:
    """Return the id that the messages of a duty carry, which with its slot is the duty's name."""
    role, domain = role_of(network, duty), network.domain_at(duty.slot)
    if isinstance(duty, ValidatorDuty):
        return validator_message_id(domain, role, duty.pubkey)
    return committee_message_id(domain, role, committee)


def runner_of(seat: CommitteeSeat, duty: Duty) -> Runner:
    """Return the machine of a duty of the seat's committee, or of one of its validators.

    Raises:
        ProtocolError: DUTY_ROLE when no machine performs it, NO_VALIDATOR_SHARES, and those of the machine.
    """
    if isinstance(duty, CommitteeDuty):
        return COMMITTEE_RUNNER(seat, duty, None)
    if isinstance(duty, AggregatorCommitteeDuty):
        return AGGREGATOR_COMMITTEE_RUNNER(seat, duty, None)
    make = VALIDATOR_RUNNERS.get(role_of(seat.network, duty))
    if make is None:
        raise ProtocolError(Reason.DUTY_ROLE, f"beacon role {duty.type}")
    return make(seat.of_validator(duty.validator_index), duty, None)
