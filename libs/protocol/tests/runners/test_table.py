"""Each duty gets the machine, the role and the name that the rule set of its slot gives it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from libs.protocol.tests.runners.validator_world import duty
from libs.protocol.tests.runners.world import STRANGER, A, attester, seat
from libs.protocol.tests.signing.world import BOOLE_EPOCH, CHAIN, CLOCK, COMMITTEE, NETWORK

from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.runners.aggregator import AggregatorRunner
from ssv_protocol.runners.aggregator_committee import AggregatorCommitteeRunner
from ssv_protocol.runners.committee import CommitteeRunner
from ssv_protocol.runners.one_signature import OneSignatureRunner
from ssv_protocol.runners.proposer import ProposerRunner
from ssv_protocol.runners.runner import Duty
from ssv_protocol.runners.sync_contribution import SyncContributionRunner
from ssv_protocol.runners.table import message_id_of, role_of, runner_of
from ssv_protocol.types.duty import AggregatorCommitteeDuty, CommitteeDuty
from ssv_protocol.types.roles import BeaconRole, RunnerRole

BOOLE = CHAIN.first_slot(BOOLE_EPOCH)


@pytest.mark.parametrize(
    ("due", "role", "machine"),
    [
        (CommitteeDuty(CLOCK, (attester(A),)), RunnerRole.COMMITTEE, CommitteeRunner),
        (CommitteeDuty(BOOLE, (attester(A, BOOLE),)), RunnerRole.COMMITTEE, CommitteeRunner),
        (duty(BeaconRole.AGGREGATOR), RunnerRole.AGGREGATOR, AggregatorRunner),
        (duty(BeaconRole.PROPOSER), RunnerRole.PROPOSER, ProposerRunner),
        (
            duty(BeaconRole.SYNC_COMMITTEE_CONTRIBUTION),
            RunnerRole.SYNC_COMMITTEE_CONTRIBUTION,
            SyncContributionRunner,
        ),
        (duty(BeaconRole.VALIDATOR_REGISTRATION), RunnerRole.VALIDATOR_REGISTRATION, OneSignatureRunner),
        (duty(BeaconRole.VOLUNTARY_EXIT, BOOLE), RunnerRole.VOLUNTARY_EXIT, OneSignatureRunner),
        (
            AggregatorCommitteeDuty(BOOLE, (duty(BeaconRole.SYNC_COMMITTEE_CONTRIBUTION, BOOLE),)),
            RunnerRole.AGGREGATOR_COMMITTEE,
            AggregatorCommitteeRunner,
        ),
    ],
)
def test_a_duty_gets_its_machine_whose_messages_carry_its_name(
    due: Duty, role: RunnerRole, machine: type[object]
) -> None:
    made = runner_of(seat(), due)
    assert isinstance(made, machine)
    assert role_of(NETWORK, due) is role
    assert made.message_id == message_id_of(NETWORK, COMMITTEE, due)


@pytest.mark.parametrize(
    ("due", "reason"),
    [
        (duty(BeaconRole.PROPOSER, index=STRANGER), Reason.NO_VALIDATOR_SHARES),
        (duty(BeaconRole.AGGREGATOR, BOOLE), Reason.DUTY_ROLE),
        (duty(BeaconRole.ATTESTER), Reason.DUTY_ROLE),
    ],
)
def test_what_no_machine_of_the_seat_performs_is_refused(due: Duty, reason: Reason) -> None:
    with pytest.raises(ProtocolError) as caught:
        runner_of(seat(), due)
    assert caught.value.reason is reason


def test_a_validators_seat_has_the_committees_preferences() -> None:
    validator = replace(seat(), gas_limit=7, proposer_delay_s=0.5).of_validator(A)
    assert validator.share == seat().shares[A]
    assert (validator.gas_limit, validator.proposer_delay_s) == (7, 0.5)
