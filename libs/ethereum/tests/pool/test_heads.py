"""Of nodes that differ about the head, the one with the newest block counts, however fast the others answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
from tests.support.faulty_node import Fault, FaultyNode, block_root

from ssv_ethereum.beacon.errors import BeaconError
from ssv_ethereum.pool.heads import Head, Heads
from ssv_ethereum.pool.pool import BeaconPool
from ssv_protocol.beacon_chain import BeaconChain, BeaconFork, ScheduledFork
from ssv_protocol.types.ids import Epoch, ForkVersion, Root

CHAIN = BeaconChain(
    0, Root(bytes(32)), 12.0, 8, 4, 32, (ScheduledFork(BeaconFork.FULU, ForkVersion(bytes(4)), Epoch(0)),)
)
LONGEST_S = 20.0
Scene = Callable[[BeaconPool, list[FaultyNode]], Awaitable[None]]


def header_path(number: int) -> str:
    return f"/eth/v1/beacon/headers/0x{block_root(number).hex()}"


def play(scene: Scene, *head_slots: int) -> None:
    """Each node's head is the block of the number of its slot; all nodes know the slots of all blocks."""

    async def run() -> None:
        async with AsyncExitStack() as stack:
            nodes = []
            for slot in head_slots:
                answers: dict[str, object] = {
                    header_path(number): {"data": {"header": {"message": {"slot": str(number)}}}}
                    for number in range(10)
                }
                answers["/eth/v1/beacon/blocks/head/root"] = {"data": {"root": "0x" + block_root(slot).hex()}}
                nodes.append(await stack.enter_async_context(FaultyNode(CHAIN, answers).running()))
            urls = [node.url for node in nodes]
            pool = await stack.enter_async_context(BeaconPool(urls, CHAIN, LONGEST_S, now=lambda: 0.0))
            await pool.look()
            await scene(pool, nodes)

    asyncio.run(asyncio.wait_for(run(), LONGEST_S))


def test_the_newest_head_counts_wherever_its_node_stands() -> None:
    async def scene(pool: BeaconPool, _: list[FaultyNode]) -> None:
        assert await Heads(pool).newest() == Head(block_root(7), pool.nodes[1])

    play(scene, 5, 7, 6)


def test_where_nodes_agree_no_slot_is_looked_up() -> None:
    async def scene(pool: BeaconPool, nodes: list[FaultyNode]) -> None:
        assert await Heads(pool).newest() == Head(block_root(5), pool.nodes[0])
        assert nodes[0].requests[header_path(5)] == 0

    play(scene, 5, 5)


@pytest.mark.parametrize("fault", Fault)
def test_a_node_that_fails_has_no_say(fault: Fault) -> None:
    async def scene(pool: BeaconPool, nodes: list[FaultyNode]) -> None:
        nodes[1].fault = fault
        assert (await Heads(pool).newest()).root == block_root(5)
        nodes[0].fault = Fault.ERROR
        if fault is not Fault.HANG:
            with pytest.raises(BeaconError):
                await Heads(pool).newest()

    play(scene, 5, 7)


def test_what_is_built_on_an_older_head_is_known_by_the_slots() -> None:
    async def scene(pool: BeaconPool, _: list[FaultyNode]) -> None:
        heads, (stale, good) = Heads(pool), pool.nodes
        newest = await heads.newest()
        assert await heads.is_older(stale, block_root(5), newest)
        assert not await heads.is_older(good, block_root(7), newest)
        assert not await heads.is_older(good, block_root(8), newest)  # it came after the others were asked
        assert not await heads.is_older(stale, block_root(99), newest)  # nobody can say

    play(scene, 5, 7)
