from collections.abc import Callable
from dataclasses import replace

import pytest
from libs.protocol.tests.types.samples import duty

from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.forks import SsvFork
from ssv_protocol.types.duty import AggregatorCommitteeDuty, CommitteeDuty, runner_role
from ssv_protocol.types.ids import BlsPublicKey, Slot, ValidatorIndex
from ssv_protocol.types.roles import BeaconRole, RunnerRole

ATTESTER = duty(BeaconRole.ATTESTER)
SLOT = ATTESTER.slot


def reason(action: Callable[[], None]) -> Reason:
    with pytest.raises(ProtocolError) as error:
        action()
    return error.value.reason


def test_aggregation_belongs_to_other_runners_in_each_rule_set() -> None:
    alan = [runner_role(role, SsvFork.ALAN) for role in range(8)]
    boole = [runner_role(role, SsvFork.BOOLE) for role in range(8)]
    assert alan == [0, 1, 2, 0, 3, 4, 5, -1]
    assert boole == [0, 6, 2, 0, 6, 4, 5, -1]
    assert runner_role(BeaconRole.UNKNOWN, SsvFork.BOOLE) is RunnerRole.UNKNOWN


@pytest.mark.parametrize("role", [role for role in BeaconRole if role is not BeaconRole.UNKNOWN])
def test_every_known_duty_is_valid(role: BeaconRole) -> None:
    duty(role).validate()


@pytest.mark.parametrize(
    "broken",
    [
        replace(ATTESTER, type=7),
        replace(ATTESTER, type=BeaconRole.UNKNOWN),
        replace(ATTESTER, pubkey=BlsPublicKey(bytes(48))),
        replace(ATTESTER, committee_length=0, validator_committee_index=0),
        replace(ATTESTER, validator_committee_index=128),
        replace(ATTESTER, type=BeaconRole.AGGREGATOR, validator_committee_index=128),
    ],
)
def test_a_broken_duty_is_refused(broken: object) -> None:
    assert reason(broken.validate) is Reason.DUTY_INVALID  # type: ignore[attr-defined]


def test_only_attesting_needs_a_place_in_a_beacon_committee() -> None:
    replace(duty(BeaconRole.PROPOSER), committee_length=0).validate()


def test_a_committee_attests_and_sends_sync_messages() -> None:
    CommitteeDuty(SLOT, (ATTESTER, duty(BeaconRole.SYNC_COMMITTEE))).validate()


@pytest.mark.parametrize(
    ("duties", "expected"),
    [
        ((), Reason.NO_BEACON_DUTIES),
        ((ATTESTER, replace(ATTESTER, slot=Slot(SLOT + 1))), Reason.UNKNOWN_DUTY_ROLE_DATA),
        ((ATTESTER, duty(BeaconRole.PROPOSER)), Reason.DUTY_ROLE),
        ((replace(ATTESTER, committee_length=0),), Reason.DUTY_INVALID),
        # the slot is looked at before the role, the role before the rest
        ((replace(ATTESTER, slot=Slot(0), type=2, committee_length=0),), Reason.UNKNOWN_DUTY_ROLE_DATA),
        ((replace(ATTESTER, type=1, committee_length=0),), Reason.DUTY_ROLE),
    ],
)
def test_what_is_no_committee_duty(duties: tuple[object, ...], expected: Reason) -> None:
    assert reason(CommitteeDuty(SLOT, duties).validate) is expected  # type: ignore[arg-type]


AGGREGATOR = duty(BeaconRole.AGGREGATOR)
OWN = {ValidatorIndex(1), ValidatorIndex(2)}


def test_a_committee_aggregates_for_its_own_validators() -> None:
    both = (AGGREGATOR, duty(BeaconRole.SYNC_COMMITTEE_CONTRIBUTION, validator=2))
    AggregatorCommitteeDuty(SLOT, both).validate(OWN)
    AggregatorCommitteeDuty(SLOT, ()).validate(OWN)


@pytest.mark.parametrize(
    "broken",
    [
        replace(AGGREGATOR, slot=Slot(SLOT + 1)),
        ATTESTER,
        replace(AGGREGATOR, validator_index=ValidatorIndex(3)),
    ],
)
def test_what_is_no_aggregator_committee_duty(broken: object) -> None:
    value = AggregatorCommitteeDuty(SLOT, (AGGREGATOR, broken))  # type: ignore[arg-type]
    assert reason(lambda: value.validate(OWN)) is Reason.AGGREGATOR_COMMITTEE_DUTY_INVALID
