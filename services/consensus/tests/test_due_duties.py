"""Which machine's duties a slot's list becomes, by the rule set of the slot."""

from __future__ import annotations

from dataclasses import replace

import pytest
from services.consensus.tests.test_duty_book import FIRST, attester, proposer, sync

from ssv_consensus.due_duties import SlotDuties, due_duties, parts_of
from ssv_protocol.forks import SsvFork
from ssv_protocol.runners.runner import Duty
from ssv_protocol.types.duty import AggregatorCommitteeDuty, CommitteeDuty, ValidatorDuty
from ssv_protocol.types.roles import BeaconRole

ONE, TWO = attester(1, FIRST), attester(2, FIRST)
MEMBER = replace(sync(3), slot=FIRST)
PROPOSAL = proposer(1, FIRST)
EXIT = replace(PROPOSAL, type=BeaconRole.VOLUNTARY_EXIT)


def aggregates(duty: ValidatorDuty) -> ValidatorDuty:
    return replace(duty, type=BeaconRole.AGGREGATOR)


CONTRIBUTES = replace(MEMBER, type=BeaconRole.SYNC_COMMITTEE_CONTRIBUTION)
ALAN, BOOLE = SsvFork.ALAN, SsvFork.BOOLE


@pytest.mark.parametrize(
    ("listed", "fork", "due"),
    [
        (SlotDuties(FIRST), ALAN, set()),
        (SlotDuties(FIRST), BOOLE, set()),
        (SlotDuties(FIRST, own=(PROPOSAL, EXIT)), ALAN, {PROPOSAL, EXIT}),
        (SlotDuties(FIRST, own=(PROPOSAL, EXIT)), BOOLE, {PROPOSAL, EXIT}),
        (
            SlotDuties(FIRST, (ONE, TWO), (MEMBER,)),
            ALAN,
            {CommitteeDuty(FIRST, (ONE, TWO, MEMBER)), aggregates(ONE), aggregates(TWO), CONTRIBUTES},
        ),
        (
            SlotDuties(FIRST, (ONE, TWO), (MEMBER,)),
            BOOLE,
            {
                CommitteeDuty(FIRST, (ONE, TWO, MEMBER)),
                AggregatorCommitteeDuty(FIRST, (aggregates(ONE), aggregates(TWO), CONTRIBUTES)),
            },
        ),
        (SlotDuties(FIRST, sync=(MEMBER,)), ALAN, {CommitteeDuty(FIRST, (MEMBER,)), CONTRIBUTES}),
        (
            SlotDuties(FIRST, sync=(MEMBER,)),
            BOOLE,
            {CommitteeDuty(FIRST, (MEMBER,)), AggregatorCommitteeDuty(FIRST, (CONTRIBUTES,))},
        ),
    ],
)
def test_the_duties_of_a_slot(listed: SlotDuties, fork: SsvFork, due: set[Duty]) -> None:
    made = due_duties(listed, fork)
    assert set(made) == due
    assert len(made) == len(due)


def test_the_parts_of_a_duty() -> None:
    assert tuple(parts_of(PROPOSAL)) == (PROPOSAL,)
    assert tuple(parts_of(CommitteeDuty(FIRST, (ONE, MEMBER)))) == (ONE, MEMBER)
