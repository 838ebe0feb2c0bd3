"""The blocks of the registry contract, one after the other, for `ssv_protocol.registry.apply`.

Invariants: block numbers ascend; no block with logs of the contract is left out; all updates of one run are of one
chain. A reorganisation deeper than the follow distance can't be undone here: it ends the iteration with
`ChainReorganised`, and the registry must be built again from an earlier state.
Not guaranteed: an update for every block; blocks without logs come only as the last one of a batch, so that
progress can be kept; and the time of a block whose logs do not need it, so that a long history costs no request for it.

Source: ssvlabs/ssv eth/executionclient; architecture §5.8.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import groupby

from ssv_ethereum.backoff import Sleep
from ssv_ethereum.execution import BlockHeader, ExecutionClient
from ssv_protocol.errors import SsvError
from ssv_protocol.registry.abi import needs_block_time
from ssv_protocol.registry.log import Log
from ssv_protocol.types.ids import ExecutionAddress

PUBLIC_FOLLOW_DISTANCE = 8
"""Blocks behind the head that the network's nodes read the contract at."""
BATCH_BLOCKS = 200


class ChainReorganised(SsvError):
    """A block that was already handed out is no longer part of the chain."""

    def __init__(self, endpoint: str, block_number: int) -> None:
        super().__init__(
            f"execution node {endpoint}: block {block_number} was replaced after it was applied; "
            "build the registry again, with a larger follow distance"
        )
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


async def follow_registry(
    client: ExecutionClient,
    contract: ExecutionAddress,
    from_block: int,
    *,
    follow_distance: int,
    poll_interval_s: float,
    parent_hash: bytes | None = None,
    batch_blocks: int = BATCH_BLOCKS,
    sleep: Sleep = asyncio.sleep,
) -> AsyncIterator[BlockUpdate]:
    """Yield the contract's blocks from `from_block` on, for ever, `follow_distance` blocks behind the head.

    `parent_hash` is the hash of the block before `from_block` if that was applied in an earlier run.

    Raises:
        ChainReorganised: a block that was handed out, or `parent_hash`'s, is not in the chain any more.
    """
    next_block = from_block
    while True:
        head = await client.head()
        to_block = min(head - follow_distance, next_block + batch_blocks - 1)
        if to_block < next_block:
            await sleep(poll_interval_s)
            continue
        read = await _read_batch(client, contract, next_block, to_block)
        if parent_hash is not None and (await client.header(next_block)).parent_hash != parent_hash:
            raise ChainReorganised(client.endpoint, next_block - 1)
        if read is None:
            continue
        last, logs = read.last, read.logs
        for (number, block_hash), of_block in groupby(logs, key=lambda log: (log.block_number, log.block_hash)):
            if number != last.number:
                yield BlockUpdate(number, block_hash, tuple(of_block), head, read.times_s.get(number))
        of_last = tuple(log for log in logs if log.block_number == last.number)
        yield BlockUpdate(last.number, last.hash, of_last, head, last.timestamp_s)
        next_block, parent_hash = last.number + 1, last.hash


@dataclass(frozen=True, slots=True)
class _Batch:
    """The last block, all logs, and the Unix times of those other blocks whose logs need it."""

    last: BlockHeader
    logs: list[Log]
    times_s: dict[int, int]


async def _read_batch(
    client: ExecutionClient, contract: ExecutionAddress, from_block: int, to_block: int
) -> _Batch | None:
    """Return a batch of one chain, or None when the chain changed while it was read."""
    before = await client.header(to_block)
    logs = await client.logs(contract, from_block, to_block)
    dated = sorted({log.block_number for log in logs if needs_block_time(log)} - {to_block})
    times_s = {number: (await client.header(number)).timestamp_s for number in dated}
    after = await client.header(to_block)
    return _Batch(after, logs, times_s) if after == before else None
