"""Which of several nodes' attestation data is taken, as a table and over real HTTP."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest
from libs.ethereum.tests.pool.test_pool import CHAIN, DEADLINE_S
from tests.support.faulty_node import Fault, FaultyNode, block_root

from ssv_ethereum.pool.attestation_data import Opinion, best
from ssv_ethereum.pool.pool import BeaconPool
from ssv_ethereum.pool.votes import Votes
from ssv_protocol.types.beacon.attestation import AttestationData, Checkpoint
from ssv_protocol.types.ids import Epoch, Slot
from ssv_protocol.types.ssz_json import to_json

SLOT = Slot(20)
DATA_PATH = "/eth/v1/validator/attestation_data"


def data(head: int = 1, source: int = 1, target: int = 2, target_root: int = 0) -> AttestationData:
    return AttestationData(
        SLOT,
        0,
        block_root(head),
        Checkpoint(Epoch(source), block_root(source)),
        Checkpoint(Epoch(target), block_root(target_root or target)),
    )


TABLE = {
    "the only one": ([Opinion(data())], 0),
    "all agree": ([Opinion(data()), Opinion(data())], 0),
    "the newest head": ([Opinion(data(1), Slot(18)), Opinion(data(2), Slot(20)), Opinion(data(3), Slot(19))], 1),
    "a head that the node knows": ([Opinion(data(1), None), Opinion(data(2), Slot(3))], 1),
    "of equally new heads the one most see": (
        [Opinion(data(1), Slot(5)), Opinion(data(2), Slot(5)), Opinion(data(2), Slot(5))],
        1,
    ),
    "checkpoints that most see, whatever their head": (
        [
            Opinion(data(1, target=2), Slot(5)),
            Opinion(data(2, target=9), Slot(20)),
            Opinion(data(1, target=2), Slot(5)),
        ],
        0,
    ),
    "of two that disagree the later target": (
        [Opinion(data(1, target=2), Slot(20)), Opinion(data(2, target=3), Slot(5))],
        1,
    ),
    "of two that disagree the later source": (
        [Opinion(data(1, source=0), Slot(20)), Opinion(data(2, source=1), Slot(5))],
        1,
    ),
    "targets of one epoch and two roots": (
        [Opinion(data(1, target_root=7), Slot(20)), Opinion(data(2), Slot(5)), Opinion(data(2), Slot(5))],
        1,
    ),
}


@pytest.mark.parametrize("case", TABLE)
def test_table(case: str) -> None:
    opinions, chosen = TABLE[case]
    assert best(opinions) == opinions[chosen].data


def header(slot: int) -> dict[str, object]:
    return {"data": {"header": {"message": {"slot": str(slot)}}}}


def answering(said: AttestationData, head_slot: int) -> FaultyNode:
    headers = f"/eth/v1/beacon/headers/0x{said.beacon_block_root.hex()}"
    return FaultyNode(CHAIN, {DATA_PATH: {"data": to_json(said)}, headers: header(head_slot)})


def asked(*nodes: FaultyNode, committees: int = 1) -> list[AttestationData]:
    async def run() -> list[AttestationData]:
        async with AsyncExitStack() as stack:
            for node in nodes:
                await stack.enter_async_context(node.running())
            pool = BeaconPool([node.url for node in nodes], CHAIN, DEADLINE_S, now=lambda: 0.0)
            await stack.enter_async_context(pool)
            await pool.look()
            votes = Votes(pool)
            return await asyncio.gather(*(votes.data(SLOT) for _ in range(committees)))

    return asyncio.run(asyncio.wait_for(run(), DEADLINE_S))


def test_the_node_with_the_newer_head_is_believed() -> None:
    stale, fresh = answering(data(1), 17), answering(data(2), 20)
    assert asked(stale, fresh) == [data(2)]


def test_nobody_looks_for_heads_while_all_agree() -> None:
    nodes = [answering(data(1), 20), answering(data(1), 20)]
    assert asked(*nodes) == [data(1)]
    assert not any("headers" in path for node in nodes for path in node.requests)


@pytest.mark.parametrize("fault", Fault)
def test_a_node_that_fails_is_not_needed(fault: Fault) -> None:
    failing = answering(data(2), 20)
    failing.fault = fault
    assert asked(failing, answering(data(1), 19)) == [data(1)]


def test_committees_that_ask_together_are_one_question() -> None:
    node = answering(data(1), 20)
    assert asked(node, committees=50) == [data(1)] * 50
    assert node.requests[DATA_PATH] == 1
