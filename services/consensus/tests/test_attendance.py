"""Who is named when a duty is missed, with real committees of which some are silent."""

from __future__ import annotations

import pytest
from services.consensus.tests.committee import FIRST_SLOT, FOUR, ONE, THREE, TWO, Committee
from services.consensus.tests.fake_time import run

from ssv_consensus.attendance import Attendance
from ssv_consensus.duty_times import DUTY_SLOTS
from ssv_protocol.runners.ledger import MissedReason
from ssv_protocol.types.ids import OperatorId, ValidatorIndex
from ssv_protocol.types.roles import BeaconRole

END_OF_FIRST = FIRST_SLOT + DUTY_SLOTS
EVERYBODY = (ONE, TWO, THREE, FOUR)
QUORUM_REASONS = {
    MissedReason.NO_PROPOSAL,
    MissedReason.NO_PREPARE_QUORUM,
    MissedReason.NO_COMMIT_QUORUM,
    MissedReason.ROUNDS_EXHAUSTED,
    MissedReason.NO_PARTIAL_QUORUM,
}


@pytest.mark.parametrize("reason", list(MissedReason))
def test_somebody_is_named_only_where_a_quorum_was_waited_for(reason: MissedReason) -> None:
    named = Attendance().missing(EVERYBODY, reason, ValidatorIndex(1), decided=False)
    assert named == (set(EVERYBODY) if reason in QUORUM_REASONS else set())


def test_who_is_silent_is_named_by_the_others() -> None:
    async def scenario() -> None:
        async with Committee() as committee:
            present: tuple[OperatorId, ...] = (ONE, TWO)
            for operator_id in present:
                committee.start(operator_id)
            await committee.until_slot(END_OF_FIRST, 0.5)
            for operator_id in present:
                outcomes = committee.records[FIRST_SLOT][operator_id].of(BeaconRole.ATTESTER)
                assert outcomes
                for outcome in outcomes.values():
                    assert outcome.missed in QUORUM_REASONS
                    assert outcome.missing == {THREE, FOUR}

    run(scenario)
