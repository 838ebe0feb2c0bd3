from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssv_protocol.beacon_chain import BeaconChain, BeaconFork, ScheduledFork
from ssv_protocol.crypto.signing_root import (
    DOMAIN_APPLICATION_BUILDER,
    DOMAIN_BEACON_ATTESTER,
    DOMAIN_VOLUNTARY_EXIT,
)
from ssv_protocol.types.ids import Epoch, ForkVersion, Instant, Root, Slot

GENESIS_ROOT = Root(b"\x4b" * 32)


def version(number: int) -> ForkVersion:
    return ForkVersion(bytes([number, 0, 0, 1]))


def schedule(*forks: tuple[BeaconFork, int]) -> tuple[ScheduledFork, ...]:
    return tuple(ScheduledFork(fork, version(fork), Epoch(epoch)) for fork, epoch in forks)


def chain(
    *forks: tuple[BeaconFork, int], slots_per_epoch: int = 8, slot_duration_s: float = 6.0, genesis_time_s: int = 1_000
) -> BeaconChain:
    return BeaconChain(
        genesis_time_s, GENESIS_ROOT, slot_duration_s, slots_per_epoch, 4, 512, schedule(*forks or ((FULU, 0),))
    )


PHASE0, CAPELLA, DENEB, ELECTRA, FULU = (
    BeaconFork.PHASE0,
    BeaconFork.CAPELLA,
    BeaconFork.DENEB,
    BeaconFork.ELECTRA,
    BeaconFork.FULU,
)
MAINNET_LIKE = chain((PHASE0, 0), (CAPELLA, 10), (DENEB, 20), (ELECTRA, 30))


def domain(kind: bytes, fork: BeaconFork, genesis_root: bytes = GENESIS_ROOT) -> bytes:
    return kind + sha256(version(fork) + bytes(28) + genesis_root).digest()[:28]


@given(st.integers(0, 2**40), st.integers(1, 64), st.sampled_from([1.0, 2.0, 6.0, 12.0]))
def test_slots_epochs_and_times_fit_together(slot: int, slots_per_epoch: int, slot_duration_s: float) -> None:
    its = chain(slots_per_epoch=slots_per_epoch, slot_duration_s=slot_duration_s)
    epoch = its.epoch_of(Slot(slot))
    assert its.first_slot(epoch) <= slot < its.first_slot(Epoch(epoch + 1))
    start = its.slot_start(Slot(slot))
    assert its.slot_at(start) == slot
    assert its.slot_at(Instant(start + slot_duration_s * 0.75)) == slot


def test_before_genesis_it_is_slot_0() -> None:
    assert chain().slot_at(Instant(0.0)) == 0
    assert chain().slot_at(Instant(999.9)) == 0


def test_sync_periods() -> None:
    assert [chain().sync_period_of(Epoch(epoch)) for epoch in (0, 3, 4, 11, 12)] == [0, 0, 1, 2, 3]


def test_the_fork_in_force() -> None:
    assert [MAINNET_LIKE.fork_at(Epoch(epoch)).fork for epoch in (0, 9, 10, 19, 20, 29, 30, 10**9)] == [
        PHASE0,
        PHASE0,
        CAPELLA,
        CAPELLA,
        DENEB,
        DENEB,
        ELECTRA,
        ELECTRA,
    ]


def test_of_several_forks_at_one_epoch_the_last_holds() -> None:
    local = chain((PHASE0, 0), (CAPELLA, 0), (ELECTRA, 0), (FULU, 0))
    assert local.fork_at(Epoch(0)).fork is FULU


@pytest.mark.parametrize("forks", [((PHASE0, 1),), ((PHASE0, 0), (CAPELLA, 10), (DENEB, 5))])
def test_a_schedule_starts_at_0_and_ascends(forks: tuple[tuple[BeaconFork, int], ...]) -> None:
    with pytest.raises(ValueError, match="fork schedule"):
        chain(*forks)


def test_a_schedule_is_not_empty() -> None:
    with pytest.raises(ValueError, match="fork schedule"):
        BeaconChain(0, GENESIS_ROOT, 6.0, 8, 4, 512, ())


def test_domains_follow_the_fork_of_the_object() -> None:
    assert MAINNET_LIKE.domain(DOMAIN_BEACON_ATTESTER, Epoch(9)) == domain(DOMAIN_BEACON_ATTESTER, PHASE0)
    assert MAINNET_LIKE.domain(DOMAIN_BEACON_ATTESTER, Epoch(30)) == domain(DOMAIN_BEACON_ATTESTER, ELECTRA)


def test_exits_are_signed_with_capella_for_ever() -> None:
    for epoch in (0, 10, 30, 10_000):
        assert MAINNET_LIKE.domain(DOMAIN_VOLUNTARY_EXIT, Epoch(epoch)) == domain(DOMAIN_VOLUNTARY_EXIT, CAPELLA)
    without_capella = chain((FULU, 0))
    assert without_capella.domain(DOMAIN_VOLUNTARY_EXIT, Epoch(3)) == domain(DOMAIN_VOLUNTARY_EXIT, FULU)


def test_builder_registrations_are_signed_with_the_genesis_fork_and_no_chain() -> None:
    expected = domain(DOMAIN_APPLICATION_BUILDER, PHASE0, bytes(32))
    assert MAINNET_LIKE.domain(DOMAIN_APPLICATION_BUILDER, Epoch(30)) == expected
