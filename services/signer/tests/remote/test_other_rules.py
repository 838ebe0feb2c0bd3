"""What can't be slashed, case by case: none changes the record, each has its time and its own conditions."""

from __future__ import annotations

import pytest
from services.signer.tests.harness import SLOTS_PER_EPOCH
from services.signer.tests.remote.rule_table import KEY, judged, reason, record
from services.signer.tests.remote.world import (
    CHAIN,
    CLOCK,
    CLOCK_EPOCH,
    OTHER_ROOT,
    ROOT,
    Json,
    aggregate,
    contribution,
    deposit,
    fork_info,
    registration,
)

from ssv_protocol.signing.watermarks import NOTHING
from ssv_protocol.types.ids import BlsPublicKey, Epoch

NOW, LAST = int(CLOCK_EPOCH), (CLOCK_EPOCH + 2) * SLOTS_PER_EPOCH - 1
OTHER_KEY = BlsPublicKey(b"\x0b" * 48)
LAST_TIMESTAMP = int(CHAIN.slot_start(CHAIN.first_slot(Epoch(NOW + 2))))


def of(kind: str, field: str, item: Json, epoch: int = NOW) -> Json:
    return {"type": kind, "fork_info": fork_info(epoch), field: item}


def randao(epoch: int) -> Json:
    return of("RANDAO_REVEAL", "randao_reveal", {"epoch": str(epoch)}, epoch)


def selection(slot: int) -> Json:
    return of("AGGREGATION_SLOT", "aggregation_slot", {"slot": str(slot)}, slot // SLOTS_PER_EPOCH)


def aggregated(slot: int, version: str | None, *, electra: bool = True) -> Json:
    data = aggregate(slot, electra=electra)
    if version is None:
        return of("AGGREGATE_AND_PROOF", "aggregate_and_proof", data, slot // SLOTS_PER_EPOCH)
    versioned = {"version": version, "data": data}
    return of("AGGREGATE_AND_PROOF_V2", "aggregate_and_proof", versioned, slot // SLOTS_PER_EPOCH)


def sync(slot: int) -> Json:
    item = {"beacon_block_root": ROOT, "slot": str(slot)}
    return of("SYNC_COMMITTEE_MESSAGE", "sync_committee_message", item, slot // SLOTS_PER_EPOCH)


def sync_selection(slot: int, subcommittee: int = 0) -> Json:
    item = {"slot": str(slot), "subcommittee_index": str(subcommittee)}
    kind = "SYNC_COMMITTEE_SELECTION_PROOF"
    return of(kind, "sync_aggregator_selection_data", item, slot // SLOTS_PER_EPOCH)


def contributed(slot: int, subcommittee: int = 3) -> Json:
    kind, item = "SYNC_COMMITTEE_CONTRIBUTION_AND_PROOF", contribution(slot, subcommittee)
    return of(kind, "contribution_and_proof", item, slot // SLOTS_PER_EPOCH)


def leaving(epoch: int, fork_epoch: int = NOW) -> Json:
    item = {"epoch": str(epoch), "validator_index": "7"}
    return of("VOLUNTARY_EXIT", "voluntary_exit", item, fork_epoch)


def registered(pubkey: BlsPublicKey = KEY, timestamp: int = LAST_TIMESTAMP) -> Json:
    return {"type": "VALIDATOR_REGISTRATION", "validator_registration": registration(pubkey, timestamp)}


def deposited(pubkey: BlsPublicKey = KEY, **changes: str) -> Json:
    return {"type": "DEPOSIT", "deposit": deposit(pubkey) | changes}


CASES: dict[str, tuple[Json, str | None]] = {
    "RandaoNow": (randao(NOW), None),
    "RandaoNextEpoch": (randao(NOW + 1), None),
    "RandaoFarFuture": (randao(NOW + 2), "far_future"),
    "RandaoBadDomain": (randao(NOW) | {"fork_info": fork_info(1)}, "other_fork"),
    "SelectionLastSlot": (selection(LAST), None),
    "SelectionFarFuture": (selection(LAST + 1), "far_future"),
    "SelectionBadDomain": (selection(CLOCK) | {"fork_info": fork_info(1)}, "other_fork"),
    "AggregateElectra": (aggregated(CLOCK, "FULU"), None),
    "AggregateBeforeElectra": (aggregated(9, "ALTAIR", electra=False), None),
    "AggregateOldForm": (aggregated(9, None, electra=False), None),
    "AggregateOldFormSinceElectra": (aggregated(CLOCK, None, electra=False), "wrong_version"),
    "AggregateOtherVersion": (aggregated(CLOCK, "ELECTRA"), "wrong_version"),
    "AggregateFarFuture": (aggregated(LAST + 1, "FULU"), "far_future"),
    "AggregateBadDomain": (aggregated(CLOCK, "FULU") | {"fork_info": fork_info(1)}, "other_fork"),
    "SyncMessageLastSlot": (sync(LAST), None),
    "SyncMessageFarFuture": (sync(LAST + 1), "far_future"),
    "SyncMessageBadDomain": (sync(CLOCK) | {"fork_info": fork_info(1)}, "other_fork"),
    "SyncSelectionTwoEpochsAhead": (sync_selection(LAST + SLOTS_PER_EPOCH), None),
    "SyncSelectionFarFuture": (sync_selection(LAST + SLOTS_PER_EPOCH + 1), "far_future"),
    "SyncSelectionNoSubcommittee": (sync_selection(CLOCK, 4), "wrong_subcommittee"),
    "SyncSelectionBadDomain": (sync_selection(CLOCK) | {"fork_info": fork_info(1)}, "other_fork"),
    "ContributionLastSlot": (contributed(LAST), None),
    "ContributionFarFuture": (contributed(LAST + 1), "far_future"),
    "ContributionNoSubcommittee": (contributed(CLOCK, 4), "wrong_subcommittee"),
    "ContributionBadDomain": (contributed(CLOCK) | {"fork_info": fork_info(1)}, "other_fork"),
    "ExitNow": (leaving(NOW), None),
    "ExitLongAgo": (leaving(0), None),
    "ExitUnderCapellasFork": (leaving(NOW, 3), None),
    "ExitFarFuture": (leaving(NOW + 2), "far_future"),
    "ExitBadDomain": (leaving(NOW) | {"fork_info": fork_info(current_version="0x01020304")}, "other_fork"),
    "ExitBadChain": (leaving(NOW) | {"fork_info": fork_info(genesis_validators_root=OTHER_ROOT)}, "other_fork"),
    "RegistrationLastSecond": (registered(), None),
    "RegistrationFarFuture": (registered(timestamp=LAST_TIMESTAMP + 1), "far_future"),
    "RegistrationOfAnotherKey": (registered(OTHER_KEY), None),
    "DepositGood": (deposited(), None),
    "DepositOtherKey": (deposited(OTHER_KEY), "other_key"),
    "DepositOtherNetwork": (deposited(genesis_fork_version="0x00000000"), "other_fork"),
}


@pytest.mark.parametrize("name", CASES)
def test_not_slashable(name: str) -> None:
    plain, expected = CASES[name]
    before = record(3, 4, 5)
    verdict = judged(plain, before)
    assert reason(verdict) == expected
    assert expected is not None or verdict == before


@pytest.mark.parametrize("name", [name for name, (_, expected) in CASES.items() if expected is None])
def test_a_key_without_a_record_may_sign_what_is_not_slashable(name: str) -> None:
    assert judged(CASES[name][0], NOTHING) == NOTHING
