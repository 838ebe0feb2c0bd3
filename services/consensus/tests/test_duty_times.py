from __future__ import annotations

import pytest
from libs.protocol.tests.signing.world import CHAIN

from ssv_consensus.duty_times import end_of
from ssv_protocol.types.ids import Slot
from ssv_protocol.types.roles import RunnerRole

SLOT = Slot(20)


@pytest.mark.parametrize(
    ("role", "slots"),
    [
        (RunnerRole.COMMITTEE, 2),
        (RunnerRole.AGGREGATOR, 2),
        (RunnerRole.PROPOSER, 1),
        (RunnerRole.SYNC_COMMITTEE_CONTRIBUTION, 1),
        (RunnerRole.VALIDATOR_REGISTRATION, CHAIN.slots_per_epoch),
        (RunnerRole.VOLUNTARY_EXIT, CHAIN.slots_per_epoch),
        (RunnerRole.AGGREGATOR_COMMITTEE, 2),
    ],
)
def test_a_duty_ends_when_nothing_comes_of_it_any_more(role: RunnerRole, slots: int) -> None:
    assert end_of(role, SLOT, CHAIN) == CHAIN.slot_start(Slot(SLOT + slots))
