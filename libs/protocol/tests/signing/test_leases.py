from __future__ import annotations

from dataclasses import replace

import pytest
from libs.protocol.tests.signing.world import CHAIN, SLOTS_PER_EPOCH

from ssv_protocol.signing import leases
from ssv_protocol.signing.leases import (
    NOBODY,
    NOTHING_KNOWN,
    Granted,
    Known,
    Lease,
    LeaseRecord,
    Standing,
    Taken,
    Trust,
)
from ssv_protocol.signing.verdict import DenialReason
from ssv_protocol.types.ids import Fence, Slot

A, B, NEW = (bytes([number]) * leases.LINEAGE_BYTES for number in (10, 11, 12))
CLOCK = Slot(10 * SLOTS_PER_EPOCH + 3)
NEXT_EPOCH = Slot(11 * SLOTS_PER_EPOCH)
WITNESS, DISK = Trust(CHAIN, CLOCK), Trust(CHAIN, CLOCK, disk=True)
FRESH = 2 * SLOTS_PER_EPOCH


def lease(lineage: bytes = A, fence: int = 5, seq: int = 40, slot: int = CLOCK) -> Lease:
    return Lease(lineage, Fence(fence), seq, Slot(slot))


def record(lineage: bytes = A, fence: int = 5, seq: int = 40, holder: str = "w1", quiet: int = 0) -> LeaseRecord:
    return LeaseRecord(lineage, Fence(fence), seq, holder, Slot(quiet))


def known(seq: int = 40, lineage: bytes = A, *, proven: bool = True, slot: int = CLOCK) -> Known:
    return Known(lease(lineage, seq=seq, slot=slot), proven)


STANDINGS: list[tuple[str, LeaseRecord | None, Lease, Standing]] = [
    ("Holder", record(), lease(), Standing.PROVES),
    ("HolderWithoutTheLastAnswer", record(seq=41), lease(), Standing.PROVES),
    ("Successor", record(fence=6, seq=41), lease(), Standing.STALE),
    ("LostWrites", record(seq=39), lease(), Standing.BEHIND),
    ("LostClaim", record(fence=4, seq=30), lease(), Standing.BEHIND),
    ("LostWritesAndClaimedSince", record(fence=6, seq=39), lease(), Standing.BEHIND),
    ("OtherClaimsOfAnotherHistory", record(fence=4, seq=90), lease(), Standing.BEHIND),
    ("NoRecord", None, lease(), Standing.BEHIND),
    ("BeforeAColdStart", record(B, 6, 41, quiet=CLOCK + 2), lease(), Standing.STALE),
    ("OfADatabaseThatLivesOn", record(B, 6, 41, quiet=CLOCK + 1), lease(), Standing.BEHIND),
    ("OlderLineageRestored", record(B, 4, 30), lease(), Standing.BEHIND),
]


@pytest.mark.parametrize(("row", "given", "expected"), [c[1:] for c in STANDINGS], ids=[c[0] for c in STANDINGS])
def test_what_a_lease_says_of_a_record(row: LeaseRecord | None, given: Lease, expected: Standing) -> None:
    assert leases.weigh(row, given) is expected


MATCHES: list[tuple[str, LeaseRecord | None, Lease | None, Known, Trust, DenialReason | None]] = [
    ("Proven", record(), lease(), known(), WITNESS, None),
    ("ProvesItself", record(), lease(), NOTHING_KNOWN, WITNESS, None),
    ("ProvesItselfAfterTheProcessLostFaith", record(), lease(), known(proven=False), WITNESS, None),
    ("OldLeaseOfAProvenRecord", record(), lease(slot=0), known(), WITNESS, None),
    ("LastFreshSlot", record(), lease(slot=CLOCK - FRESH), NOTHING_KNOWN, WITNESS, None),
    ("TooOldToProve", record(), lease(slot=CLOCK - FRESH - 1), NOTHING_KNOWN, WITNESS, DenialReason.RECORD_UNPROVEN),
    ("TooOldToProveOnDisk", record(), lease(slot=0), NOTHING_KNOWN, DISK, None),
    ("NoLease", record(), None, known(), WITNESS, DenialReason.NO_LEASE),
    ("NoLeaseNoRecord", None, None, NOTHING_KNOWN, DISK, DenialReason.NO_LEASE),
    ("Stale", record(fence=6, seq=41), lease(), known(), WITNESS, DenialReason.STALE_FENCE),
    ("StaleUnproven", record(fence=6, seq=41), lease(), NOTHING_KNOWN, WITNESS, DenialReason.STALE_FENCE),
    ("StaleOnDisk", record(fence=6, seq=41), lease(), NOTHING_KNOWN, DISK, DenialReason.STALE_FENCE),
    ("Released", record(seq=41, holder=NOBODY), lease(), known(), WITNESS, DenialReason.NO_LEASE),
    ("Behind", record(seq=39), lease(), NOTHING_KNOWN, WITNESS, DenialReason.RECORD_BEHIND),
    ("BehindOnDisk", record(seq=39), lease(), NOTHING_KNOWN, DISK, DenialReason.RECORD_BEHIND),
    ("BehindWhatWasSeen", record(seq=39), lease(seq=30), known(), WITNESS, DenialReason.RECORD_BEHIND),
    ("BehindWhatWasSeenOnDisk", record(seq=39), lease(seq=30), known(), DISK, DenialReason.RECORD_BEHIND),
    ("BehindWhatWasSeenWithoutALease", record(seq=39), None, known(), WITNESS, DenialReason.RECORD_BEHIND),
    ("GoneUnderTheProcess", None, lease(), known(), WITNESS, DenialReason.RECORD_BEHIND),
    ("AnotherSignersColdStart", record(B, 6, 50, quiet=NEXT_EPOCH), lease(B, 6, 50), known(), WITNESS, None),
    (
        "AnotherSignersColdStartProvenOnlyByItsHolder",
        record(B, 6, 50, quiet=NEXT_EPOCH),
        lease(B, 6, 50, slot=0),
        known(),
        WITNESS,
        DenialReason.RECORD_UNPROVEN,
    ),
    (
        "BeforeAnotherSignersColdStart",
        record(B, 6, 50, quiet=NEXT_EPOCH),
        lease(),
        known(),
        WITNESS,
        DenialReason.STALE_FENCE,
    ),
]


@pytest.mark.parametrize(
    ("row", "given", "memory", "trust", "expected"), [case[1:] for case in MATCHES], ids=[case[0] for case in MATCHES]
)
def test_who_may_ask(
    row: LeaseRecord | None, given: Lease | None, memory: Known, trust: Trust, expected: DenialReason | None
) -> None:
    denied = leases.match(row, given, memory, trust)
    assert (None if denied is None else denied.reason) == expected


COLD = record(NEW, 6, 41, "w2", NEXT_EPOCH)
WARM = record(A, 6, 41, "w2")
CLAIMS: list[tuple[str, LeaseRecord | None, int | None, Lease | None, Known, Trust, Granted | Taken]] = [
    ("TakeOverOfAProvenRecord", record(), None, None, known(), WITNESS, Granted(WARM)),
    ("TheFenceThatWasSeen", record(), 5, None, known(), WITNESS, Granted(WARM)),
    ("AnotherWasFaster", record(), 4, None, known(), WITNESS, Taken(Fence(5), "w1")),
    ("FirstOfAll", None, 0, None, NOTHING_KNOWN, DISK, Granted(record(NEW, 1, 1, "w2"))),
    ("NotTheFirst", record(), 0, None, known(), WITNESS, Taken(Fence(5), "w1")),
    ("NothingThere", None, 5, None, NOTHING_KNOWN, DISK, Taken(Fence(0), NOBODY)),
    ("HolderAfterARestartOfTheSigner", record(), None, lease(), NOTHING_KNOWN, WITNESS, Granted(WARM)),
    ("NoWitness", record(), None, None, NOTHING_KNOWN, WITNESS, Granted(COLD, cold=True)),
    ("NoWitnessOnDisk", record(), None, None, NOTHING_KNOWN, DISK, Granted(WARM)),
    ("NoRecord", None, None, None, NOTHING_KNOWN, WITNESS, Granted(record(NEW, 1, 1, "w2", NEXT_EPOCH), cold=True)),
    ("FormerHolder", record(), None, lease(fence=4, seq=30), NOTHING_KNOWN, WITNESS, Granted(COLD, cold=True)),
    ("OldWitness", record(), None, lease(slot=0), NOTHING_KNOWN, WITNESS, Granted(COLD, cold=True)),
    ("OldWitnessOnDisk", record(), None, lease(slot=0), NOTHING_KNOWN, DISK, Granted(WARM)),
    ("ProcessLostFaith", record(), None, None, known(proven=False), WITNESS, Granted(COLD, cold=True)),
    ("Behind", record(), None, lease(seq=41), NOTHING_KNOWN, WITNESS, Granted(COLD, cold=True, behind=True)),
    ("BehindOnDisk", record(), None, lease(seq=41), NOTHING_KNOWN, DISK, Granted(COLD, cold=True, behind=True)),
    ("BehindThoughProven", record(), None, lease(seq=41), known(), WITNESS, Granted(COLD, cold=True, behind=True)),
    ("BehindWhatWasSeen", record(), None, None, known(41), WITNESS, Granted(COLD, cold=True, behind=True)),
    (
        "RecordIsGone",
        None,
        None,
        lease(),
        NOTHING_KNOWN,
        DISK,
        Granted(record(NEW, 1, 1, "w2", NEXT_EPOCH), cold=True, behind=True),
    ),
    (
        "AnotherSignersColdStart",
        record(B, quiet=NEXT_EPOCH),
        None,
        None,
        known(),
        WITNESS,
        Granted(COLD, cold=True),
    ),
    (
        "BeforeAnotherSignersColdStart",
        record(B, quiet=NEXT_EPOCH),
        None,
        lease(),
        known(lineage=B),
        WITNESS,
        Granted(record(B, 6, 41, "w2", NEXT_EPOCH)),
    ),
]


@pytest.mark.parametrize(
    ("row", "expected_fence", "witness", "memory", "trust", "expected"),
    [case[1:] for case in CLAIMS],
    ids=[case[0] for case in CLAIMS],
)
def test_who_gets_a_committee(
    row: LeaseRecord | None,
    expected_fence: int | None,
    witness: Lease | None,
    memory: Known,
    trust: Trust,
    expected: Granted | Taken,
) -> None:
    fence = None if expected_fence is None else Fence(expected_fence)
    assert leases.claim(row, "w2", fence, witness, memory, trust, NEW) == expected


@pytest.mark.parametrize(
    ("clock", "quiet_until"),
    [(80, 88), (83, 88), (86, 88), (87, 96), (88, 96)],
    ids=["FirstSlot", "InTheEpoch", "LastButOne", "LastSlotWaitsLonger", "NextEpoch"],
)
def test_a_cold_start_is_quiet_until_an_epoch_begins_that_no_clock_has_seen(clock: int, quiet_until: int) -> None:
    assert SLOTS_PER_EPOCH == 8
    trust = Trust(CHAIN, Slot(clock))
    begun = leases.cold_started(record(), "w2", trust, NEW)
    assert begun == record(NEW, 6, 41, "w2", quiet_until)
    assert CHAIN.first_slot(leases.quiet_epoch(trust)) == quiet_until - SLOTS_PER_EPOCH
    assert leases.check_slot(begun, Slot(quiet_until)) is None
    denied = leases.check_slot(begun, Slot(quiet_until - 1))
    assert denied is not None
    assert denied.reason is DenialReason.SAFETY_DELAY


def test_a_clock_that_jumps_back_ends_no_quiet() -> None:
    begun = leases.cold_started(record(quiet=2 * NEXT_EPOCH), NOBODY, WITNESS, NEW)
    assert begun.quiet_until == 2 * NEXT_EPOCH


RELEASES: list[tuple[str, LeaseRecord | None, Lease, Known, Granted | None]] = [
    ("Holder", record(), lease(), NOTHING_KNOWN, Granted(record(seq=41, holder=NOBODY))),
    ("FormerHolder", record(), lease(fence=4, seq=30), known(), None),
    ("BeforeAColdStart", record(B, 6, 41, quiet=CLOCK + 2), lease(), NOTHING_KNOWN, None),
    ("Behind", record(), lease(seq=41), NOTHING_KNOWN, Granted(replace(COLD, holder=NOBODY), cold=True, behind=True)),
    ("BehindWhatWasSeen", record(), lease(), known(41), Granted(replace(COLD, holder=NOBODY), cold=True, behind=True)),
    (
        "RecordIsGone",
        None,
        lease(),
        NOTHING_KNOWN,
        Granted(record(NEW, 1, 1, NOBODY, NEXT_EPOCH), cold=True, behind=True),
    ),
]


@pytest.mark.parametrize(
    ("row", "given", "memory", "expected"), [case[1:] for case in RELEASES], ids=[case[0] for case in RELEASES]
)
def test_who_lets_go(row: LeaseRecord | None, given: Lease, memory: Known, expected: Granted | None) -> None:
    assert leases.release(row, given, memory, WITNESS, NEW) == expected


def test_what_was_let_go_can_be_claimed_by_its_fence() -> None:
    let_go = leases.release(record(), lease(), known(), WITNESS, NEW)
    assert let_go is not None
    memory = known(let_go.record.seq)
    assert leases.claim(let_go.record, "w2", Fence(5), None, memory, WITNESS, NEW) == Granted(record(A, 6, 42, "w2"))
