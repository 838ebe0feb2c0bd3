from ssv_duty_scheduler.dependent_roots import DependentRoots
from ssv_ethereum.beacon.answers import Hex32
from ssv_ethereum.beacon.events import HeadEvent
from ssv_protocol.beacon_chain import BeaconChain, BeaconFork, ScheduledFork
from ssv_protocol.types.ids import Epoch, ForkVersion, Root

FORKS = (ScheduledFork(BeaconFork.PHASE0, ForkVersion(bytes(4)), Epoch(0)),)
CHAIN = BeaconChain(0, Root(bytes(32)), 6.0, 8, 8, 32, FORKS)


def root(number: int) -> Root:
    return Root(bytes([number]) * 32)


def head(slot: int, previous: int, current: int) -> HeadEvent:
    return HeadEvent(slot, Hex32(root(99)), Hex32(root(previous)), Hex32(root(current)))


def test_the_first_event_is_compared_with_the_duties_at_hand() -> None:
    fetched = {Epoch(2): root(1), Epoch(3): root(2)}
    assert DependentRoots(CHAIN).moved(head(16, 1, 2), fetched) == set()
    assert DependentRoots(CHAIN).moved(head(16, 1, 7), fetched) == {3}
    assert DependentRoots(CHAIN).moved(head(16, 7, 2), fetched) == {2}
    assert DependentRoots(CHAIN).moved(head(16, 1, 2), {}) == set()


def test_a_move_is_reported_once() -> None:
    roots = DependentRoots(CHAIN)
    stale = {Epoch(2): root(1), Epoch(3): root(2)}
    assert roots.moved(head(17, 1, 2), stale) == set()
    assert roots.moved(head(18, 1, 3), stale) == {3}
    assert roots.moved(head(19, 1, 3), stale) == set()
    assert roots.moved(head(20, 4, 3), stale) == {2}


def test_an_epoch_ahead_the_current_root_is_the_next_epochs_previous_one() -> None:
    roots = DependentRoots(CHAIN)
    assert roots.moved(head(23, 1, 2), {}) == set()
    assert roots.moved(head(24, 2, 5), {}) == set()
    assert roots.moved(head(25, 3, 5), {}) == {3}


def test_an_epoch_that_was_never_told_nor_fetched_cannot_have_moved() -> None:
    roots = DependentRoots(CHAIN)
    assert roots.moved(head(0, 1, 1), {}) == set()
    assert roots.moved(head(800, 9, 8), {}) == set()
