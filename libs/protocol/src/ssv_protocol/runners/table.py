"""Which machine performs a role: the one table by which dispatchers make runners."""

from __future__ import annotations

from collections.abc import Callable

from ssv_protocol.runners.aggregator import AggregatorRunner
from ssv_protocol.runners.aggregator_committee import AggregatorCommitteeRunner
from ssv_protocol.runners.committee import CommitteeRunner
from ssv_protocol.runners.consensus_phase import ConsensusLane
from ssv_protocol.runners.proposer import ProposerRunner
from ssv_protocol.runners.runner import Runner
from ssv_protocol.runners.seats import CommitteeSeat, ValidatorSeat
from ssv_protocol.runners.sync_contribution import SyncContributionRunner
from ssv_protocol.runners.validator_registration import registration_runner
from ssv_protocol.runners.voluntary_exit import voluntary_exit_runner
from ssv_protocol.types.duty import AggregatorCommitteeDuty, CommitteeDuty, ValidatorDuty
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
