import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssv_protocol.qbft.config import LeaderFunction
from ssv_protocol.qbft.leader import BOOLE_HEIGHTS_PER_STEP, alan_leader, boole_leader
from ssv_protocol.types.ids import Height, OperatorId, Round

BOOLE = boole_leader
COMMITTEE = tuple(OperatorId(i) for i in (5, 9, 11, 20))
UNSORTED = tuple(OperatorId(i) for i in (20, 5, 11, 9))


def test_each_round_and_each_height_moves_on_by_one() -> None:
    assert [alan_leader(Height(0), Round(r), COMMITTEE) for r in (1, 2, 3, 4, 5)] == [5, 9, 11, 20, 5]
    assert [alan_leader(Height(h), Round(1), COMMITTEE) for h in (0, 1, 2, 3, 4)] == [5, 9, 11, 20, 5]


def test_boole_moves_on_with_the_epoch() -> None:
    assert BOOLE(Height(0), Round(1), COMMITTEE) == 5
    assert BOOLE(Height(BOOLE_HEIGHTS_PER_STEP), Round(1), COMMITTEE) == 9
    assert alan_leader(Height(BOOLE_HEIGHTS_PER_STEP), Round(1), COMMITTEE) == 5


def test_alan_takes_the_stored_order_and_boole_the_ascending_one() -> None:
    assert alan_leader(Height(0), Round(1), UNSORTED) == 20
    assert BOOLE(Height(0), Round(1), UNSORTED) == 5


@pytest.mark.parametrize("leader", [alan_leader, BOOLE])
@given(height=st.integers(0, 2**40), first=st.integers(1, 12), size=st.sampled_from([4, 7, 10, 13]))
def test_everyone_leads_once_in_as_many_rounds_as_members(
    leader: LeaderFunction, height: int, first: int, size: int
) -> None:
    committee = tuple(OperatorId(i) for i in range(1, size + 1))
    leaders = [leader(Height(height), Round(r), committee) for r in range(first, first + size)]
    assert sorted(leaders) == list(committee)
