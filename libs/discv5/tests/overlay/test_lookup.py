"""Lookups over a network that is a dictionary: they find the closest, and end whatever peers say."""

import asyncio
from contextlib import aclosing
from random import Random

import pytest
from libs.discv5.tests.world import private_key, record_of

from ssv_discv5.enr.record import Record
from ssv_discv5.ids import NodeId, distance, log_distance
from ssv_discv5.overlay.lookup import ALPHA, MAX_QUERIES, Lookup, distances_to_ask, walk

pytestmark = pytest.mark.asyncio
RECORDS = [record_of(number) for number in range(1, 301)]
OWN = private_key(0).node_id


class Network:
    """Everybody tells of at most 16 nodes, in an order of its own; some are silent."""

    def __init__(self, silent: set[NodeId] | None = None) -> None:
        self.asked: list[NodeId] = []
        self.silent = silent or set()
        self.at_once = 0
        self.most_at_once = 0

    async def query(self, node: Record, distances: tuple[int, ...]) -> tuple[Record, ...] | None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.asked.append(node.node_id)
        self.at_once -= 1
        if node.node_id in self.silent:
            return None
        bucket_order = Random(node.node_id).sample(RECORDS, len(RECORDS))
        known = [r for d in distances for r in bucket_order if log_distance(r.node_id, node.node_id) == d]
        return tuple(known[:16])


@pytest.mark.parametrize("target_number", [1000, 1001, 1002, 1003])
async def test_the_closest_are_found(target_number: int) -> None:
    target = private_key(target_number).node_id
    network = Network()
    lookup = Lookup(OWN, target, RECORDS[:3])
    async with aclosing(walk(lookup, network.query)) as walked:
        heard = [record async for record in walked]
    assert len(set(heard)) == len(heard)
    assert len(set(network.asked)) == len(network.asked)
    nearest = sorted(RECORDS, key=lambda record: distance(record.node_id, target))[:16]
    assert len(set(lookup.closest()) & set(nearest)) >= 14
    assert lookup.closest()[0] == nearest[0]


async def test_the_silent_are_left_out() -> None:
    target = private_key(1000).node_id
    nearest = sorted(RECORDS, key=lambda record: distance(record.node_id, target))[:8]
    network = Network({record.node_id for record in nearest[::2]})
    lookup = Lookup(OWN, target, RECORDS[:3])
    async with aclosing(walk(lookup, network.query)) as walked:
        async for _ in walked:
            pass
    assert not set(lookup.closest()) & set(nearest[::2])


async def test_a_peer_that_invents_ever_closer_nodes_does_not_hold_us() -> None:
    target = NodeId(bytes(32))
    ordered = sorted(RECORDS, key=lambda record: -distance(record.node_id, target))
    asked = 0

    async def query(node: Record, distances: tuple[int, ...]) -> tuple[Record, ...]:
        nonlocal asked
        asked += 1
        return tuple(ordered[2 * asked : 2 * asked + 2])

    lookup = Lookup(OWN, target, ordered[:1])
    async with aclosing(walk(lookup, query)) as walked:
        async for _ in walked:
            pass
    assert asked == MAX_QUERIES
    assert len(lookup._candidates) <= MAX_QUERIES


async def test_closing_early_cancels_what_is_under_way() -> None:
    cancelled = 0

    async def query(node: Record, distances: tuple[int, ...]) -> tuple[Record, ...]:
        nonlocal cancelled
        if node is RECORDS[0]:
            return (RECORDS[50],)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled += 1
            raise
        return ()

    async with aclosing(walk(Lookup(OWN, private_key(9).node_id, RECORDS[:3]), query)) as walked:
        async for _ in walked:
            break
    await asyncio.sleep(0)
    assert cancelled == ALPHA - 1


async def test_distances_asked_surround_the_best() -> None:
    target = private_key(1000).node_id
    for record in RECORDS[:50]:
        asked = distances_to_ask(target, record.node_id)
        best = log_distance(target, record.node_id)
        assert asked[0] == best
        assert len(asked) == len(set(asked)) == 3
        assert all(0 < each <= 256 and abs(each - best) <= 2 for each in asked)
    assert distances_to_ask(RECORDS[0].node_id, RECORDS[0].node_id) == (1, 2)
