from __future__ import annotations

from dataclasses import replace

import pytest
from libs.protocol.tests.signing.world import CHAIN, SLOTS_PER_EPOCH

from ssv_protocol.signing import leases
from ssv_protocol.signing.leases import (
    NOBODY,
    Granted,
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


def record(
    lineage: bytes = A, fence: int = 5, seq: int = 40, holder: str = "w1", quiet: int = 0, *, believed: bool = True
) -> LeaseRecord:
    return LeaseRecord(lineage, Fence(fence), seq, holder, Slot(quiet), believed)


SEEN = lease()
DOUBTED = record(believed=False)


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


MATCHES: list[tuple[str, LeaseRecord | None, Lease | None, Lease | None, Trust, DenialReason | None]] = [
    ("Believed", record(), lease(), SEEN, WITNESS, None),
    ("Proven", DOUBTED, lease(), None, WITNESS, None),
    ("OldLeaseOfABelievedRecord", record(), lease(slot=0), None, WITNESS, None),
    ("LastFreshSlot", DOUBTED, lease(slot=CLOCK - FRESH), None, WITNESS, None),
    ("TooOldToProve", DOUBTED, lease(slot=CLOCK - FRESH - 1), None, WITNESS, DenialReason.RECORD_UNPROVEN),
    ("TooOldToProveThoughSeen", DOUBTED, lease(slot=0), SEEN, WITNESS, DenialReason.RECORD_UNPROVEN),
    ("TooOldToProveOnDisk", DOUBTED, lease(slot=0), None, DISK, None),
    ("NoLease", record(), None, SEEN, WITNESS, DenialReason.NO_LEASE),
    ("NoLeaseNoRecord", None, None, None, DISK, DenialReason.NO_LEASE),
    ("Stale", record(fence=6, seq=41), lease(), SEEN, WITNESS, DenialReason.STALE_FENCE),
    ("StaleInDoubt", replace(DOUBTED, fence=Fence(6)), lease(), None, WITNESS, DenialReason.STALE_FENCE),
    ("StaleOnDisk", replace(DOUBTED, fence=Fence(6)), lease(), None, DISK, DenialReason.STALE_FENCE),
    ("Released", record(seq=41, holder=NOBODY), lease(), SEEN, WITNESS, DenialReason.NO_LEASE),
    ("Behind", replace(DOUBTED, seq=39), lease(), None, WITNESS, DenialReason.RECORD_BEHIND),
    ("BehindThoughBelieved", record(seq=39), lease(), None, WITNESS, DenialReason.RECORD_BEHIND),
    ("BehindOnDisk", record(seq=39), lease(), None, DISK, DenialReason.RECORD_BEHIND),
    ("BehindWhatWasSeen", record(seq=39), lease(seq=30), SEEN, WITNESS, DenialReason.RECORD_BEHIND),
    ("BehindWhatWasSeenOnDisk", record(seq=39), lease(seq=30), SEEN, DISK, DenialReason.RECORD_BEHIND),
    ("BehindWhatWasSeenWithoutALease", record(seq=39), None, SEEN, WITNESS, DenialReason.RECORD_BEHIND),
    ("GoneUnderTheProcess", None, lease(), SEEN, WITNESS, DenialReason.RECORD_BEHIND),
    ("AnotherSignersColdStart", record(B, 6, 50, quiet=NEXT_EPOCH), lease(B, 6, 50), SEEN, WITNESS, None),
    (
        "BeforeAnotherSignersColdStart",
        record(B, 6, 50, quiet=NEXT_EPOCH),
        lease(),
        SEEN,
        WITNESS,
        DenialReason.STALE_FENCE,
    ),
]


@pytest.mark.parametrize(
    ("row", "given", "seen", "trust", "expected"), [case[1:] for case in MATCHES], ids=[case[0] for case in MATCHES]
)
def test_who_may_ask(
    row: LeaseRecord | None, given: Lease | None, seen: Lease | None, trust: Trust, expected: DenialReason | None
) -> None:
    denied = leases.match(row, given, seen, trust)
    assert (None if denied is None else denied.reason) == expected


RAISED = 5 + 1 + int.from_bytes(NEW[-4:])
COLD = record(NEW, 6, 41, "w2", NEXT_EPOCH)
WARM = record(A, RAISED, 41, "w2")
CLAIMS: list[tuple[str, LeaseRecord | None, int | None, Lease | None, Lease | None, Trust, Granted | Taken]] = [
    ("TakeOver", record(), None, None, None, WITNESS, Granted(WARM)),
    ("TheFenceThatWasSeen", record(), 5, None, None, WITNESS, Granted(WARM)),
    ("AnotherWasFaster", record(), 4, None, None, WITNESS, Taken(Fence(5), "w1")),
    ("FirstOfAll", None, 0, None, None, DISK, Granted(record(NEW, 1, 1, "w2"))),
    ("NotTheFirst", record(), 0, None, None, WITNESS, Taken(Fence(5), "w1")),
    ("NothingThere", None, 5, None, None, DISK, Taken(Fence(0), NOBODY)),
    ("HolderProves", DOUBTED, None, lease(), None, WITNESS, Granted(WARM)),
    ("NoWitness", DOUBTED, None, None, None, WITNESS, Granted(COLD, cold=True)),
    ("NoWitnessButSeen", DOUBTED, None, None, SEEN, WITNESS, Granted(COLD, cold=True)),
    ("NoWitnessOnDisk", DOUBTED, None, None, None, DISK, Granted(WARM)),
    ("NoRecord", None, None, None, None, WITNESS, Granted(record(NEW, 1, 1, "w2", NEXT_EPOCH), cold=True)),
    ("FormerHolder", DOUBTED, None, lease(fence=4, seq=30), None, WITNESS, Granted(COLD, cold=True)),
    ("OldWitness", DOUBTED, None, lease(slot=0), None, WITNESS, Granted(COLD, cold=True)),
    ("OldWitnessOnDisk", DOUBTED, None, lease(slot=0), None, DISK, Granted(WARM)),
    ("Behind", DOUBTED, None, lease(seq=41), None, WITNESS, Granted(COLD, cold=True, behind=True)),
    ("BehindOnDisk", DOUBTED, None, lease(seq=41), None, DISK, Granted(COLD, cold=True, behind=True)),
    ("BehindThoughBelieved", record(), None, lease(seq=41), None, WITNESS, Granted(COLD, cold=True, behind=True)),
    ("BehindWhatWasSeen", record(), None, None, lease(seq=41), WITNESS, Granted(COLD, cold=True, behind=True)),
    (
        "RecordIsGone",
        None,
        None,
        lease(),
        None,
        DISK,
        Granted(record(NEW, 1, 1, "w2", NEXT_EPOCH), cold=True, behind=True),
    ),
    (
        "AnotherSignersColdStart",
        record(B, quiet=NEXT_EPOCH),
        None,
        lease(),
        SEEN,
        WITNESS,
        Granted(record(B, RAISED, 41, "w2", NEXT_EPOCH)),
    ),
]


@pytest.mark.parametrize(
    ("row", "expected_fence", "witness", "seen", "trust", "expected"),
    [case[1:] for case in CLAIMS],
    ids=[case[0] for case in CLAIMS],
)
def test_who_gets_a_committee(
    row: LeaseRecord | None,
    expected_fence: int | None,
    witness: Lease | None,
    seen: Lease | None,
    trust: Trust,
    expected: Granted | Taken,
) -> None:
    fence = None if expected_fence is None else Fence(expected_fence)
    assert leases.claim(row, "w2", fence, witness, seen, trust, NEW) == expected


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


RELEASES: list[tuple[str, LeaseRecord | None, Lease, Lease | None, Granted | None]] = [
    ("Holder", record(), lease(), None, Granted(record(seq=41, holder=NOBODY))),
    ("HolderProves", DOUBTED, lease(), None, Granted(record(seq=41, holder=NOBODY))),
    ("OldLease", DOUBTED, lease(slot=0), None, Granted(replace(COLD, holder=NOBODY), cold=True)),
    ("OldLeaseOfABelievedRecord", record(), lease(slot=0), None, Granted(record(seq=41, holder=NOBODY))),
    ("FormerHolder", record(), lease(fence=4, seq=30), SEEN, None),
    ("BeforeAColdStart", record(B, 6, 41, quiet=CLOCK + 2), lease(), None, None),
    ("Behind", record(), lease(seq=41), None, Granted(replace(COLD, holder=NOBODY), cold=True, behind=True)),
    ("BehindWhatWasSeen", record(), lease(), lease(seq=41), Granted(replace(COLD, holder=NOBODY), True, True)),
    ("RecordIsGone", None, lease(), None, Granted(record(NEW, 1, 1, NOBODY, NEXT_EPOCH), cold=True, behind=True)),
]


@pytest.mark.parametrize(
    ("row", "given", "seen", "expected"), [case[1:] for case in RELEASES], ids=[case[0] for case in RELEASES]
)
def test_who_lets_go(row: LeaseRecord | None, given: Lease, seen: Lease | None, expected: Granted | None) -> None:
    assert leases.release(row, given, seen, WITNESS, NEW) == expected


def test_on_a_trusted_disk_an_old_lease_lets_go_as_well() -> None:
    assert leases.release(DOUBTED, lease(slot=0), None, DISK, NEW) == Granted(record(seq=41, holder=NOBODY))


def test_a_new_record_is_not_quiet() -> None:
    assert LeaseRecord(A, Fence(1), 1, "w1").quiet_until == 0


def test_what_was_let_go_can_be_claimed_by_its_fence() -> None:
    let_go = leases.release(record(), lease(), None, WITNESS, NEW)
    assert let_go is not None
    assert leases.claim(let_go.record, "w2", Fence(5), None, None, WITNESS, NEW) == Granted(record(A, RAISED, 42, "w2"))


def told(row: LeaseRecord) -> Lease:
    return lease(row.lineage, row.fence, row.seq)


def test_two_claims_of_one_state_that_was_put_back_give_no_fence_twice() -> None:
    begun = leases.cold_started(record(), "w1", WITNESS, B)
    taken = leases.claim(begun, "w2", None, None, told(begun), WITNESS, bytes(range(16)))
    assert isinstance(taken, Granted)
    # the database from before all this is put back, which is found out, and then the one from before w2 came
    anew = leases.cold_started(record(), NOBODY, WITNESS, NEW)
    assert leases.match(begun, told(begun), told(anew), WITNESS) is None  # w1 goes on
    went_on = replace(begun, seq=begun.seq + 1)
    again = leases.claim(went_on, "w3", None, None, told(went_on), WITNESS, bytes(range(1, 17)))
    assert isinstance(again, Granted)
    assert again.record.lineage == taken.record.lineage
    later = Trust(CHAIN, NEXT_EPOCH)
    assert leases.match(again.record, told(again.record), told(again.record), later) is None
    denied = leases.match(again.record, told(taken.record), told(again.record), later)
    assert denied is not None, "two workers hold the committee"
    assert denied.reason is DenialReason.STALE_FENCE
