"""The contract's logs in ranges of blocks, several requests in flight, handed out in order.

A range shrinks when a node says that it is too large or when nobody answers in time, and grows back while answers are
quick and short. A range is read whole from one node, with the headers that show which chain it is of.

Invariants: ranges are handed out in order and without gaps; the last block was the same before and after its logs were
read. Not guaranteed: that two ranges are of one chain; `parent_hash` tells.

Source: execution-apis (eth_getLogs); the providers' limits differ and are found by trying.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass

from ssv_ethereum.backoff import Backoff, Sleep
from ssv_ethereum.execution.errors import ExecutionAnswerInvalid, ExecutionError, RangeTooLarge
from ssv_ethereum.execution.node import BlockHeader, ExecutionNode
from ssv_ethereum.execution.pool import ExecutionPool
from ssv_protocol.registry.abi import needs_block_time
from ssv_protocol.registry.log import Log
from ssv_protocol.types.ids import ExecutionAddress

FIRST_BLOCKS = 500
MOST_BLOCKS = 20_000
IN_FLIGHT = 4
_MANY_LOGS = 2_000
_SLOW_S = 3.0
_READ_AGAIN = 3


@dataclass(frozen=True, slots=True)
class LogRange:
    """The logs of a range, its ends, and the Unix times of those other blocks whose logs need it."""

    first_block: int
    parent_hash: bytes
    last: BlockHeader
    logs: tuple[Log, ...]
    times_s: dict[int, int]


class RangeSize:
    """How many blocks to ask for at once."""

    def __init__(self, blocks: int = FIRST_BLOCKS, most_blocks: int = MOST_BLOCKS) -> None:
        self.blocks = blocks
        self._most_blocks = most_blocks

    def refused(self, blocks: int) -> None:
        """A range of `blocks` was too much."""
        self.blocks = max(1, min(self.blocks, blocks // 2))

    def answered(self, blocks: int, logs: int, seconds: float) -> None:
        """A range of `blocks` came in `seconds`."""
        if logs > _MANY_LOGS or seconds > _SLOW_S:
            self.blocks = max(1, min(self.blocks, blocks))
        elif blocks >= self.blocks:
            self.blocks = min(self.blocks + max(1, self.blocks // 4), self._most_blocks)


async def read_ranges(
    pool: ExecutionPool,
    contract: ExecutionAddress,
    from_block: int,
    to_block: int,
    size: RangeSize,
    *,
    in_flight: int = IN_FLIGHT,
    sleep: Sleep = asyncio.sleep,
) -> AsyncIterator[LogRange]:
    """Yield the ranges from `from_block` to `to_block`, both included. What fails is tried again for ever."""
    running: deque[tuple[int, int, asyncio.Task[tuple[LogRange, float]]]] = deque()
    backoff = Backoff(sleep=sleep)
    next_block = from_block
    try:
        while running or next_block <= to_block:
            while len(running) < in_flight and next_block <= to_block:
                last_block = min(next_block + size.blocks - 1, to_block)
                reading = _timed_read(pool, contract, next_block, last_block)
                running.append((next_block, last_block, asyncio.create_task(reading)))
                next_block = last_block + 1
            first_block, last_block, task = running[0]
            await asyncio.wait([task])
            error = task.exception()
            if isinstance(error, ExecutionError):
                size.refused(last_block - first_block + 1)
                await _end(running)
                next_block = first_block
                if first_block == last_block or not isinstance(error, RangeTooLarge):
                    await backoff.pause()
                continue
            read, seconds = task.result()
            running.popleft()
            backoff.reset()
            size.answered(last_block - first_block + 1, len(read.logs), seconds)
            yield read
    finally:
        await _end(running)


async def read_range(node: ExecutionNode, contract: ExecutionAddress, from_block: int, to_block: int) -> LogRange:
    """Read a range from `node`. Raises ExecutionError, also when the chain keeps on changing meanwhile."""
    for _ in range(_READ_AGAIN):
        before = await node.header(to_block)
        logs = await node.logs(contract, from_block, to_block)
        first = before if from_block == to_block else await node.header(from_block)
        dated = sorted({log.block_number for log in logs if needs_block_time(log)} - {to_block})
        headers = {number: await node.header(number) for number in dated}
        after = await node.header(to_block)
        hashes = {(number, header.hash) for number, header in headers.items()}
        hashes |= {(from_block, first.hash), (to_block, after.hash)}
        hashes |= {(log.block_number, log.block_hash) for log in logs}
        if before == after and len(dict(hashes)) == len(hashes):
            times_s = {number: header.timestamp_s for number, header in headers.items()}
            return LogRange(from_block, first.parent_hash, after, tuple(logs), times_s)
    raise ExecutionAnswerInvalid(node.endpoint, f"blocks {from_block} to {to_block}", "changed while they were read")


async def _timed_read(
    pool: ExecutionPool, contract: ExecutionAddress, from_block: int, to_block: int
) -> tuple[LogRange, float]:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    read = await pool.read(lambda node: read_range(node, contract, from_block, to_block), history=True)
    return read, loop.time() - begun


async def _end(running: deque[tuple[int, int, asyncio.Task[tuple[LogRange, float]]]]) -> None:
    tasks = [task for _, _, task in running]
    running.clear()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
