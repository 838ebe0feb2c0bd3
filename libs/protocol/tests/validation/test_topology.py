from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from libs.protocol.tests.signing.world import BOOLE_EPOCH, CHAIN, NETWORK, SLOTS_PER_EPOCH

from ssv_protocol.types.committee import committee_id
from ssv_protocol.types.ids import OperatorId, Slot
from ssv_protocol.validation.topology import LATE_SLOTS, alan_subnet, boole_subnet, topic_at, topics_around

FORK = CHAIN.first_slot(BOOLE_EPOCH)


def ids(*numbers: int) -> tuple[OperatorId, ...]:
    return tuple(OperatorId(number) for number in numbers)


COMMITTEE = ids(1, 2, 3, 4)
OLD, NEW = "ssv.v2.114", "/ssv/local/boole/11"


@pytest.mark.parametrize(
    ("operators", "alan", "boole"),
    [
        ((1, 2, 3, 4), 114, 11),
        ((1, 2, 3, 5), 116, 11),
        ((5, 6, 7, 8), 36, 7),
        ((10, 20, 30, 40, 50, 60, 70), 44, 121),
    ],
)
def test_known_committees(operators: tuple[int, ...], alan: int, boole: int) -> None:
    assert alan_subnet(committee_id(ids(*operators))) == alan
    assert boole_subnet(ids(*operators)) == boole


@given(st.permutations(ids(4, 8, 15, 16, 23, 42, 108)))
def test_the_order_of_operators_is_of_no_account(operators: list[OperatorId]) -> None:
    for slot in (Slot(0), FORK):
        assert topic_at(NETWORK, slot, operators) == topic_at(NETWORK, slot, sorted(operators))


def test_the_topic_changes_with_the_slot_of_the_fork() -> None:
    assert topic_at(NETWORK, Slot(FORK - 1), COMMITTEE) == OLD
    assert topic_at(NETWORK, FORK, COMMITTEE) == NEW


@pytest.mark.parametrize(
    ("after_fork", "topics"),
    [
        (-SLOTS_PER_EPOCH - 1, {OLD}),
        (-SLOTS_PER_EPOCH, {OLD, NEW}),
        (0, {OLD, NEW}),
        (SLOTS_PER_EPOCH + LATE_SLOTS - 1, {OLD, NEW}),
        (SLOTS_PER_EPOCH + LATE_SLOTS, {NEW}),
    ],
)
def test_both_topics_are_listened_to_around_the_fork(after_fork: int, topics: set[str]) -> None:
    assert topics_around(NETWORK, Slot(FORK + after_fork), COMMITTEE) == topics


def test_the_first_slots_of_a_chain() -> None:
    assert topics_around(NETWORK, Slot(0), COMMITTEE) == {OLD}
