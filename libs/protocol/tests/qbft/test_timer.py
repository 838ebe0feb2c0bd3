import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssv_protocol.qbft.timer import RoundTimes
from ssv_protocol.types.ids import Instant, Round
from ssv_protocol.types.roles import RunnerRole

PUBLIC = RoundTimes(slot_duration_s=12.0, quick_timeout_s=2.0)
START = Instant(1_000.0)
LATE = Instant(1_777.0)


@pytest.mark.parametrize(
    ("role", "round_", "after_slot_start_s"),
    [
        (RunnerRole.COMMITTEE, 1, 6.0),
        (RunnerRole.COMMITTEE, 8, 20.0),
        (RunnerRole.COMMITTEE, 9, 140.0),
        (RunnerRole.COMMITTEE, 11, 380.0),
        (RunnerRole.AGGREGATOR, 1, 10.0),
        (RunnerRole.SYNC_COMMITTEE_CONTRIBUTION, 2, 12.0),
        (RunnerRole.AGGREGATOR_COMMITTEE, 1, 10.0),
    ],
)
def test_anchored_roles_count_from_the_slot_whenever_they_begin(
    role: RunnerRole, round_: int, after_slot_start_s: float
) -> None:
    for round_start in (START, LATE):
        deadline = PUBLIC.deadline(role, START, Round(round_), round_start)
        assert deadline == pytest.approx(START + after_slot_start_s)


@pytest.mark.parametrize(("round_", "length_s"), [(1, 2.0), (8, 2.0), (9, 120.0)])
def test_a_proposers_round_counts_from_its_own_start(round_: int, length_s: float) -> None:
    assert PUBLIC.deadline(RunnerRole.PROPOSER, START, Round(round_), LATE) == LATE + length_s


def test_a_local_network_has_rounds_of_a_part_of_its_slot() -> None:
    local = RoundTimes(slot_duration_s=6.0, quick_timeout_s=1.0)
    assert local.deadline(RunnerRole.COMMITTEE, START, Round(1), START) == START + 3.0


@pytest.mark.parametrize(
    ("since_s", "round_"),
    [(-5.0, 1), (0.0, 1), (1.9, 1), (2.0, 2), (15.9, 8), (16.0, 9), (135.9, 9), (136.0, 10)],
)
def test_estimated_round(since_s: float, round_: int) -> None:
    assert PUBLIC.estimated_round(since_s) == round_


@given(round_=st.integers(1, 30), part=st.floats(0.01, 0.99))
def test_the_estimate_is_the_inverse_of_the_rounds_lengths(round_: int, part: float) -> None:
    before = PUBLIC.total_s(Round(round_ - 1))
    inside = before + part * PUBLIC.timeout_s(Round(round_))
    assert PUBLIC.estimated_round(inside) == round_
