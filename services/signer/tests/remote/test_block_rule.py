"""BLOCK and BLOCK_V2, case by case, and every fork's form; names are those of dirk's table where it has the case."""

from __future__ import annotations

import pytest
from services.signer.tests.harness import SLOTS_PER_EPOCH
from services.signer.tests.remote.rule_table import judged, reason, record, root_of
from services.signer.tests.remote.world import (
    CLOCK,
    FORKS,
    GENESIS_ROOT,
    OTHER_ROOT,
    Json,
    block,
    fork_info,
    hexed,
    old_block,
)

from ssv_protocol.beacon_chain import BeaconFork
from ssv_protocol.crypto.signing_root import DOMAIN_BEACON_PROPOSER, compute_domain, compute_signing_root
from ssv_protocol.signing.records import ProposalRecord
from ssv_protocol.signing.watermarks import NOTHING, KeyRecord
from ssv_protocol.types.beacon.operations import BeaconBlockHeader
from ssv_protocol.types.ids import Root, Slot, ValidatorIndex
from ssv_protocol.types.ssz_json import from_json
from ssv_signer.remote.old_blocks import AltairBeaconBlock, Phase0BeaconBlock

CASES: dict[str, tuple[KeyRecord, Json, str | None]] = {
    "Good": (record(slot=CLOCK - 1), block(), None),
    "First": (record(), block(), None),
    "NextSlot": (record(), block(CLOCK + 1), None),
    "SameSlot": (record(slot=CLOCK), block(CLOCK), "double_proposal"),
    "LowerSlot": (record(slot=CLOCK + 1), block(CLOCK), "slot_below_record"),
    "FarFuture": (record(), block(CLOCK + 2), "far_future"),
    "NoRecord": (NOTHING, block(), "no_record"),
    "OtherFork": (record(), block(version="ELECTRA"), "wrong_version"),
    "BadDomain": (record(), block() | {"fork_info": fork_info(3)}, "other_fork"),
    "BadChain": (record(), block() | {"fork_info": fork_info(genesis_validators_root=OTHER_ROOT)}, "other_fork"),
}


@pytest.mark.parametrize("name", CASES)
def test_block(name: str) -> None:
    before, plain, expected = CASES[name]
    assert reason(judged(plain, before)) == expected


def test_what_is_approved_is_recorded_and_may_be_signed_again() -> None:
    before = record(3, 4)
    after = judged(block(), before)
    assert after == KeyRecord(before.attestation, ProposalRecord(CLOCK, root_of(block())))
    assert judged(block(), after) == after
    assert reason(judged(block(state=OTHER_ROOT), after)) == "double_proposal"


@pytest.mark.parametrize("fork", FORKS, ids=lambda fork: fork.fork.name)
def test_a_header_of_each_fork(fork: object) -> None:
    scheduled = next(each for each in FORKS if each == fork)
    slot = scheduled.epoch * SLOTS_PER_EPOCH + 1
    plain = block(slot, version=scheduled.fork.name)
    assert reason(judged(plain, record())) is None
    aa = Root(b"\xaa" * 32)
    root = BeaconBlockHeader(Slot(slot), ValidatorIndex(7), aa, aa, aa).hash_tree_root()
    assert root_of(plain) == compute_signing_root(
        root, compute_domain(DOMAIN_BEACON_PROPOSER, scheduled.version, GENESIS_ROOT)
    )


def test_a_whole_block_has_the_root_of_its_header() -> None:
    for version, container, altair in (
        (BeaconFork.PHASE0, Phase0BeaconBlock, False),
        (BeaconFork.ALTAIR, AltairBeaconBlock, True),
    ):
        plain = old_block(altair=altair)
        whole = from_json(container, plain, "block")
        head = {name: plain[name] for name in ("slot", "proposer_index", "parent_root", "state_root")}
        head["body_root"] = hexed(whole.field_root("body"))
        info = fork_info(int(plain["slot"]) // SLOTS_PER_EPOCH)
        by_block = {
            "type": "BLOCK_V2",
            "fork_info": info,
            "beacon_block": {"version": version.name, "block": plain},
        }
        by_header = by_block | {"beacon_block": {"version": version.name, "block_header": head}}
        assert reason(judged(by_block, record())) is None
        assert root_of(by_block) == root_of(by_header)
        if not altair:
            assert root_of({"type": "BLOCK", "fork_info": info, "block": plain}) == root_of(by_block)


def test_the_old_form_is_of_phase_0_only() -> None:
    plain = old_block() | {"slot": str(CLOCK)}
    assert reason(judged({"type": "BLOCK", "fork_info": fork_info(), "block": plain}, record())) == "wrong_version"
