"""The table of leases in both databases: what it refuses by itself."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest
from services.signer.tests.databases import Database

from ssv_protocol.signing.leases import LeaseRecord
from ssv_protocol.types.ids import CommitteeId, Fence, Slot
from ssv_signer.store import leases
from ssv_signer.store.database import Contradiction, Store

ONE, TWO, NONE = (CommitteeId(bytes([number]) * 32) for number in (1, 2, 3))
GOOD = LeaseRecord(b"\x0a" * 16, Fence(5), 40, "worker", Slot(88))


@pytest.fixture
def store(database: Database) -> Iterator[Store]:
    with closing(database.open()) as opened:
        with opened.alone() as connection:
            leases.put(connection, {ONE: GOOD, TWO: replace(GOOD, quiet_until=Slot(0))})
        yield opened


def test_what_is_put_is_read(store: Store) -> None:
    with store.reading() as connection:
        assert leases.records(connection, [ONE, TWO, NONE]) == {ONE: GOOD, TWO: replace(GOOD, quiet_until=Slot(0))}
        assert leases.quiet(connection, Slot(87)) == {ONE: 88}
        assert leases.quiet(connection, Slot(88)) == {}


@pytest.mark.parametrize(
    "changed",
    [
        replace(GOOD, seq=40),
        replace(GOOD, seq=39),
        replace(GOOD, seq=41, fence=Fence(4)),
        replace(GOOD, seq=41, quiet_until=Slot(87)),
        replace(GOOD, seq=41, lineage=b"\x0b" * 16),
    ],
    ids=["SeqStays", "SeqFalls", "FenceFalls", "QuietEnds", "OtherLineageOfOneFence"],
)
def test_a_lease_only_rises(store: Store, changed: LeaseRecord) -> None:
    with pytest.raises(Contradiction, match="only rise"), store.alone() as connection:
        leases.put(connection, {ONE: changed})
    with pytest.raises(Contradiction, match="never deleted"), store.alone() as connection:
        connection.execute("DELETE FROM leases")
    with store.reading() as connection:
        assert leases.records(connection, [ONE]) == {ONE: GOOD}


def test_a_cold_start_is_a_rise(store: Store) -> None:
    begun = LeaseRecord(b"\x0b" * 16, Fence(6), 41, "", Slot(96))
    with store.alone() as connection:
        leases.put(connection, {ONE: begun})
        assert leases.records(connection, [ONE]) == {ONE: begun}


def test_writes_are_counted_for_each_committee(store: Store) -> None:
    with store.judging([ONE]) as connection:
        assert leases.advance(connection, {TWO: GOOD.fence, ONE: GOOD.fence}) == {ONE: 41, TWO: 41}
        assert leases.advance(connection, {ONE: GOOD.fence}) == {ONE: 42}
        assert leases.advance(connection, {}) == {}


@pytest.mark.parametrize("fences", [{ONE: Fence(4), TWO: Fence(5)}, {TWO: Fence(6)}, {ONE: Fence(5), NONE: Fence(5)}])
def test_nothing_is_written_under_a_fence_that_was_passed(store: Store, fences: dict[CommitteeId, Fence]) -> None:
    with pytest.raises(Contradiction, match="was claimed"), store.judging([ONE, TWO]) as connection:
        leases.advance(connection, fences)
    with store.reading() as connection:
        assert {record.seq for record in leases.records(connection, [ONE, TWO]).values()} == {40}


def test_two_signers_count_in_any_order_and_none_is_lost(store: Store, database: Database) -> None:
    def count(committees: list[CommitteeId]) -> None:
        with closing(database.open()) as own:
            for number in range(20):
                with own.judging([b"%d" % number + committees[0]]) as connection:
                    leases.advance(connection, dict.fromkeys(committees, GOOD.fence))

    counting = [threading.Thread(target=count, args=(order,)) for order in ([ONE, TWO], [TWO, ONE])]
    for thread in counting:
        thread.start()
    for thread in counting:
        thread.join()
    with store.reading() as connection:
        assert {record.seq for record in leases.records(connection, [ONE, TWO]).values()} == {80}
