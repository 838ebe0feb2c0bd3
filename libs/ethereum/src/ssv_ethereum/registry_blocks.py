"""The blocks of the registry contract, one after the other, for `ssv_protocol.registry.apply`.

Invariants: block numbers ascend; no block with logs of the contract is left out; all updates of one run are of one
chain. A block that was handed out and is replaced ends the iteration with `ChainReorganised`; the caller goes back to
a block that is still there, and starts again.
Not guaranteed: an update for every block; blocks without logs come only as the last one of a batch, so that
progress can be kept; and the time of a block whose logs do not need it, so that a long history costs no request for it.

The head is polled: one small request a second is nothing to a node, and works with every provider.

Source: ssvlabs/ssv eth/executionclient; architecture §5.8.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from itertools import groupby

from ssv_ethereum.backoff import Backoff, Sleep
from ssv_ethereum.execution.errors import ExecutionError
from ssv_ethereum.execution.node import BlockHeader, ExecutionNode
from ssv_ethereum.execution.pool import ExecutionPool
from ssv_ethereum.log_ranges import LogRange, RangeSize, read_ranges
from ssv_protocol.errors import SsvError
from ssv_protocol.registry.log import Log
from ssv_protocol.types.ids import ExecutionAddress

PUBLIC_FOLLOW_DISTANCE = 8
"""Blocks behind the head that the network's nodes read the contract at."""
PUBLIC_HEAD_MAX_AGE_S = 300.0
"""On a public network a node whose newest block is older is syncing."""
FIRST_LOGS_WITHIN_BLOCKS = 500
"""A public network's registry begins with the contract's deployment, which leaves logs."""


class ChainReorganised(SsvError):
    """A block that was already handed out is no longer part of the chain, by the word of one node."""

    def __init__(self, block_number: int) -> None:
        super().__init__(f"block {block_number} was replaced after it was applied")
        self.block_number = block_number


@dataclass(frozen=True, slots=True)
class BlockUpdate:
    """A block's logs of the contract by log index, and how far the chain was when it was read.

    `time_s` is the block's Unix time; None where it would take a request that no log asks for.
    """

    block_number: int
    block_hash: bytes
    logs: tuple[Log, ...]
    head: int
    time_s: int | None

    @property
    def blocks_behind(self) -> int:
        """How many blocks of the chain are newer."""
        return self.head - self.block_number


@dataclass(frozen=True, slots=True)
class Batch:
    """Updates that were read together. `target` is the block up to which there was something to read,
    `last_time_s` the Unix time of the last block of the batch."""

    updates: tuple[BlockUpdate, ...]
    target: int
    last_time_s: int

    @property
    def is_last(self) -> bool:
        """Whether the chain had no more when it was looked at."""
        return self.updates[-1].block_number >= self.target


@dataclass(frozen=True, slots=True)
class Depth:
    """How far behind the head the contract is read: a number of blocks, and no further than the finalised block
    if `finalized_only`."""

    follow_distance: int
    finalized_only: bool = False


async def follow_registry(
    pool: ExecutionPool,
    contract: ExecutionAddress,
    from_block: int,
    *,
    depth: Depth,
    poll_interval_s: float,
    parent_hash: bytes | None = None,
    size: RangeSize | None = None,
    sleep: Sleep = asyncio.sleep,
) -> AsyncIterator[Batch]:
    """Yield the contract's blocks from `from_block` on, for ever.

    `parent_hash` is the hash of the block before `from_block` if that was applied in an earlier run.

    Raises:
        ChainReorganised: a block that was handed out, or `parent_hash`'s, is not in the chain any more.
    """
    size = size or RangeSize()
    next_block = from_block
    seen_head: bytes | None = None
    while True:
        head, target = await _ends(pool, depth, sleep)
        if target < next_block:
            if parent_hash is not None and head.number >= next_block - 1 and head.hash != seen_head:
                await _check_parent(pool, next_block - 1, parent_hash)
            seen_head = head.hash
            await sleep(poll_interval_s)
            continue
        blocks = read_blocks(
            pool, contract, next_block, target, head=head.number, parent_hash=parent_hash, size=size, sleep=sleep
        )
        async with aclosing(blocks):  # type: ignore[type-var]
            async for batch in blocks:
                yield batch
                next_block, parent_hash = batch.updates[-1].block_number + 1, batch.updates[-1].block_hash


async def read_blocks(
    pool: ExecutionPool,
    contract: ExecutionAddress,
    from_block: int,
    to_block: int,
    *,
    head: int,
    parent_hash: bytes | None = None,
    size: RangeSize | None = None,
    sleep: Sleep = asyncio.sleep,
) -> AsyncIterator[Batch]:
    """Yield the contract's blocks from `from_block` to `to_block`, both included, of a chain that has come to `head`.

    `parent_hash` is as in `follow_registry`. Raises ChainReorganised.
    """
    ranges = read_ranges(pool, contract, from_block, to_block, size or RangeSize(), sleep=sleep)
    async with aclosing(ranges):  # type: ignore[type-var]
        async for read in ranges:
            if parent_hash is not None and read.parent_hash != parent_hash:
                raise ChainReorganised(read.first_block - 1)
            yield Batch(_updates(read, head), to_block, read.last.timestamp_s)
            parent_hash = read.last.hash


async def find_missing_history(
    node: ExecutionNode, contract: ExecutionAddress, from_block: int, look_blocks: int
) -> str:
    """Say why `node` can't tell the contract's history from its deployment block on; empty when nothing shows.

    A contract that was deployed at `from_block` has logs within `look_blocks` of it; 0 leaves that out. Raises
    ExecutionError when the node does not say either way.
    """
    earliest = await node.header("earliest")
    if earliest.number > from_block:
        return f"has no blocks before {earliest.number}, the registry begins at {from_block}"
    if not look_blocks:
        return ""
    if await node.has_code(contract) and not await node.logs(contract, from_block, from_block + look_blocks - 1):
        return f"has the contract but not its first logs, from block {from_block} on"
    return ""


async def _ends(pool: ExecutionPool, depth: Depth, sleep: Sleep) -> tuple[BlockHeader, int]:
    """Return the newest block and the number of the last one to be read; waits until a node answers."""

    async def ask(node: ExecutionNode) -> tuple[BlockHeader, int]:
        head = await node.header("latest")
        target = head.number - depth.follow_distance
        if depth.finalized_only:
            target = min(target, (await node.header("finalized")).number)
        return head, target

    backoff = Backoff(sleep=sleep)
    while True:
        try:
            return await pool.read(ask)
        except ExecutionError:
            await backoff.pause()


async def _check_parent(pool: ExecutionPool, number: int, parent_hash: bytes) -> None:
    try:
        header = await pool.read(lambda node: node.header(number))
    except ExecutionError:
        return  # it will be checked with the next block
    if header.hash != parent_hash:
        raise ChainReorganised(number)


def _updates(read: LogRange, head: int) -> tuple[BlockUpdate, ...]:
    last = read.last
    by_block = groupby(read.logs, key=lambda log: (log.block_number, log.block_hash))
    blocks = {number: (block_hash, tuple(logs)) for (number, block_hash), logs in by_block}
    _, of_last = blocks.pop(last.number, (last.hash, ()))
    return (
        *(
            BlockUpdate(number, block_hash, logs, head, read.times_s.get(number))
            for number, (block_hash, logs) in blocks.items()
        ),
        BlockUpdate(last.number, last.hash, of_last, head, last.timestamp_s),
    )
