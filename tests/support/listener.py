"""The listener's parts put together as the service does, for one test."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from ssv_eth1_listener.chain_sync import ChainSync, FollowRules
from ssv_eth1_listener.feed import Feed
from ssv_eth1_listener.instruments import Instruments
from ssv_eth1_listener.store import RegistryStore
from ssv_ethereum.execution.pool import ExecutionPool
from ssv_ethereum.log_ranges import RangeSize
from ssv_ethereum.registry_blocks import Depth, follow_registry
from ssv_protocol.networks import SsvNetwork
from ssv_protocol.registry.apply import apply_block
from ssv_protocol.registry.state import RegistryState
from ssv_runtime.health import Health
from ssv_runtime.logs import make_logger
from ssv_runtime.metrics import Metrics
from tests.support.registered_chain import RegisteredChain

RULES = FollowRules(follow_distance=0, poll_interval_s=0.02, head_max_age_s=None)


class Killed(Exception):
    """Raised by a test where the process is to end."""


class Watched:
    """Instruments whose log and readiness a test can read."""

    def __init__(self) -> None:
        self.output = io.StringIO()
        self.metrics = Metrics("eth1-listener")
        log = make_logger("eth1-listener", file=self.output)
        self.health = Health(log, self.metrics, asyncio.Event())
        self.instruments = Instruments(log, self.metrics, self.health)

    def value(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"ssv_eth1_listener_{name}", labels)


class Listener:
    """A running chain sync on a database."""

    def __init__(
        self, sync: ChainSync, feed: Feed, store: RegistryStore, watched: Watched, task: asyncio.Task[None]
    ) -> None:
        self.sync, self.feed, self.store, self.watched, self.task = sync, feed, store, watched, task

    async def reaches(self, block: int) -> RegistryState:
        """Return the published state once it is at `block` or later."""
        async for view in self.feed.views():
            if view.state.block_number >= block and self.feed.live:
                return view.state
        raise AssertionError


@asynccontextmanager
async def listening(
    urls: str | Sequence[str],
    network: SsvNetwork,
    path: Path,
    *,
    rules: FollowRules = RULES,
    now: Callable[[], float] = lambda: 0.0,
    request_timeout_s: float = 10.0,
) -> AsyncIterator[Listener]:
    """Run until the with block ends, then stop as a kill would between two awaits."""
    store = RegistryStore(path, network.registry_contract, network.registry_from_block)
    watched = Watched()
    try:
        saved = store.load()
        async with ExecutionPool(
            [urls] if isinstance(urls, str) else urls,
            report=watched.instruments.execution_nodes,
            chain_id=saved.chain_id,
            follow_distance=rules.follow_distance,
            request_timeout_s=request_timeout_s,
        ) as pool:
            feed = Feed(saved.own_public_pem)
            if saved.caught_up:
                feed.publish(saved.state, saved.state.block_number, live=False)
            sync = ChainSync(
                pool=pool,
                store=store,
                state=saved.state,
                feed=feed,
                network=network,
                rules=rules,
                instruments=watched.instruments,
                now=now,
            )
            task = asyncio.create_task(sync.run())
            try:
                yield Listener(sync, feed, store, watched, task)
            finally:
                task.cancel()
                with suppress(asyncio.CancelledError, Killed):
                    await task
    finally:
        store.close()


async def until(condition: Callable[[], bool]) -> None:
    """Return once `condition` holds; a test that waits in vain hangs, and its runner ends it."""
    while not condition():  # noqa: ASYNC110 (whatever the condition looks at has no event)
        await asyncio.sleep(0.005)


async def clean_rebuild(chain: RegisteredChain, until: int) -> RegistryState:
    """The registry from the first block on, by another way than the listener's."""
    state = RegistryState()
    async with ExecutionPool([chain.url]) as pool:
        async for batch in follow_registry(
            pool, chain.network.registry_contract, 0, depth=Depth(0), poll_interval_s=0.02, size=RangeSize(7, 7)
        ):
            for update in batch.updates:
                state = apply_block(state, update.block_number, update.block_hash, update.logs, update.time_s).state
            if state.block_number >= until:
                return state
    raise AssertionError
