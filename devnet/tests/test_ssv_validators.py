"""The validators given to SSV propose as often as the demo needs, if the forecast holds (tests/e2e checks that)."""

import pytest

from ssv_devnet.proposer_forecast import forecast, shuffled_index
from ssv_devnet.ssv_validators import FEW_SSV_VALIDATORS, SSV_VALIDATORS
from ssv_protocol.beacon_chain import BeaconChain, BeaconFork, ScheduledFork
from ssv_protocol.types.ids import Epoch, ForkVersion, Root, Slot, ValidatorIndex

GENESIS_VALIDATORS_ROOT = Root(bytes.fromhex("f03f804ff1c97ada13050eb617e66e88e1199c2ce1be0b6b27e36fafb8d3ee48"))
"""Of 256 interop validators with BLS withdrawal credentials, as the beacon node answers it."""
FULU = ScheduledFork(BeaconFork.FULU, ForkVersion(bytes.fromhex("06000000")), Epoch(0))
CHAIN = BeaconChain(0, GENESIS_VALIDATORS_ROOT, 6, 8, 8, 512, (FULU,))
VALIDATORS = 256
REGISTRATION_EPOCHS = 10


@pytest.fixture(scope="module")
def proposers() -> dict[Slot, ValidatorIndex]:
    return forecast(CHAIN, VALIDATORS, until=Epoch(6))


@pytest.mark.parametrize("epoch", range(1, 6))
def test_one_proposes_in_an_even_and_one_in_an_odd_slot(epoch: int, proposers: dict[Slot, ValidatorIndex]) -> None:
    slots = {slot for slot, index in proposers.items() if CHAIN.epoch_of(slot) == epoch and index in SSV_VALIDATORS}
    assert {slot % 2 for slot in slots} == {0, 1}


@pytest.mark.parametrize("epoch", range(1, 6))
def test_a_few_are_enough_for_a_proposal_an_epoch(epoch: int, proposers: dict[Slot, ValidatorIndex]) -> None:
    slots = {slot for slot, index in proposers.items() if CHAIN.epoch_of(slot) == epoch}
    assert any(proposers[slot] in FEW_SSV_VALIDATORS for slot in slots)


@pytest.mark.parametrize("few_or_many", [SSV_VALIDATORS, FEW_SSV_VALIDATORS])
def test_some_register_before_they_propose_in_an_odd_slot(
    few_or_many: tuple[ValidatorIndex, ...], proposers: dict[Slot, ValidatorIndex]
) -> None:
    """So that the builder, which bids in odd slots, gets a blinded block without anything else."""
    cycle, first = REGISTRATION_EPOCHS * CHAIN.slots_per_epoch, CHAIN.first_slot(Epoch(2))
    registered = [slot for slot, index in proposers.items() if first <= index % cycle < slot and index in few_or_many]
    assert any(slot % 2 == 1 and CHAIN.epoch_of(slot) == 4 for slot in registered)


def test_the_few_are_among_the_many() -> None:
    assert len(SSV_VALIDATORS) == 16
    assert set(FEW_SSV_VALIDATORS) < set(SSV_VALIDATORS)


def test_another_genesis_has_other_proposers_but_not_in_the_first_epochs(
    proposers: dict[Slot, ValidatorIndex],
) -> None:
    """The first two epochs hang on the genesis mix alone, the third on reveals."""
    other = forecast(
        BeaconChain(0, Root(bytes(32)), 6, 8, 8, 512, (FULU,)),
        VALIDATORS,
        until=Epoch(3),
    )
    certain = {slot for slot in other if slot < CHAIN.first_slot(Epoch(2))}
    assert all(other[slot] == proposers[slot] for slot in certain)
    assert any(other[slot] != proposers[slot] for slot in other if slot not in certain)


@pytest.mark.parametrize("count", [1, 2, 255, 256, 257])
def test_the_shuffle_is_a_permutation(count: int) -> None:
    seed = bytes(range(32))
    assert sorted(shuffled_index(index, count, seed) for index in range(count)) == list(range(count))
