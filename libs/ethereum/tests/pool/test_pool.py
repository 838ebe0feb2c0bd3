"""A pool of real HTTP servers of which some fail: what is asked of whom, and what comes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest
from tests.support.faulty_node import Fault, FaultyNode, block_root

from ssv_ethereum.beacon.errors import BatchRefused, BeaconError, BeaconRefused
from ssv_ethereum.beacon.node import BeaconNode
from ssv_ethereum.pool.asking import NoBeaconNode
from ssv_ethereum.pool.pool import BeaconPool
from ssv_ethereum.pool.standing import UNRELIABLE, Standing
from ssv_protocol.beacon_chain import BeaconChain, BeaconFork, ScheduledFork
from ssv_protocol.types.beacon.sync_committee import SyncCommitteeMessage
from ssv_protocol.types.ids import BlsSignature, Epoch, ForkVersion, Root, Slot, ValidatorIndex

FORKS = (ScheduledFork(BeaconFork.FULU, ForkVersion(bytes(4)), Epoch(0)),)
CHAIN = BeaconChain(0, Root(bytes(32)), 0.6, 8, 4, 32, FORKS)
ROOT_PATH = "/eth/v1/beacon/blocks/head/root"
MESSAGES_PATH = "/eth/v1/beacon/pool/sync_committees"
DEADLINE_S = 5.0
"""Longer than a test may take: who waits for it has not been helped by another node."""

Scene = Callable[[BeaconPool, list[FaultyNode]], Awaitable[None]]


def play(scene: Scene, count: int = 2, prepare: Callable[[list[FaultyNode]], None] = lambda _: None) -> None:
    """Each node's head is the block of its own number, from 1."""

    async def run() -> None:
        nodes = [
            FaultyNode(CHAIN, {ROOT_PATH: {"data": {"root": "0x" + block_root(number).hex()}}})
            for number in range(1, count + 1)
        ]
        prepare(nodes)
        async with AsyncExitStack() as stack:
            for node in nodes:
                await stack.enter_async_context(node.running())
            urls = [node.url for node in nodes]
            pool = await stack.enter_async_context(BeaconPool(urls, CHAIN, DEADLINE_S, now=lambda: 0.0))
            await pool.look()
            await scene(pool, nodes)

    asyncio.run(asyncio.wait_for(run(), DEADLINE_S))


async def head(node: BeaconNode) -> Root | None:
    return await node.blocks.root("head")


def message(index: int) -> SyncCommitteeMessage:
    return SyncCommitteeMessage(Slot(1), block_root(1), ValidatorIndex(index), BlsSignature(bytes(96)))


async def submit(node: BeaconNode) -> None:
    await node.sync_committee.submit_messages([message(index) for index in range(4)])


def test_the_first_configured_one_is_asked_and_no_other_while_it_answers() -> None:
    async def scene(pool: BeaconPool, nodes: list[FaultyNode]) -> None:
        for _ in range(5):
            assert await pool.first(head) == block_root(1)
        assert nodes[1].requests[ROOT_PATH] == 0

    play(scene)


@pytest.mark.parametrize("fault", Fault)
def test_whatever_is_wrong_with_one_the_next_answers_within_the_same_request(fault: Fault) -> None:
    async def scene(pool: BeaconPool, nodes: list[FaultyNode]) -> None:
        nodes[0].fault = fault
        assert await pool.first(head) == block_root(2)

    play(scene)


@pytest.mark.parametrize("fault", Fault)
def test_who_goes_on_failing_is_asked_last_and_who_recovers_is_asked_first_again(fault: Fault) -> None:
    async def scene(pool: BeaconPool, nodes: list[FaultyNode]) -> None:
        first, second = nodes
        first.fault = fault
        for _ in range(5):
            await pool.first(head)
        assert pool.best is pool.nodes[1]
        asked = first.requests[ROOT_PATH]
        assert await pool.first(head) == block_root(2)
        assert first.requests[ROOT_PATH] == asked
        first.fault, second.fault = None, Fault.ERROR
        for _ in range(5):
            await pool.first(head)
        assert pool.best is pool.nodes[0]

    play(scene)


def test_when_all_fail_the_error_is_that_of_the_first() -> None:
    async def scene(pool: BeaconPool, nodes: list[FaultyNode]) -> None:
        for node in nodes:
            node.fault = Fault.ERROR
        with pytest.raises(BeaconRefused, match="HTTP 500") as raised:
            await pool.first(head)
        assert raised.value.endpoint == nodes[0].url

    play(scene)


def test_a_poor_answer_sends_the_question_on_and_is_better_than_none() -> None:
    async def scene(pool: BeaconPool, nodes: list[FaultyNode]) -> None:
        assert await pool.first(head, good=lambda root: root == block_root(2)) == block_root(2)
        assert await pool.first(head, good=lambda root: root == block_root(9)) == block_root(1)

    play(scene)


def test_in_a_race_the_first_answer_wins() -> None:
    async def scene(pool: BeaconPool, nodes: list[FaultyNode]) -> None:
        nodes[0].fault = Fault.HANG
        assert await pool.race(head) == block_root(2)
        assert nodes[0].began.is_set()

    play(scene)


def test_in_a_race_who_is_behind_runs_only_when_the_others_fail() -> None:
    def prepare(nodes: list[FaultyNode]) -> None:
        nodes[0].is_optimistic = True

    async def scene(pool: BeaconPool, nodes: list[FaultyNode]) -> None:
        assert await pool.race(head) == block_root(2)
        assert nodes[0].requests[ROOT_PATH] == 0
        nodes[1].fault = Fault.ERROR
        assert await pool.race(head) == block_root(1)

    play(scene, prepare=prepare)


def test_in_a_race_a_poor_answer_waits_for_a_good_one() -> None:
    async def scene(pool: BeaconPool, _: list[FaultyNode]) -> None:
        assert await pool.race(head, good=lambda root: root == block_root(2)) == block_root(2)
        assert await pool.race(head, good=lambda root: root == block_root(9)) in {block_root(1), block_root(2)}

    play(scene)


def test_all_answers_are_of_all_who_answer_in_time() -> None:
    async def scene(pool: BeaconPool, nodes: list[FaultyNode]) -> None:
        assert [root for _, root in await pool.answers(head)] == [block_root(1), block_root(2), block_root(3)]
        nodes[0].fault, nodes[1].fault = Fault.HANG, Fault.ERROR
        assert [root for _, root in await pool.answers(head)] == [block_root(3)]
        for node in nodes:
            node.fault = Fault.NONSENSE
        with pytest.raises(BeaconError):
            await pool.answers(head)

    play(scene, 3)


@pytest.mark.parametrize("fault", Fault)
def test_a_deed_is_done_once_one_node_has_done_it(fault: Fault) -> None:
    async def scene(pool: BeaconPool, nodes: list[FaultyNode]) -> None:
        nodes[0].fault = None if fault is Fault.NONSENSE else fault
        await pool.every(submit)
        await asyncio.gather(*(node.began.wait() for node in nodes))
        assert [node.requests[MESSAGES_PATH] for node in nodes] == [1, 1]

    play(scene)


def test_of_a_batch_only_what_all_nodes_refuse_is_refused() -> None:
    async def scene(pool: BeaconPool, nodes: list[FaultyNode]) -> None:
        nodes[0].refusals[MESSAGES_PATH], nodes[1].refusals[MESSAGES_PATH] = [0, 2], [2, 3]
        with pytest.raises(BatchRefused) as raised:
            await pool.every(submit)
        assert [failure.index for failure in raised.value.failures] == [2]
        nodes[1].refusals[MESSAGES_PATH] = [3]
        await pool.every(submit)
        nodes[1].fault = Fault.ERROR
        with pytest.raises(BatchRefused) as raised:
            await pool.every(submit)
        assert [failure.index for failure in raised.value.failures] == [0, 2]

    play(scene)


def test_who_failed_lately_is_not_waited_for_but_heard_and_so_is_relied_on_again() -> None:
    async def scene(pool: BeaconPool, nodes: list[FaultyNode]) -> None:
        nodes[1].fault = Fault.ERROR
        for _ in range(5):
            await pool.answers(head)
        nodes[1].fault = Fault.HANG
        assert [root for _, root in await pool.answers(head)] == [block_root(1)]
        asked, nodes[1].fault = nodes[1].requests[ROOT_PATH], None
        while pool.states()[1].failed_share >= UNRELIABLE:  # it is asked each time, and may be the faster one
            await pool.answers(head)
        assert nodes[1].requests[ROOT_PATH] > asked
        assert [root for _, root in await pool.answers(head)] == [block_root(1), block_root(2)]

    play(scene)


def test_a_node_that_was_down_and_answers_is_heard_before_the_next_look() -> None:
    def prepare(nodes: list[FaultyNode]) -> None:
        nodes[0].away = True

    async def scene(pool: BeaconPool, nodes: list[FaultyNode]) -> None:
        assert pool.states()[0].look.standing is Standing.DOWN
        nodes[0].away = False
        nodes[1].fault = Fault.HANG
        await pool.every(submit)
        assert pool.states()[0].look.standing is Standing.UNKNOWN
        nodes[1].fault = None
        assert {root for _, root in await pool.answers(head)} == {block_root(1), block_root(2)}

    play(scene, prepare=prepare)


def test_what_went_wrong_while_a_node_was_away_does_not_count_once_it_is_back() -> None:
    async def scene(pool: BeaconPool, nodes: list[FaultyNode]) -> None:
        nodes[0].fault = Fault.ERROR
        for _ in range(5):
            await pool.answers(head)
        for away in (True, False):
            nodes[0].away = away
            await pool.look()
        assert pool.states()[0].failed_share == 0

    play(scene)


OTHER_CHAINS = {
    "genesis validators root": replace(CHAIN, genesis_validators_root=block_root(7)),
    "genesis time": replace(CHAIN, genesis_time_s=1),
    "slot time": replace(CHAIN, slot_duration_s=12.0),
    "slots per epoch": replace(CHAIN, slots_per_epoch=32),
    "epochs per sync committee period": replace(CHAIN, epochs_per_sync_committee_period=256),
    "sync committee size": replace(CHAIN, sync_committee_size=512),
    "forks": replace(CHAIN, forks=(ScheduledFork(BeaconFork.FULU, ForkVersion(b"\x09\0\0\0"), Epoch(0)),)),
}


@pytest.mark.parametrize("what", OTHER_CHAINS)
def test_a_node_of_another_network_is_named_and_asked_nothing(what: str) -> None:
    def prepare(nodes: list[FaultyNode]) -> None:
        nodes[0].chain = OTHER_CHAINS[what]

    async def scene(pool: BeaconPool, nodes: list[FaultyNode]) -> None:
        wrong = pool.states()[0]
        assert wrong.look.standing is Standing.WRONG
        assert f"its {what} is" in wrong.look.problem
        await pool.every(submit)
        assert await pool.race(head) == block_root(2)
        assert [root for _, root in await pool.answers(head)] == [block_root(2)]
        nodes[1].fault = Fault.ERROR
        with pytest.raises(BeaconError):
            await pool.first(head)
        assert not nodes[0].began.is_set()
        assert not pool.may_be_asked(pool.nodes[0])

    play(scene, prepare=prepare)


def test_when_all_are_of_another_network_the_error_names_them() -> None:
    def prepare(nodes: list[FaultyNode]) -> None:
        for node in nodes:
            node.chain = OTHER_CHAINS["genesis time"]

    async def scene(pool: BeaconPool, nodes: list[FaultyNode]) -> None:
        with pytest.raises(NoBeaconNode) as raised:
            await pool.first(head)
        assert all(node.url in str(raised.value) for node in nodes)
        assert pool.best is None

    play(scene, prepare=prepare)


def test_a_fork_that_lies_ahead_may_differ() -> None:
    async def run() -> None:
        node = FaultyNode(replace(CHAIN, forks=FORKS_AHEAD))
        now = 0.0
        async with node.running(), BeaconPool([node.url], OURS, DEADLINE_S, now=lambda: now) as pool:
            await pool.look()
            assert pool.states()[0].look.standing is Standing.GOOD
            now = OURS.in_slot(OURS.first_slot(Epoch(3)), 0.5)
            await pool.look()
            assert pool.states()[0].look.standing is Standing.WRONG

    asyncio.run(run())


ELECTRA = ScheduledFork(BeaconFork.ELECTRA, ForkVersion(bytes(4)), Epoch(0))
OURS = replace(CHAIN, forks=(ELECTRA,))
FORKS_AHEAD = (ELECTRA, ScheduledFork(BeaconFork.FULU, ForkVersion(b"\x08\0\0\0"), Epoch(3)))


def _syncing(node: FaultyNode) -> None:
    node.is_syncing, node.sync_distance = True, 50


def _optimistic(node: FaultyNode) -> None:
    node.is_optimistic = True


def _away(node: FaultyNode) -> None:
    node.away = True


def _stale(node: FaultyNode) -> None:
    node.head_slot = 0


AILMENTS: dict[str, tuple[Callable[[FaultyNode], None], Standing]] = {
    "is syncing, 50 slots behind": (_syncing, Standing.BEHIND),
    "is optimistic": (_optimistic, Standing.BEHIND),
    "HTTP 502": (_away, Standing.DOWN),
    "its head is of slot 0, another's of 20": (_stale, Standing.BEHIND),
}


@pytest.mark.parametrize("problem", AILMENTS)
def test_a_node_that_is_not_up_to_date_is_asked_last(problem: str) -> None:
    ail, standing = AILMENTS[problem]

    def prepare(nodes: list[FaultyNode]) -> None:
        nodes[0].head_slot = nodes[1].head_slot = 20
        ail(nodes[0])

    async def scene(pool: BeaconPool, nodes: list[FaultyNode]) -> None:
        look = pool.states()[0].look
        assert look.standing is standing
        assert problem in look.problem
        assert pool.problem() is None, "the other one is good"
        nodes[0].away = False
        assert await pool.first(head) == block_root(2)
        assert [root for _, root in await pool.answers(head)] == [block_root(2)]
        nodes[1].fault = Fault.ERROR
        assert await pool.first(head) == block_root(1), "better than nothing"

    play(scene, prepare=prepare)


@pytest.mark.parametrize(("head_slot", "standing"), [(20, Standing.GOOD), (19, Standing.GOOD), (18, Standing.BEHIND)])
def test_a_block_that_has_not_come_yet_is_no_reason_and_two_are(head_slot: int, standing: Standing) -> None:
    def prepare(nodes: list[FaultyNode]) -> None:
        nodes[0].head_slot, nodes[1].head_slot = head_slot, 20

    async def scene(pool: BeaconPool, _: list[FaultyNode]) -> None:
        assert [state.look.standing for state in pool.states()] == [standing, Standing.GOOD]

    play(scene, prepare=prepare)
