"""Who must wait, and what shows that a validator is safe."""

from __future__ import annotations

import pytest

from ssv_duty_scheduler.doppelganger import Doppelganger, is_company
from ssv_protocol.beacon_chain import BeaconChain, BeaconFork, ScheduledFork
from ssv_protocol.types.ids import BlsPublicKey, Epoch, ForkVersion, OperatorId, Root, Slot

FORKS = (ScheduledFork(BeaconFork.PHASE0, ForkVersion(bytes(4)), Epoch(0)),)
SLOTS = 8
CHAIN = BeaconChain(0, Root(bytes(32)), 6.0, SLOTS, 8, 32, FORKS)
A, B = BlsPublicKey(b"a" * 48), BlsPublicKey(b"b" * 48)
NOW = Epoch(10)
OPERATORS = [OperatorId(number) for number in (1, 2, 3, 4)]


def last_slot(epoch: int) -> Slot:
    return Slot((epoch + 1) * SLOTS - 1)


def waiting(*keys: BlsPublicKey) -> Doppelganger:
    rules = Doppelganger(CHAIN)
    rules.ours_are(dict.fromkeys(keys), NOW)
    assert rules.waiting == set(keys)
    return rules


def test_two_quiet_epochs_on_end_are_enough_and_one_is_not() -> None:
    rules = waiting(A, B)
    assert rules.heard(Epoch(9), {A: False, B: True}) == set()
    assert rules.heard(Epoch(10), {A: False, B: False}) == {A}
    assert rules.waiting == {B}
    assert rules.heard(Epoch(11), {B: False}) == {B}


def test_an_epoch_in_which_it_lived_begins_the_count_anew() -> None:
    rules = waiting(A)
    for epoch, lived in ((9, False), (10, True), (11, False)):
        assert rules.heard(Epoch(epoch), {A: lived}) == set()
    assert rules.heard(Epoch(12), {A: False}) == {A}


@pytest.mark.parametrize("answer", [None, {}], ids=["not asked", "not told"])
def test_an_epoch_of_which_nothing_is_known_begins_the_count_anew(answer: dict[BlsPublicKey, bool] | None) -> None:
    rules = waiting(A)
    rules.heard(Epoch(9), {A: False})
    if answer is not None:
        rules.heard(Epoch(10), answer)
    assert rules.heard(Epoch(11), {A: False}) == set()
    assert rules.heard(Epoch(12), {A: False}) == {A}


def test_an_epoch_is_asked_about_once_in_the_last_slot_of_the_next_one() -> None:
    rules = waiting(A)
    assert [slot for slot in range(10 * SLOTS, 11 * SLOTS) if rules.question(Slot(slot)) is not None] == [last_slot(10)]
    assert rules.question(last_slot(10)) == 9
    rules.heard(Epoch(9), {A: True})
    assert rules.question(last_slot(10)) is None
    assert rules.question(last_slot(11)) == 10
    assert rules.question(last_slot(0)) is None
    assert Doppelganger(CHAIN).question(last_slot(10)) is None, "nobody waits"


def test_who_waits_is_held_to_the_epochs_end_and_in_its_last_slot_to_the_next_ones() -> None:
    rules = waiting(A)
    assert {rules.held_until(Slot(slot)) for slot in range(10 * SLOTS, last_slot(10))} == {11}
    assert rules.held_until(last_slot(10)) == 12


@pytest.mark.parametrize(("last", "safe"), [(10, True), (8, True), (7, False), (None, False)])
def test_a_vote_of_the_last_two_epochs_that_is_proven_lets_a_share_sign(last: int | None, safe: bool) -> None:
    rules = Doppelganger(CHAIN)
    released = rules.ours_are({A: None if last is None else Epoch(last)}, NOW)
    assert (released == {A}) is safe
    assert (rules.waiting == set()) is safe


def test_who_is_safe_stays_so_while_it_is_ours() -> None:
    rules = waiting(A)
    assert rules.company(A) == {A}
    assert rules.company(A) == set()
    assert rules.ours_are({A: None}, Epoch(50)) == set()
    assert rules.waiting == set()
    rules.ours_are({}, Epoch(51))
    rules.ours_are({A: None}, Epoch(52))
    assert rules.waiting == {A}, "it was away, and may have been elsewhere"


def test_who_comes_later_waits_for_epochs_of_its_own() -> None:
    rules = waiting(A)
    rules.heard(Epoch(9), {A: False})
    rules.ours_are({A: None, B: None}, Epoch(11))
    assert rules.heard(Epoch(10), {A: False, B: False}) == {A}
    assert rules.waiting == {B}


@pytest.mark.parametrize(
    ("signers", "company"),
    [((2, 3, 4), True), ((2, 3), False), ((1, 2, 3), False), ((1, 2, 3, 4), False), ((2, 3, 9), False), ((), False)],
)
def test_company_is_a_quorum_of_the_others_without_us(signers: tuple[int, ...], company: bool) -> None:
    assert is_company([OperatorId(number) for number in signers], OPERATORS, OperatorId(1)) is company
