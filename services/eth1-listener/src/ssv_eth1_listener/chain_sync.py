"""From the contract's blocks to the registry: apply, write down, publish.

Each block is one transaction of the store; the state in memory moves only after it. A reorganisation deeper than the
follow distance throws the registry away and reads it again; watchers keep the old view until the new one has caught
up. Nothing here ends the process but a broken database.

Not guaranteed: that the execution node is on the right side of a fork, or honest.

Source: architecture §5.8, §5.9.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass

from ssv_eth1_listener.feed import Feed
from ssv_eth1_listener.instruments import Instruments
from ssv_eth1_listener.store import RegistryStore, StoreError
from ssv_ethereum.backoff import Backoff
from ssv_ethereum.execution import BlockHeader, ExecutionClient
from ssv_ethereum.registry_blocks import BlockUpdate, ChainReorganised, follow_registry
from ssv_protocol.networks import SsvNetwork
from ssv_protocol.registry.apply import AppliedBlock, apply_block
from ssv_protocol.registry.state import BEFORE_GENESIS, RegistryState


@dataclass(frozen=True, slots=True)
class FollowRules:
    """How closely the chain is followed. `head_max_age_s` None takes any head for the chain's, however old."""

    follow_distance: int
    poll_interval_s: float
    head_max_age_s: float | None


class ChainSync:
    """Moves `state`, which is what the store holds, along the chain."""

    def __init__(
        self,
        *,
        client: ExecutionClient,
        store: RegistryStore,
        state: RegistryState,
        feed: Feed,
        network: SsvNetwork,
        rules: FollowRules,
        instruments: Instruments,
        now: Callable[[], float],
    ) -> None:
        self.state = state
        self._client = client
        self._store = store
        self._feed = feed
        self._network = network
        self._rules = rules
        self._instruments = instruments
        self._now = now
        self._live = False

    async def run(self) -> None:
        """Follow the chain for ever. Raises StoreError, sqlite3.Error when the database fails."""
        await self._wait_for_the_right_chain()
        while True:
            try:
                await self._follow()
            except ChainReorganised as error:
                self._instruments.reorganised(error)
                await asyncio.to_thread(self._store.clear)
                self.state, self._live = RegistryState(), False

    async def _wait_for_the_right_chain(self) -> None:
        backoff = Backoff(first_s=1.0, limit_s=30.0)
        while True:
            try:
                await asyncio.to_thread(self._store.pin_chain, await self._client.chain_id())
            except StoreError as error:
                self._instruments.wrong_chain(error)
                await backoff.pause()
                continue
            return

    async def _follow(self) -> None:
        await self._resume()
        fresh = self.state.block_number == BEFORE_GENESIS
        blocks = follow_registry(
            self._client,
            self._network.registry_contract,
            self._network.registry_from_block if fresh else self.state.block_number + 1,
            follow_distance=self._rules.follow_distance,
            poll_interval_s=self._rules.poll_interval_s,
            parent_hash=None if fresh else self.state.block_hash,
        )
        async with aclosing(blocks):  # type: ignore[type-var]
            async for update in blocks:
                await self._take(update)

    async def _resume(self) -> None:
        """Go live at once if no block has come since the last one kept; otherwise the next blocks will.

        Raises:
            ChainReorganised: the last block kept is not of the chain any more.
        """
        number = self.state.block_number
        head = await self._client.head()
        if number == BEFORE_GENESIS or not number <= head <= number + self._rules.follow_distance:
            return
        header = await self._client.header(number)
        if header.hash != self.state.block_hash:
            raise ChainReorganised(self._client.endpoint, number)
        if self._is_recent(header):
            self._live = True
            self._instruments.caught_up(self.state)
            self._feed.publish(self.state, head, live=True)

    async def _take(self, update: BlockUpdate) -> None:
        caught_up = update.blocks_behind <= self._rules.follow_distance and await self._is_fresh(update)
        applied = await asyncio.to_thread(self._apply, update, caught_up)
        self.state = applied.state
        self._instruments.applied(update, applied, caught_up)
        if caught_up:
            self._live = True
            self._feed.publish(self.state, update.head, live=True)

    async def _is_fresh(self, update: BlockUpdate) -> bool:
        """Tell a head that is the chain's from that of a node which is still syncing."""
        return self._live or self._is_recent(await self._client.header(update.block_number))

    def _is_recent(self, header: BlockHeader) -> bool:
        return self._rules.head_max_age_s is None or self._now() - header.timestamp_s <= self._rules.head_max_age_s

    def _apply(self, update: BlockUpdate, caught_up: bool) -> AppliedBlock:
        applied = apply_block(self.state, update.block_number, update.block_hash, update.logs, update.time_s)
        self._store.write(self.state, applied.state, caught_up)
        return applied
