"""What a relay passes on between beacon nodes, and the SSZ that it makes of their blocks. Real nodes: tests/e2e."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
from devnet.tests.demo.a_run import CHAIN
from libs.protocol.tests.types.zeros import zero
from tests.support.faulty_node import Fault, FaultyNode

from ssv_devnet.proxy import Call, Cut, Server
from ssv_devnet.relay import AnyEntrance, Entrance, Peer, Relay, contents_of, parent_root_of
from ssv_ethereum.beacon.node import BeaconNode
from ssv_protocol.types.beacon import fulu
from ssv_protocol.types.ids import Root

VOTES = "/eth/v2/beacon/pool/attestations"
DUTIES = "/eth/v1/validator/duties/attester/1"
TIMEOUT_S = 10.0


def play(scene: Callable[[Relay, list[FaultyNode]], Awaitable[None]]) -> None:
    async def run() -> None:
        async with AsyncExitStack() as stack:
            nodes = [await stack.enter_async_context(FaultyNode(CHAIN).running()) for _ in range(2)]
            peers = [
                Peer(
                    await stack.enter_async_context(Server(node.url)),
                    await stack.enter_async_context(BeaconNode(node.url)),
                )
                for node in nodes
            ]
            relay = Relay(peers)
            await scene(relay, nodes)
            await relay.close()

    asyncio.run(asyncio.wait_for(run(), TIMEOUT_S))


def post(path: str, body: bytes = b"[]") -> Call:
    return Call("POST", path, {"Content-Type": "application/json"}, body)


def test_what_is_posted_to_one_comes_to_the_other_once() -> None:
    async def scene(relay: Relay, nodes: list[FaultyNode]) -> None:
        first, second = (Entrance(relay, peer) for peer in relay.peers)
        await first(post(VOTES))
        await relay.settled()
        assert [node.requests[VOTES] for node in nodes] == [1, 1]
        for entrance in (second, first):  # both have it: each user's own is all that comes
            await entrance(post(VOTES))
        await first(post(DUTIES))
        await relay.settled()
        assert [node.requests[VOTES] for node in nodes] == [2, 2]
        assert [node.requests[DUTIES] for node in nodes] == [1, 0]

    play(scene)


@pytest.mark.parametrize("apart", [0, 1])
def test_nothing_comes_to_a_node_that_is_kept_apart_or_from_it(apart: int) -> None:
    async def scene(relay: Relay, nodes: list[FaultyNode]) -> None:
        relay.part(apart)
        await relay.enter(relay.peers[0], post(VOTES))
        await relay.settled()
        assert [node.requests[VOTES] for node in nodes] == [1, 0]

    play(scene)


def test_what_a_node_refuses_is_not_passed_on() -> None:
    async def scene(relay: Relay, nodes: list[FaultyNode]) -> None:
        nodes[0].fault = Fault.ERROR
        assert (await relay.enter(relay.peers[0], post(VOTES))).status == 500
        await relay.settled()
        assert nodes[1].requests[VOTES] == 0

    play(scene)


def test_who_knows_one_node_is_led_to_one_that_is_there() -> None:
    async def scene(relay: Relay, nodes: list[FaultyNode]) -> None:
        any_node = AnyEntrance(relay)
        nodes[0].fault = Fault.RESET
        assert (await any_node(post(VOTES))).status == 200
        assert any_node.url == relay.peers[0].server.url
        relay.peers[0].in_step_since, relay.peers[1].in_step_since = None, 1.0
        assert any_node.url == relay.peers[1].server.url
        relay.peers[0].in_step_since = 2.0  # it is back, but not as long
        assert any_node.url == relay.peers[1].server.url
        nodes[1].fault = Fault.RESET
        with pytest.raises(Cut):
            await any_node(post(VOTES))

    play(scene)


def test_a_signed_blocks_parent_and_contents() -> None:
    block = zero(fulu.SignedBeaconBlock, message=zero(fulu.BeaconBlock, slot=7, parent_root=Root(b"\x05" * 32)))
    assert parent_root_of(block.encode()) == b"\x05" * 32
    assert fulu.SignedBlockContents.decode(contents_of(block.encode())) == fulu.SignedBlockContents(block, (), ())
