"""Two dozen nodes in virtual time: they find each other, by subnets too, and forget who left."""

import asyncio
from collections.abc import Coroutine
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import looptime
import pytest
from libs.discv5.tests.simulated_network import SimulatedNetwork
from libs.discv5.tests.world import private_key

from ssv_discv5 import SSV, DiscoverySettings
from ssv_discv5.endpoint import Endpoint
from ssv_discv5.enr.local import endpoint_pairs
from ssv_discv5.enr.record import Record
from ssv_discv5.errors import RequestFailedError
from ssv_discv5.ids import distance
from ssv_discv5.overlay.overlay import OverlaySettings
from ssv_discv5.overlay.upkeep import UpkeepSettings
from ssv_discv5.rate_limit import Rate
from ssv_discv5.table.table import TableSettings

NODES = 24
QUICK = DiscoverySettings(
    protocol_ids=(SSV,),
    overlay=OverlaySettings(table=TableSettings(check_interval_s=60)),
    upkeep=UpkeepSettings(tick_s=0.25),
)


def in_virtual_time(scenario: Coroutine[Any, Any, None]) -> None:
    loop = looptime.new_event_loop(noop_cycles=0)
    try:
        loop.run_until_complete(scenario)
    finally:
        loop.close()


def subnets(number: int) -> bytes:
    """Return a bit vector with one bit of 128 set, the least significant first."""
    return (1 << (number % 8)).to_bytes(16, "little")


def grown(seed: int, loss: float) -> SimulatedNetwork:
    network = SimulatedNetwork(seed, loss)
    boot = network.join(1, settings=QUICK, pairs={b"subnets": subnets(1)})
    for number in range(2, NODES + 1):
        settings = replace(QUICK, bootnodes=(boot.enr,))
        network.join(number, settings, {b"subnets": subnets(number), b"ssv": b"\x01"})
    return network


def test_everybody_is_found_and_who_leaves_is_forgotten() -> None:
    async def scenario() -> None:
        network = grown(1, loss=0.02)
        await asyncio.sleep(60)
        nodes = list(network.nodes.values())
        target = private_key(5000).node_id
        nearest = sorted((node.enr for node in nodes), key=lambda record: distance(record.node_id, target))
        for node in nodes[::7]:
            found = await node.overlays[SSV].lookup(target)
            expected = [record for record in nearest if record.node_id != node.enr.node_id][:16]
            assert len(set(found) & set(expected)) >= 14
        live = [sum(entry.live for entry in node.overlays[SSV].table) for node in nodes]
        assert min(live) >= 10
        gone = nodes[10:16]
        for node in gone:
            network.leave(node)
            await node.close()
        await asyncio.sleep(400)
        ids = {node.enr.node_id for node in gone}
        for node in network.nodes.values():
            told = node.overlays[SSV].table.tell(range(257), Endpoint.of("200.1.1.1", 1), 1000)
            assert not [record for record in told if record.node_id in ids]
        await network.close()

    in_virtual_time(scenario())


def test_nodes_of_a_subnet_are_found() -> None:
    async def scenario() -> None:
        network = grown(2, loss=0.0)
        await asyncio.sleep(30)
        seeker = network.join(NODES + 1, replace(QUICK, bootnodes=(next(iter(network.nodes.values())).enr,)))

        def shares(record: Record) -> bool:
            mine, theirs = subnets(3), record.get(b"subnets") or b""
            return any(a & b for a, b in zip(mine, theirs, strict=False))

        wanted = {private_key(number).node_id for number in range(1, NODES + 1) if number % 8 == 3}
        assert len(wanted) == 3
        found: set[bytes] = set()
        async with asyncio.timeout(600), aclosing(seeker.find(shares)) as records:
            async for record in records:
                assert record.node_id in wanted
                assert record.node_id not in found
                found.add(record.node_id)
                if found == wanted:
                    break
        await network.close()

    in_virtual_time(scenario())


def test_a_changed_record_reaches_the_others_and_is_found_again() -> None:
    async def scenario() -> None:
        network = grown(3, loss=0.0)
        await asyncio.sleep(60)
        changed, *others = network.nodes.values()
        before = changed.enr.seq
        changed.update({b"subnets": b"\xff" * 16})
        assert changed.enr.seq == before + 1
        await asyncio.sleep(15)  # far less than the 60 s between checks: who is told a higher number asks at once
        holding = [node.overlays[SSV].table.get(changed.enr.node_id) for node in others]
        known = [record for record in holding if record is not None]
        assert len(known) > NODES // 2
        assert sum(record.seq == changed.enr.seq for record in known) >= len(known) * 0.9
        async with asyncio.timeout(60), aclosing(others[5].find(lambda r: r.get(b"subnets") == b"\xff" * 16)) as found:
            assert (await anext(found)).node_id == changed.enr.node_id
        await network.close()

    in_virtual_time(scenario())


def test_a_node_learns_its_address_from_the_others() -> None:
    async def scenario() -> None:
        network = grown(4, loss=0.0)
        boot = next(iter(network.nodes.values()))
        newcomer = network.join(NODES + 1, replace(QUICK, bootnodes=(boot.enr,)), in_record=False)
        assert newcomer.enr.endpoint(4) is None
        await asyncio.sleep(100)
        assert newcomer.enr.endpoint(4) == Endpoint.of(f"{30 + NODES + 1}.1.2.3", 12001)
        assert newcomer.enr.seq == 2
        await asyncio.sleep(100)
        holders = [node.overlays[SSV].table.get(newcomer.enr.node_id) for node in network.nodes.values()]
        assert sum(record is not None for record in holders) > 3
        await network.close()

    in_virtual_time(scenario())


def test_a_node_whose_record_names_another_address_is_not_taken_in() -> None:
    async def scenario() -> None:
        network = SimulatedNetwork(6)
        boot = network.join(1, QUICK)
        liar = network.join(2, QUICK, dict(endpoint_pairs(Endpoint.of("99.1.2.3", 1))), in_record=False)
        honest = network.join(3, QUICK)
        for node in (liar, honest):
            await node.overlays[SSV].ping(boot.enr)
        assert boot.overlays[SSV].table.get(liar.enr.node_id) is None
        assert boot.overlays[SSV].table.get(honest.enr.node_id) == honest.enr
        await network.close()

    in_virtual_time(scenario())


def test_a_loud_address_is_cut_short_but_not_who_owes_an_answer() -> None:
    async def scenario() -> None:
        network = SimulatedNetwork(7)
        careful = network.join(1, replace(QUICK, per_address=Rate(per_s=0.01, burst=5)))
        peer = network.join(2, QUICK)
        place = peer.enr.endpoint(4)
        assert place is not None
        for _ in range(100):
            careful.received(bytes(80), place)
        assert careful.counts["dropped:rate limit"] == 95
        for _ in range(20):
            await careful.overlays[SSV].ping(peer.enr)
        with pytest.raises(RequestFailedError):
            await peer.overlays[SSV].ping(careful.enr)
        await network.close()

    in_virtual_time(scenario())


def test_a_quiet_network_stays_quiet() -> None:
    async def scenario() -> None:
        network = grown(5, loss=0.0)
        await asyncio.sleep(200)
        before = network.carried
        await asyncio.sleep(100)
        per_node_and_s = (network.carried - before) / 100 / NODES
        assert per_node_and_s < 2
        await network.close()

    in_virtual_time(scenario())
