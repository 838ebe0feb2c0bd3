"""Selection from keys, against proofs that are made by hand."""

from ssv_devnet.background_validators.selection import is_aggregator, is_sync_aggregator
from ssv_devnet.interop import interop_secret_key
from ssv_devnet.selected import aggregators, contributors
from ssv_ethereum.beacon.duties import AttesterDuty, SyncDuty
from ssv_protocol.beacon_chain import BeaconChain, BeaconFork, ScheduledFork
from ssv_protocol.crypto.signing_root import (
    DOMAIN_SELECTION_PROOF,
    DOMAIN_SYNC_COMMITTEE_SELECTION_PROOF,
    compute_signing_root,
    uint64_root,
)
from ssv_protocol.types.beacon.sync_committee import SyncAggregatorSelectionData
from ssv_protocol.types.ids import BlsPublicKey, Epoch, ForkVersion, Root, Slot, ValidatorIndex

KEY = BlsPublicKey(bytes(48))
CHAIN = BeaconChain(
    genesis_time_s=0,
    genesis_validators_root=Root(bytes(32)),
    slot_duration_s=6.0,
    slots_per_epoch=8,
    epochs_per_sync_committee_period=8,
    sync_committee_size=512,
    forks=(ScheduledFork(BeaconFork.FULU, ForkVersion(bytes(4)), Epoch(0)),),
)


def test_a_small_committee_selects_everybody() -> None:
    duties = [AttesterDuty(Slot(9), ValidatorIndex(index), KEY, 0, 16, 1, 0) for index in range(4)]
    assert aggregators(CHAIN, duties) == {(9, 0), (9, 1), (9, 2), (9, 3)}


def test_a_large_committee_selects_by_the_proof_over_the_slot() -> None:
    duties = [AttesterDuty(Slot(slot), ValidatorIndex(3), KEY, 0, 64, 1, 0) for slot in range(24)]
    expected = set()
    for slot in range(24):
        root = compute_signing_root(uint64_root(Slot(slot)), CHAIN.domain(DOMAIN_SELECTION_PROOF, Epoch(slot // 8)))
        if is_aggregator(interop_secret_key(ValidatorIndex(3)).sign(root), 64):
            expected.add((slot, 3))
    assert 0 < len(expected) < 24
    assert aggregators(CHAIN, duties) == expected


def test_each_subcommittee_of_a_validators_seats_is_asked_once() -> None:
    seats = SyncDuty(ValidatorIndex(5), KEY, (0, 1, 127, 128, 511))  # subcommittees 0, 1 and 3
    expected = set()
    for slot in range(16):
        for subcommittee in (0, 1, 3):
            root = compute_signing_root(
                SyncAggregatorSelectionData(Slot(slot), subcommittee).hash_tree_root(),
                CHAIN.domain(DOMAIN_SYNC_COMMITTEE_SELECTION_PROOF, Epoch(slot // 8)),
            )
            if is_sync_aggregator(interop_secret_key(ValidatorIndex(5)).sign(root), 512):
                expected.add((slot, 5, subcommittee))
    assert expected
    assert contributors(CHAIN, {Slot(slot): (seats,) for slot in range(16)}) == expected
