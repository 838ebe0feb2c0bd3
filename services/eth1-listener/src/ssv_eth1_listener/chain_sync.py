"""From the contract's blocks to the registry: apply, write down, publish.

Each block is one transaction of the store, far behind the head some blocks are; the state in memory moves only after
it. Blocks that a reorganisation
replaced are taken back to the last one that is still of the chain; where that is further back than the store can go,
the registry is thrown away and read again, and watchers keep the old view until the new one has caught up. The view is
live while the registry is up with the chain, and no longer. Nothing here ends the process but a broken database.

Not guaranteed: that the execution nodes are on the right side of a fork, or honest.

Source: architecture §5.8, §5.9.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from ssv_eth1_listener.feed import Feed
from ssv_eth1_listener.instruments import Instruments
from ssv_eth1_listener.progress import Progress
from ssv_eth1_listener.store import UNDO_BLOCKS, BlockRef, RegistryStore
from ssv_ethereum.backoff import Backoff
from ssv_ethereum.execution.errors import ExecutionError
from ssv_ethereum.execution.node import BlockHeader
from ssv_ethereum.execution.pool import ExecutionPool
from ssv_ethereum.log_ranges import RangeSize
from ssv_ethereum.ownership import OwnershipChecks
from ssv_ethereum.registry_blocks import (
    Batch,
    BlockUpdate,
    ChainReorganised,
    Depth,
    find_missing_history,
    follow_registry,
)
from ssv_protocol.networks import SsvNetwork
from ssv_protocol.registry.apply import AppliedBlock, apply_block, together
from ssv_protocol.registry.ownership import CheckedClaims
from ssv_protocol.registry.state import BEFORE_GENESIS, RegistryState

LONGEST_LOOK_INTERVAL_S = 5.0
BLOCKS_AT_ONCE = 256
"""Blocks of a transaction where none of them will have to be taken back."""


@dataclass(frozen=True, slots=True)
class FollowRules:
    """How closely the chain is followed. `head_max_age_s` None takes any head for the chain's, however old.

    With more than `lag_limit_blocks` blocks to read the registry is not the chain's any more. The contract has logs
    within `first_logs_within_blocks` of the registry's first block; 0 where that is not known.
    """

    follow_distance: int
    poll_interval_s: float
    head_max_age_s: float | None
    finalized_only: bool = False
    lag_limit_blocks: int = 16
    first_logs_within_blocks: int = 0


class ChainSync:
    """Moves `state`, which is what the store holds, along the chain."""

    def __init__(
        self,
        *,
        pool: ExecutionPool,
        store: RegistryStore,
        state: RegistryState,
        feed: Feed,
        network: SsvNetwork,
        rules: FollowRules,
        instruments: Instruments,
        now: Callable[[], float],
        ownership: OwnershipChecks | None = None,
    ) -> None:
        self.state = state
        self._pool = pool
        self._store = store
        self._feed = feed
        self._network = network
        self._rules = rules
        self._instruments = instruments
        self._now = now
        self._ownership = ownership or OwnershipChecks()
        self._live = False
        self._head: BlockHeader | None = None
        self._size = RangeSize()
        self._remember()

    async def run(self) -> None:
        """Follow the chain for ever. Raises StoreError, sqlite3.Error when the database fails."""
        watching = asyncio.create_task(self._watch())
        try:
            await self._wait_for_a_node()
            while True:
                try:
                    await self._follow()
                except ChainReorganised:
                    await self._go_back()
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            await self._ownership.rest()

    # nodes
    async def _watch(self) -> None:
        """Look at the nodes, and at how far the registry is behind them, for ever."""
        while True:
            await self._pool.look()
            self._judge()
            await asyncio.sleep(min(LONGEST_LOOK_INTERVAL_S, 5 * self._rules.poll_interval_s))

    def _judge(self) -> None:
        """Say how far the registry is behind; one that is too far is not the chain's any more."""
        self._head = self._pool.newest_head or self._head
        if self._head is None:
            return
        lag = max(0, self._head.number - self.state.block_number)
        self._instruments.lag(lag)
        if not self._live:
            return
        problem = ""
        if not self._is_recent(self._head.timestamp_s):
            problem = f"the newest block known is of {self._now() - self._head.timestamp_s:.0f} s ago"
        elif lag > self._rules.follow_distance + self._rules.lag_limit_blocks:
            problem = f"{lag} blocks behind the chain"
        if problem:
            self._live = False
            self._feed.fall_back()
            self._instruments.lags(problem)

    async def _wait_for_a_node(self) -> None:
        backoff = Backoff(limit_s=30.0)
        while self._pool.chain_id is None or self._pool.problem() is not None:
            await backoff.pause()
        await asyncio.to_thread(self._store.pin_chain, self._pool.chain_id)

    async def _wait_for_history(self) -> None:
        """Return once a node keeps the contract's logs from the first one on, as far as that shows."""
        contract, from_block = self._network.registry_contract, self._network.registry_from_block
        look_blocks = self._rules.first_logs_within_blocks
        backoff = Backoff(first_s=1.0, limit_s=60.0)
        while True:
            await self._pool.mark_pruned(lambda node: find_missing_history(node, contract, from_block, look_blocks))
            problem = self._pool.history_problem()
            if problem is None:
                return
            self._instruments.history_missing(problem)
            await backoff.pause()

    # blocks
    async def _follow(self) -> None:
        fresh = self.state.block_number == BEFORE_GENESIS
        if fresh:
            await self._wait_for_history()
        else:
            await self._resume()
        from_block = self._network.registry_from_block if fresh else self.state.block_number + 1
        progress = Progress(from_block, asyncio.get_running_loop().time())
        blocks = follow_registry(
            self._pool,
            self._network.registry_contract,
            from_block,
            depth=Depth(self._rules.follow_distance, self._rules.finalized_only),
            poll_interval_s=self._rules.poll_interval_s,
            parent_hash=None if fresh else self.state.block_hash,
            size=self._size,
        )
        async with aclosing(blocks):  # type: ignore[type-var]
            async for batch in blocks:
                await self._take(batch)
                told = progress.at(self.state.block_number, batch.target, asyncio.get_running_loop().time())
                if told is not None and not self._live:
                    self._instruments.reading(told)

    async def _resume(self) -> None:
        """Go live at once if no block has come since the last one kept; otherwise the next blocks will.

        Raises:
            ChainReorganised: the last block kept is not of the chain any more.
        """
        number, head = self.state.block_number, self._pool.newest_head
        if self._live or head is None or not number <= head.number <= number + self._rules.follow_distance:
            return
        try:
            block_hash = await self._pool.hash_at(number, self.state.block_hash)
        except ExecutionError:
            return
        if block_hash != self.state.block_hash:
            raise ChainReorganised(number)
        if self._is_recent(head.timestamp_s):
            self._live = True
            self._instruments.caught_up(self.state)
            self._feed.publish(self.state, head.number, live=True)

    async def _take(self, batch: Batch) -> None:
        caught_up = batch.is_last and (self._live or self._is_recent(batch.last_time_s))
        checked = await self._ownership.ahead(self.state, batch.updates)
        done: list[tuple[BlockUpdate, AppliedBlock]] = []
        try:
            await asyncio.to_thread(self._apply, batch.updates, checked, caught_up, done)
        finally:
            self._instruments.applied(done, self._live or caught_up)
        if caught_up:
            self._live = True
            await self._ownership.rest()
            self._instruments.caught_up(self.state)
            self._feed.publish(self.state, batch.updates[-1].head, live=True)

    def _apply(
        self,
        updates: Sequence[BlockUpdate],
        checked: CheckedClaims,
        caught_up: bool,
        done: list[tuple[BlockUpdate, AppliedBlock]],
    ) -> None:
        far = [update for update in updates if update.blocks_behind > UNDO_BLOCKS]
        groups = [far[at : at + BLOCKS_AT_ONCE] for at in range(0, len(far), BLOCKS_AT_ONCE)]
        for group in (*groups, *([update] for update in updates[len(far) :])):
            before = state = self.state
            applied: list[AppliedBlock] = []
            for each in group:
                block = apply_block(state, each.block_number, each.block_hash, each.logs, each.time_s, checked.verify)
                state = block.state
                applied.append(block)
            is_last = group[-1] is updates[-1]
            keep_undo = group[-1].blocks_behind <= UNDO_BLOCKS
            self._store.write(before, together(applied), caught_up and is_last, keep_undo=keep_undo)
            self.state = state
            self._remember()
            done.extend(zip(group, applied, strict=True))

    # reorganisations
    async def _go_back(self) -> None:
        """Take back what is not of the chain any more, by the word of most nodes."""
        await self._pool.look()
        backoff = Backoff()
        while True:
            try:
                ancestor = await self._ancestor()
            except ExecutionError:
                await backoff.pause()
                continue
            break
        from_block = self.state.block_number
        if ancestor is None:
            self._instruments.rebuilds(from_block)
            await asyncio.to_thread(self._store.clear)
            self.state, self._live = RegistryState(), False
            self._feed.fall_back()
        elif ancestor.number < from_block:
            self.state = await asyncio.to_thread(self._store.roll_back, self.state, ancestor)
            self._instruments.rolled_back(from_block, ancestor.number)
        else:  # one node says so, most others don't
            await asyncio.sleep(self._rules.poll_interval_s)
        self._remember()

    async def _ancestor(self) -> BlockRef | None:
        """Return the newest block on record that is of the chain. Raises ExecutionError."""
        present = BlockRef(self.state.block_number, self.state.block_hash)
        for block in (present, *await asyncio.to_thread(self._store.earlier)):
            if block.number == BEFORE_GENESIS or await self._pool.hash_at(block.number, block.hash) == block.hash:
                return block
        return None

    def _remember(self) -> None:
        fresh = self.state.block_number == BEFORE_GENESIS
        self._pool.followed = None if fresh else (self.state.block_number, self.state.block_hash)

    def _is_recent(self, time_s: int) -> bool:
        return self._rules.head_max_age_s is None or self._now() - time_s <= self._rules.head_max_age_s
