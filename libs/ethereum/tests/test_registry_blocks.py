import asyncio
from collections.abc import Callable

import pytest
from libs.ethereum.tests.execution_node import CONTRACT, ExecutionNode, Pauses, served

from ssv_ethereum.execution.pool import ExecutionPool
from ssv_ethereum.log_ranges import RangeSize
from ssv_ethereum.registry_blocks import BlockUpdate, ChainReorganised, Depth, follow_registry
from ssv_protocol.registry.abi import topic0
from ssv_protocol.types.ids import ExecutionAddress

EXITED = topic0("ValidatorExited(address,uint64[],bytes)")
ADDRESS = ExecutionAddress(CONTRACT)


def followed(
    node: ExecutionNode,
    until: int,
    from_block: int = 0,
    *,
    follow_distance: int = 0,
    finalized_only: bool = False,
    batch_blocks: int = 200,
    parent_hash: bytes | None = None,
    at_each_poll: Callable[[], None] = lambda: None,
) -> list[BlockUpdate]:
    """Follow the node until block `until` was handed out; what happens while there is no new block is the test's."""

    pauses = Pauses()

    async def poll(seconds: float) -> None:
        await pauses(seconds)
        at_each_poll()

    async def run() -> list[BlockUpdate]:
        updates: list[BlockUpdate] = []
        async with served(node), ExecutionPool([node.url]) as pool:
            batches = follow_registry(
                pool,
                ADDRESS,
                from_block,
                depth=Depth(follow_distance, finalized_only),
                poll_interval_s=1.0,
                parent_hash=parent_hash,
                size=RangeSize(batch_blocks, batch_blocks),
                sleep=poll,
            )
            async for batch in batches:
                updates += batch.updates
                if updates[-1].block_number >= until:
                    break
        return updates

    return asyncio.run(run())


def test_blocks_with_logs_and_the_last_one_of_each_batch() -> None:
    node = ExecutionNode(blocks=11, log_indexes={1: [0], 4: [1, 0], 6: [0]})
    updates = followed(node, until=10, batch_blocks=5)
    assert [(update.block_number, len(update.logs)) for update in updates] == [
        (1, 1), (4, 2), (6, 1), (9, 0), (10, 0),
    ]  # fmt: skip
    assert [log.log_index for log in updates[1].logs] == [0, 1]
    assert all(update.block_hash == node.block_hash(update.block_number) for update in updates)
    assert [update.blocks_behind for update in updates] == [9, 6, 4, 1, 0]


def test_the_time_is_asked_only_of_blocks_whose_logs_need_it() -> None:
    node = ExecutionNode(blocks=11, log_indexes={1: [0], 4: [0, 1], 6: [0], 8: [0]}, topics={4: EXITED, 8: EXITED})
    updates = followed(node, until=10)
    assert [(update.block_number, update.time_s) for update in updates] == [
        (1, None), (4, node.time_s(4)), (6, None), (8, node.time_s(8)), (10, node.time_s(10)),
    ]  # fmt: skip
    # two looks at the head, the last block twice, the first one for its parent, and these two
    assert node.requests.count("eth_getBlockByNumber") == 7


def test_new_blocks_are_handed_out_as_they_come() -> None:
    node = ExecutionNode(blocks=3, log_indexes={4: [0]})

    def mine() -> None:
        node.blocks += 1

    updates = followed(node, until=5, at_each_poll=mine)
    assert [(update.block_number, len(update.logs)) for update in updates] == [(2, 0), (3, 0), (4, 1), (5, 0)]


def test_the_follow_distance_is_kept() -> None:
    node = ExecutionNode(blocks=10)
    (update,) = followed(node, until=1, follow_distance=8)
    assert (update.block_number, update.blocks_behind) == (1, 8)


def test_finalised_blocks_only() -> None:
    node = ExecutionNode(blocks=10, finalized=3)

    def finalise() -> None:
        node.finalized = 9

    updates = followed(node, until=5, follow_distance=4, finalized_only=True, at_each_poll=finalise)
    assert [update.block_number for update in updates] == [3, 5]


def test_a_head_that_was_replaced_by_one_as_high_is_noticed() -> None:
    node = ExecutionNode(blocks=5)

    def reorganise() -> None:
        node.branch, node.branched_at = 1, 3

    with pytest.raises(ChainReorganised):
        followed(node, until=9, at_each_poll=reorganise)


def test_a_run_can_go_on_from_any_block() -> None:
    node = ExecutionNode(blocks=10, log_indexes={2: [0], 7: [0]})
    updates = followed(node, until=9, from_block=5, parent_hash=node.block_hash(4))
    assert [update.block_number for update in updates] == [7, 9]


def test_another_chain_than_that_of_the_earlier_run_is_refused() -> None:
    node = ExecutionNode(blocks=10, branch=1, branched_at=4)
    earlier = ExecutionNode(blocks=10).block_hash(4)
    with pytest.raises(ChainReorganised) as caught:
        followed(node, until=9, from_block=5, parent_hash=earlier)
    assert caught.value.block_number == 4


def test_a_block_replaced_after_it_was_handed_out_ends_the_iteration() -> None:
    node = ExecutionNode(blocks=5)

    def reorganise() -> None:
        node.branch, node.branched_at, node.blocks = 1, 3, 6

    with pytest.raises(ChainReorganised) as caught:
        followed(node, until=5, at_each_poll=reorganise)
    assert caught.value.block_number == 4


def test_a_reorganisation_behind_the_follow_distance_is_not_noticed() -> None:
    node = ExecutionNode(blocks=5)

    def reorganise() -> None:
        node.branch, node.branched_at, node.blocks = 1, 3, 6

    updates = followed(node, until=3, follow_distance=2, at_each_poll=reorganise)
    assert [(update.block_number, update.block_hash) for update in updates][-1] == (3, node.block_hash(3))


def test_a_batch_is_read_again_when_the_chain_changed_meanwhile() -> None:
    node = ExecutionNode(blocks=5, log_indexes={2: [0]})
    answer = node.answer

    async def answer_and_reorganise(request: object) -> object:
        response = await answer(request)  # type: ignore[arg-type]
        if node.requests[-1] == "eth_getLogs" and node.branch == 0:
            node.branch, node.branched_at = 1, 2
        return response

    node.answer = answer_and_reorganise  # type: ignore[method-assign,assignment]
    updates = followed(node, until=4)
    assert [(update.block_number, update.block_hash) for update in updates] == [
        (2, node.block_hash(2)),
        (4, node.block_hash(4)),
    ]
    assert updates[0].logs[0].block_hash == node.block_hash(2)
