"""The table: what enters, what is told, what goes, and that it never grows beyond its bounds."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from libs.discv5.tests.world import endpoint_of, private_key, record_of

from ssv_discv5.endpoint import Endpoint
from ssv_discv5.enr.record import Record
from ssv_discv5.ids import NodeId, distance, id_at_distance, log_distance
from ssv_discv5.table.address_limits import AddressLimits
from ssv_discv5.table.bucket import BUCKET_SIZE, MAX_REPLACEMENTS
from ssv_discv5.table.table import Table, TableSettings

OWN = private_key(0).node_id
STRANGER = Endpoint.of("99.9.9.9", 9)


def table(limits: AddressLimits | None = None) -> Table:
    return Table(OWN, 4, TableSettings(addresses=limits or AddressLimits()), Random(1))


def numbers_at(log: int, count: int) -> list[int]:
    found = [number for number in range(1, 400) if log_distance(OWN, private_key(number).node_id) == log]
    assert len(found) >= count
    return found[:count]


def test_only_live_nodes_are_told_of() -> None:
    known = table()
    record = record_of(1)
    assert known.add(record, 0)
    log = log_distance(OWN, record.node_id)
    assert known.tell([log], STRANGER, 16) == []
    known.answered(record.node_id, 0)
    assert known.tell([log, log], STRANGER, 16) == [record]
    assert known.tell([log - 1, 0, 256 if log < 256 else 255], STRANGER, 16) == []


def test_private_addresses_are_not_told_to_strangers() -> None:
    known = table()
    record = record_of(1, Endpoint.of("127.0.0.1", 1))
    known.add(record, 0)
    known.answered(record.node_id, 0)
    logs = range(257)
    assert known.tell(logs, STRANGER, 16) == []
    assert known.tell(logs, Endpoint.of("127.0.0.1", 5), 16) == [record]


def test_ourselves_and_the_unreachable_do_not_enter() -> None:
    known = table()
    assert not known.add(record_of(0), 0)
    assert not known.add(Record.sign(private_key(1), 1, {}), 0)
    assert not known.add(record_of(1, Endpoint.of("2001:db8::1", 9)), 0)
    assert len(known) == 0


def test_a_full_bucket_keeps_replacements_and_promotes_the_newest() -> None:
    known = table()
    numbers = numbers_at(256, BUCKET_SIZE + MAX_REPLACEMENTS + 5)
    for number in numbers:
        assert known.add(record_of(number), 0)
    assert len(known) == BUCKET_SIZE
    members = {entry.node_id for entry in known}
    assert members == {private_key(number).node_id for number in numbers[:BUCKET_SIZE]}
    known.missed(private_key(numbers[3]).node_id, 0)
    assert len(known) == BUCKET_SIZE
    assert private_key(numbers[-1]).node_id in {entry.node_id for entry in known}
    assert known.get(private_key(numbers[BUCKET_SIZE]).node_id) is None, "the oldest replacement lost its place"


def test_a_node_that_often_answered_may_miss_some() -> None:
    known = table()
    record = record_of(1)
    known.add(record, 0)
    for _ in range(9):
        known.answered(record.node_id, 0)
    known.missed(record.node_id, 0)
    known.missed(record.node_id, 0)
    assert len(known) == 1
    known.missed(record.node_id, 0)
    assert len(known) == 0


def test_a_newer_record_replaces_an_older_and_a_move_loses_trust() -> None:
    known = table()
    first, same_place = record_of(1), record_of(1, seq=2)
    moved = record_of(1, endpoint_of(77), seq=3)
    known.add(first, 0)
    known.answered(first.node_id, 0)
    known.add(same_place, 0)
    known.add(first, 0)
    assert known.get(first.node_id) == same_place
    assert [entry.live for entry in known] == [True]
    known.add(moved, 5)
    assert [(entry.live, entry.endpoint, entry.check_at) for entry in known] == [(False, endpoint_of(77), 5)]


@pytest.mark.parametrize("limit_local", [False, True])
def test_many_identities_of_one_network(limit_local: bool) -> None:
    near = [Endpoint.of(f"127.0.0.{number % 250 + 1}", 9) for number in range(100)]
    far = [Endpoint.of(f"77.1.2.{number % 250 + 1}", 9) for number in range(100)]
    for places, limited in ((near, limit_local), (far, True)):
        known = table(AddressLimits(limit_local=limit_local))
        entered = [known.add(record_of(number + 1, place), 0) for number, place in enumerate(places)]
        if not limited:
            assert all(entered[:16])
            continue
        assert sum(entered) <= 10
        for log in range(257):
            assert sum(log_distance(OWN, entry.node_id) == log for entry in known) <= 2
        for entry in list(known):
            known.remove(entry.node_id)
        assert known.add(record_of(500, places[0]), 0), "those who go make room"


def test_moving_into_a_crowded_network_costs_the_place() -> None:
    known = table(AddressLimits(per_table=1))
    assert known.add(record_of(1, Endpoint.of("77.1.2.3", 9)), 0)
    assert known.add(record_of(2), 0)
    assert not known.add(record_of(2, Endpoint.of("77.1.2.4", 9), seq=2), 0)
    assert known.get(private_key(2).node_id) is None
    assert known.add(record_of(2), 0)


def test_who_takes_a_place_is_checked_at_once() -> None:
    known = table()
    numbers = numbers_at(256, BUCKET_SIZE + 1)
    for number in numbers:
        known.add(record_of(number), 0)
    for number in numbers[:-1]:
        known.answered(private_key(number).node_id, 0)
    assert known.due(1) is None
    known.remove(private_key(numbers[0]).node_id)
    promoted = known.due(1)
    assert promoted is not None
    assert promoted.node_id == private_key(numbers[-1]).node_id


def test_checks_come_in_the_order_they_are_due() -> None:
    known = table()
    for number in (1, 2, 3):
        known.add(record_of(number), number)
    first, second = known.due(10), known.due(10)
    assert first is not None
    assert second is not None
    assert [first.node_id, second.node_id] == [private_key(1).node_id, private_key(2).node_id]
    assert known.due(2.5) is None
    known.answered(private_key(3).node_id, 10)
    assert known.due(12) is None
    known.check_all_soon(12)
    assert known.due(12) is not None


@given(st.integers(1, 256), st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_an_id_at_a_distance_is_at_that_distance(log: int, origin: bytes, filling: bytes) -> None:
    assert log_distance(NodeId(origin), id_at_distance(NodeId(origin), log, filling)) == log


RECORDS = {
    (number, seq): record_of(number, Endpoint.of(f"77.{number % 3}.2.{seq}", 9), seq)
    for number in range(1, 120)
    for seq in (1, 2, 3)
}


class TableMachine(RuleBasedStateMachine):
    """Any sequence of what can happen to a table."""

    def __init__(self) -> None:
        super().__init__()
        self.table = table(AddressLimits(per_bucket=20, per_table=30))

    @rule(number=st.integers(1, 119), seq=st.integers(1, 3), now=st.floats(0, 1000))
    def add(self, number: int, seq: int, now: float) -> None:
        self.table.add(RECORDS[number, seq], now)

    @rule(number=st.integers(1, 119), now=st.floats(0, 1000))
    def answered(self, number: int, now: float) -> None:
        self.table.answered(private_key(number).node_id, now)

    @rule(number=st.integers(1, 119), now=st.floats(0, 1000))
    def missed(self, number: int, now: float) -> None:
        self.table.missed(private_key(number).node_id, now)

    @rule(now=st.floats(0, 1000))
    def check(self, now: float) -> None:
        self.table.due(now)

    @invariant()
    def bounded_and_counted(self) -> None:
        everybody = [entry for bucket in self.table._buckets for entry in bucket.everybody()]
        assert all(len(bucket) <= BUCKET_SIZE for bucket in self.table._buckets)
        assert self.table._count._table.total() == len(everybody)
        assert all(count <= 30 for count in self.table._count._table.values())
        assert all(entry.endpoint == entry.record.endpoint(4) for entry in everybody)
        closest = self.table.closest(OWN, 5)
        assert closest == sorted((e.record for e in self.table), key=lambda r: distance(r.node_id, OWN))[:5]


TestTableMachine = TableMachine.TestCase
TestTableMachine.settings = settings(max_examples=30, stateful_step_count=40)
