import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
from libs.ethereum.tests.execution_node import CONTRACT, ExecutionNode, Pauses, served

from ssv_ethereum.execution.errors import ExecutionError, NoExecutionNode, RangeTooLarge
from ssv_ethereum.execution.pool import ExecutionPool
from ssv_ethereum.execution.standing import Standing
from ssv_ethereum.log_ranges import RangeSize, read_ranges
from ssv_ethereum.registry_blocks import find_missing_history
from ssv_protocol.types.ids import ExecutionAddress

ADDRESS = ExecutionAddress(CONTRACT)


class Report:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.usable_problem: str | None = "never told"
        self.disagreeing: set[str] = set()
        self.behind: dict[str, int] = {}
        self.failed: list[str] = []

    def asked(self, endpoint: str, seconds: float, *, failed: bool) -> None:
        if failed:
            self.failed.append(endpoint)

    def looked(self, endpoint: str, standing: str, problem: str) -> None:
        pass

    def usable(self, problem: str | None) -> None:
        self.usable_problem = problem

    def compared(self, endpoint: str, blocks_behind: int, *, disagrees: bool) -> None:
        self.behind[endpoint] = blocks_behind
        self.disagreeing.discard(endpoint)
        if disagrees:
            self.disagreeing.add(endpoint)


def with_pool(
    nodes: list[ExecutionNode],
    scenario: Callable[[ExecutionPool, Report], Awaitable[None]],
    *,
    follow_distance: int = 2,
    chain_id: int | None = None,
) -> None:
    async def run() -> None:
        async with AsyncExitStack() as stack:
            for node in nodes:
                await stack.enter_async_context(served(node))
            report = Report()
            urls = [node.url for node in nodes]
            pool = ExecutionPool(urls, report=report, follow_distance=follow_distance, chain_id=chain_id)
            await stack.enter_async_context(pool)
            await scenario(pool, report)

    asyncio.run(run())


def standings(pool: ExecutionPool) -> list[Standing]:
    return [look.standing for look in pool.standings().values()]


def forked(**fields: int) -> ExecutionNode:
    return ExecutionNode(branch=1, branched_at=3, **fields)  # type: ignore[arg-type]


async def who_reads(pool: ExecutionPool) -> bytes:
    return (await pool.read(lambda node: node.header(5))).hash


def test_a_node_of_another_chain_is_named_and_asked_nothing_else() -> None:
    good, wrong = ExecutionNode(), ExecutionNode(chain_id=1)

    async def scenario(pool: ExecutionPool, report: Report) -> None:
        await pool.look()
        assert standings(pool) == [Standing.WRONG, Standing.GOOD]
        assert "is of chain 1, not of 31337" in next(iter(pool.standings().values())).problem
        for _ in range(3):
            await who_reads(pool)
        good.unavailable = 3
        with pytest.raises(ExecutionError, match="503"):
            await who_reads(pool)
        assert set(wrong.requests) == {"eth_chainId"}
        assert report.usable_problem is None

    with_pool([wrong, good], scenario, chain_id=31337)


def test_most_nodes_say_which_chain_it_is_when_that_is_not_known() -> None:
    nodes = [ExecutionNode(chain_id=1), ExecutionNode(), ExecutionNode()]

    async def scenario(pool: ExecutionPool, report: Report) -> None:
        await pool.look()
        assert standings(pool) == [Standing.WRONG, Standing.GOOD, Standing.GOOD]

    with_pool(nodes, scenario)


def test_the_next_node_answers_within_the_same_request() -> None:
    first, second = ExecutionNode(), ExecutionNode()

    async def scenario(pool: ExecutionPool, report: Report) -> None:
        await pool.look()
        first.unavailable = 1
        assert await who_reads(pool) == second.block_hash(5)
        assert len(report.failed) == 1
        first.requests.clear()
        await who_reads(pool)  # the one that failed comes second until it is looked at again
        assert not first.requests
        await pool.look()
        first.requests.clear()
        await who_reads(pool)
        assert first.requests

    with_pool([first, second], scenario)


def test_it_is_said_when_no_node_is_good() -> None:
    nodes = [ExecutionNode(unavailable=100), ExecutionNode(chain_id=1)]

    async def scenario(pool: ExecutionPool, report: Report) -> None:
        await pool.look()
        assert standings(pool) == [Standing.DOWN, Standing.WRONG]
        assert report.usable_problem is not None
        assert "HTTP 503" in report.usable_problem
        assert "is of chain 1" in report.usable_problem

    with_pool(nodes, scenario, chain_id=31337)


def test_a_node_that_is_behind_comes_last() -> None:
    late, good = ExecutionNode(blocks=10), ExecutionNode(blocks=30)

    async def scenario(pool: ExecutionPool, report: Report) -> None:
        await pool.look()
        assert standings(pool) == [Standing.BEHIND, Standing.GOOD]
        assert list(report.behind.values()) == [20, 0]
        late.requests.clear()
        await who_reads(pool)
        assert not late.requests
        assert pool.newest_head is not None
        assert pool.newest_head.number == 29
        good.unavailable = 10
        await who_reads(pool)
        assert late.requests

    with_pool([late, good], scenario)


def test_of_three_nodes_the_one_that_disagrees_is_not_read() -> None:
    liar, others = forked(), [ExecutionNode(), ExecutionNode()]

    async def scenario(pool: ExecutionPool, report: Report) -> None:
        await pool.look()
        assert standings(pool) == [Standing.DISAGREES, Standing.GOOD, Standing.GOOD]
        assert len(report.disagreeing) == 1
        for node in others:
            node.unavailable = 1
        with pytest.raises(ExecutionError, match="503"):
            await who_reads(pool)
        liar.branch = 0
        await pool.look()
        assert standings(pool) == [Standing.GOOD] * 3
        assert not report.disagreeing

    with_pool([liar, *others], scenario)


@pytest.mark.parametrize("place_of_liar", [0, 1])
def test_of_two_nodes_the_one_counts_that_was_followed_so_far(place_of_liar: int) -> None:
    liar, honest = forked(), ExecutionNode()
    nodes = [liar, honest] if place_of_liar == 0 else [honest, liar]

    async def scenario(pool: ExecutionPool, report: Report) -> None:
        pool.followed = (6, honest.block_hash(6))
        await pool.look()
        assert standings(pool)[place_of_liar] is Standing.DISAGREES
        assert await pool.hash_at(6, honest.block_hash(6)) == honest.block_hash(6)
        # the honest one goes: the other is not believed because it is alone now
        honest.unavailable = 3
        await pool.look()
        assert standings(pool)[place_of_liar] is Standing.DISAGREES
        assert report.usable_problem is not None
        honest.unavailable = 1
        with pytest.raises(ExecutionError):
            await who_reads(pool)

    with_pool(nodes, scenario)


def test_of_two_nodes_the_first_counts_where_nothing_was_followed() -> None:
    async def scenario(pool: ExecutionPool, report: Report) -> None:
        await pool.look()
        assert standings(pool) == [Standing.GOOD, Standing.DISAGREES]

    with_pool([forked(), ExecutionNode()], scenario)


def test_a_block_that_no_node_has_has_no_hash() -> None:
    async def scenario(pool: ExecutionPool, report: Report) -> None:
        assert await pool.hash_at(77) is None
        nodes[0].unavailable = nodes[1].unavailable = 1
        with pytest.raises(ExecutionError):
            await pool.hash_at(7)

    nodes = [ExecutionNode(), ExecutionNode()]
    with_pool(nodes, scenario)


def test_a_node_without_the_history_is_named_and_not_asked_for_it() -> None:
    pruned = ExecutionNode(pruned_before=5, log_indexes={2: [0], 7: [0]})
    full = ExecutionNode(log_indexes={2: [0], 7: [0]})

    async def scenario(pool: ExecutionPool, report: Report) -> None:
        logs = await pool.read(lambda node: node.logs(ADDRESS, 0, 9), history=True)
        assert [log.block_number for log in logs] == [2, 7]
        pruned.requests.clear()
        await pool.read(lambda node: node.logs(ADDRESS, 0, 9), history=True)
        assert not pruned.requests
        await who_reads(pool)
        assert pruned.requests  # what is not history it may be asked
        assert pool.history_problem() is None

    with_pool([pruned, full], scenario)


@pytest.mark.parametrize(
    ("node", "look_blocks", "problem"),
    [
        (ExecutionNode(earliest=4), 0, "has no blocks before 4"),
        (
            ExecutionNode(pruned_before=4, forgets=True, log_indexes={1: [0]}),
            6,
            "has the contract but not its first logs",
        ),
        (ExecutionNode(pruned_before=4, forgets=True, log_indexes={1: [0]}), 0, None),
        (ExecutionNode(log_indexes={1: [0]}), 6, None),
    ],
)
def test_missing_history_is_found_before_it_is_read(node: ExecutionNode, look_blocks: int, problem: str | None) -> None:
    async def scenario(pool: ExecutionPool, report: Report) -> None:
        await pool.look()
        await pool.mark_pruned(lambda each: find_missing_history(each, ADDRESS, 1, look_blocks))
        if problem is None:
            assert pool.history_problem() is None
            return
        found = pool.history_problem()
        assert found is not None
        assert problem in found
        assert "use a node that keeps the logs of all blocks" in found
        with pytest.raises(NoExecutionNode):
            await pool.read(lambda each: each.logs(ADDRESS, 0, 9), history=True)

    with_pool([node], scenario)


def test_a_range_that_is_too_large_is_not_asked_of_the_next_node() -> None:
    second = ExecutionNode()

    async def scenario(pool: ExecutionPool, report: Report) -> None:
        await pool.look()
        second.requests.clear()
        with pytest.raises(RangeTooLarge):
            await pool.read(lambda node: node.logs(ADDRESS, 0, 9))
        assert not second.requests

    with_pool([ExecutionNode(largest_range=3), second], scenario)


@pytest.mark.parametrize("limit", [1, 3, 40])
def test_ranges_shrink_to_what_a_node_gives_and_come_in_order(limit: int) -> None:
    node = ExecutionNode(blocks=100, log_indexes={number: [0] for number in range(100)}, largest_range=limit)
    size = RangeSize(64)

    async def scenario(pool: ExecutionPool, report: Report) -> None:
        seen = []
        async for read in read_ranges(pool, ADDRESS, 0, 99, size, sleep=Pauses()):
            assert read.parent_hash == node.block_hash(read.first_block - 1)
            assert read.last.number - read.first_block < limit
            seen += [log.block_number for log in read.logs]
        assert seen == list(range(100))

    with_pool([node], scenario)


def test_ranges_grow_while_answers_are_short() -> None:
    node = ExecutionNode(blocks=400, largest_range=1000)
    size = RangeSize(4, 100)

    async def scenario(pool: ExecutionPool, report: Report) -> None:
        lengths = [
            read.last.number - read.first_block + 1
            async for read in read_ranges(pool, ADDRESS, 0, 399, size, sleep=Pauses())
        ]
        assert lengths[0] == 4
        assert max(lengths) > 20
        assert sum(lengths) == 400

    with_pool([node], scenario)


def test_a_failing_node_in_the_middle_of_the_history_costs_no_block() -> None:
    nodes = [ExecutionNode(blocks=200, log_indexes={n: [0] for n in range(0, 200, 3)}) for _ in range(2)]

    async def scenario(pool: ExecutionPool, report: Report) -> None:
        seen = []
        async for read in read_ranges(pool, ADDRESS, 0, 199, RangeSize(10, 10), sleep=Pauses()):
            seen += [log.block_number for log in read.logs]
            nodes[0].unavailable += 2
            nodes[1].unavailable += read.first_block % 3 == 0
        assert seen == list(range(0, 200, 3))

    with_pool(nodes, scenario)
