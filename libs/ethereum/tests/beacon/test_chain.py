from typing import Any

import pytest

from ssv_ethereum.beacon.answers import Hex4, Hex32
from ssv_ethereum.beacon.chain import Genesis, chain_from
from ssv_protocol.beacon_chain import BeaconFork
from ssv_protocol.types.ids import Epoch, Instant, Slot

GENESIS = Genesis(1_000, Hex32(b"\x01" * 32), Hex4(b"\x10\x00\x00\x00"))
SPEC: dict[str, Any] = {
    "SLOTS_PER_EPOCH": "8",
    "SECONDS_PER_SLOT": "6",
    "EPOCHS_PER_SYNC_COMMITTEE_PERIOD": "256",
    "SYNC_COMMITTEE_SIZE": "512",
    "ALTAIR_FORK_EPOCH": "0",
    "ALTAIR_FORK_VERSION": "0x10000001",
    "ELECTRA_FORK_EPOCH": "5",
    "ELECTRA_FORK_VERSION": "0x10000005",
    "FULU_FORK_EPOCH": "18446744073709551615",
    "FULU_FORK_VERSION": "0x10000006",
    "NOT_YET_INVENTED_FORK_EPOCH": "3",
    "NOT_YET_INVENTED_FORK_VERSION": "0x10000009",
    "BLOB_SCHEDULE": [],
}


def test_values_come_from_the_answers() -> None:
    chain = chain_from(GENESIS, SPEC)
    assert chain.genesis_validators_root == b"\x01" * 32
    assert chain.slot_start(Slot(8)) == Instant(1_048)
    assert chain.epochs_per_sync_committee_period == 256
    assert chain.sync_committee_size == 512


def test_the_slot_duration_in_milliseconds_wins() -> None:
    assert chain_from(GENESIS, SPEC | {"SLOT_DURATION_MS": "1500"}).slot_duration_s == 1.5


def test_forks_are_known_by_name_and_only_if_scheduled() -> None:
    chain = chain_from(GENESIS, SPEC)
    assert [scheduled.fork for scheduled in chain.forks] == [
        BeaconFork.PHASE0,
        BeaconFork.ALTAIR,
        BeaconFork.ELECTRA,
    ]
    assert chain.fork_at(Epoch(0)).version.hex() == "10000001"
    assert chain.fork_at(Epoch(4)).fork is BeaconFork.ALTAIR
    assert chain.fork_at(Epoch(5)).version.hex() == "10000005"


@pytest.mark.parametrize("missing", ["SLOTS_PER_EPOCH", "SECONDS_PER_SLOT", "ELECTRA_FORK_VERSION"])
def test_a_missing_value_is_an_error(missing: str) -> None:
    spec = {name: value for name, value in SPEC.items() if name != missing}
    with pytest.raises(KeyError, match=missing):
        chain_from(GENESIS, spec)


def test_a_fork_out_of_order_is_an_error() -> None:
    with pytest.raises(ValueError, match="ascend"):
        chain_from(GENESIS, SPEC | {"FULU_FORK_EPOCH": "4"})
