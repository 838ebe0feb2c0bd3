"""Where a registry is taken from: a listener that runs, a file, or the chain itself.

    held         the eth1-listener of the operator's folder
    chain        read from the execution nodes, from the contract's first block on
    host:port    another eth1-listener
    anything else is a file of `registry_file.py`

Two listeners are compared at the same block: the one behind is waited for.
"""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ssv_ethereum.execution.errors import ExecutionError
from ssv_ethereum.execution.pool import ExecutionPool
from ssv_ethereum.registry_blocks import FIRST_LOGS_WITHIN_BLOCKS, PUBLIC_FOLLOW_DISTANCE, find_missing_history
from ssv_ethereum.registry_rebuild import rebuild_registry
from ssv_protocol.networks import LOCAL, SsvNetwork
from ssv_protocol.registry.state import BEFORE_GENESIS, RegistryState
from ssv_runtime.names import ETH1_LISTENER
from ssv_runtime.network_file import NetworkFileError, read_network_file
from ssv_runtime.registry_client import RegistryView, watch
from ssvctl.embedded.folder import OperatorFolder
from ssvctl.errors import SsvctlError
from ssvctl.files import read_text
from ssvctl.held_shares import registry_now
from ssvctl.registry_file import read_registry
from ssvctl.signer_client import ServicePlace, dialled, find_service

HELD = "held"
CHAIN = "chain"
CATCH_UP_S = 60.0
"""How long a listener that is behind another one is waited for."""
LOOK_EVERY_S = 5.0
"""How often it is looked whether there still is a node to read from."""

OnBlock = Callable[[int, int], None]
"""Told how many blocks were read, and of how many."""


@dataclass(frozen=True, slots=True)
class ChainPlace:
    """The execution nodes, and the network whose contract they have."""

    urls: tuple[str, ...]
    network: SsvNetwork


@dataclass(frozen=True, slots=True)
class Places:
    """What the user named: the operator's folder, and what to use instead of what is in there."""

    folder: Path
    certificates: Path | None = None
    execution_urls: Sequence[str] = ()
    network_file: Path | None = None

    def listener(self, target: str | None) -> ServicePlace:
        """Return a listener by address, or the folder's. Raises SsvctlError."""
        return find_service(ETH1_LISTENER, self.folder, target, self.certificates)

    def chain(self) -> ChainPlace:
        """Return the chain. Raises SsvctlError."""
        settings: dict[str, Any] = {}
        if not self.execution_urls or self.network_file is None:
            settings = _settings_of(self.folder)
        try:
            urls = self.execution_urls or settings[ETH1_LISTENER]["execution_urls"]
            network = read_network_file(self.network_file or settings["network_file"])
        except NetworkFileError as error:
            raise SsvctlError(str(error)) from None
        except (KeyError, TypeError):
            raise SsvctlError(f"the settings of {self.folder} name no execution node; give --execution-url") from None
        return ChainPlace(tuple(urls), network.ssv)


async def held_registry(place: ServicePlace) -> RegistryView:
    """Return the registry as a listener has it now. Raises SsvctlError."""
    async with dialled(place) as channel:
        return await registry_now(channel)


async def chain_registry(place: ChainPlace, to_block: int | None, on_block: OnBlock) -> RegistryState:
    """Return the registry after `to_block`, or after the newest block that a listener would read. Raises SsvctlError.

    A chain that changes meanwhile is a `ChainReorganised`: try again.
    """
    network = place.network
    distance = 0 if network.name == LOCAL else PUBLIC_FOLLOW_DISTANCE
    first, look_blocks = network.registry_from_block, 0 if network.name == LOCAL else FIRST_LOGS_WITHIN_BLOCKS
    async with ExecutionPool(place.urls, follow_distance=distance) as pool:
        await pool.look()
        await pool.mark_pruned(lambda node: find_missing_history(node, network.registry_contract, first, look_blocks))
        _check(pool)
        try:
            head = await pool.read(lambda node: node.header("latest"))
        except ExecutionError as error:
            raise SsvctlError(str(error)) from None
        last = head.number - distance if to_block is None else to_block
        if last > head.number:
            raise SsvctlError(f"the execution nodes are at block {head.number}, before block {last}: try again later")
        if last < first:
            raise SsvctlError(f"block {last} is before the contract's first, {first}")
        reading = rebuild_registry(pool, network, last, lambda block: on_block(block - first + 1, last - first + 1))
        return await _while_nodes_last(pool, reading)


async def _while_nodes_last(pool: ExecutionPool, reading: Coroutine[Any, Any, RegistryState]) -> RegistryState:
    """Return what `reading` comes to; it tries for ever, so it ends when no node can be read any more."""
    task = asyncio.create_task(reading)
    try:
        while not task.done():
            await asyncio.wait([task], timeout=LOOK_EVERY_S)
            if not task.done():
                await pool.look()
                _check(pool)
        return await task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _check(pool: ExecutionPool) -> None:
    problem = pool.problem() or pool.history_problem()
    if problem is not None:
        raise SsvctlError(problem)


async def both(first: str, second: str, places: Places, on_block: OnBlock) -> tuple[RegistryState, RegistryState]:
    """Return two registries by name, at the same block where that can be had. Raises SsvctlError."""
    if first == second:
        raise SsvctlError(f"{first} is compared with itself; name another one")
    if CHAIN in (first, second):
        other = await _one(second if first == CHAIN else first, places)
        chain = await chain_registry(places.chain(), other.block_number, on_block)
        return (chain, other) if first == CHAIN else (other, chain)
    if _is_file(first) or _is_file(second):
        return await _one(first, places), await _one(second, places)
    return await _at_the_same_block(places.listener(_target(first)), places.listener(_target(second)))


async def _one(name: str, places: Places) -> RegistryState:
    view = read_registry(Path(name)) if _is_file(name) else await held_registry(places.listener(_target(name)))
    if view.state.block_number == BEFORE_GENESIS:
        raise SsvctlError(f"the registry of {name} has read no block yet; see `ssvctl status`")
    return view.state


async def _at_the_same_block(first: ServicePlace, second: ServicePlace) -> tuple[RegistryState, RegistryState]:
    """Return what two listeners have at the same block; what they have last when that does not come about."""
    async with AsyncExitStack() as stack:
        views = [
            await stack.enter_async_context(aclosing(_views(place)))  # type: ignore[type-var]
            for place in (first, second)
        ]
        held = [(await anext(each)).state for each in views]
        try:
            async with asyncio.timeout(CATCH_UP_S):
                while held[0].block_number != held[1].block_number:
                    behind = 0 if held[0].block_number < held[1].block_number else 1
                    held[behind] = (await anext(views[behind])).state
        except TimeoutError:
            pass
        return held[0], held[1]


async def _views(place: ServicePlace) -> AsyncIterator[RegistryView]:
    """Yield what a listener has, and each change. Raises SsvctlError when it cannot be reached at first."""
    async with dialled(place) as channel:
        yield await registry_now(channel)
        async for view in watch(channel, lambda _: None):
            yield view


def _is_file(name: str) -> bool:
    return name not in (HELD, CHAIN) and not name.rpartition(":")[2].isdecimal()


def _target(name: str) -> str | None:
    return None if name == HELD else name


def _settings_of(folder: Path) -> dict[str, Any]:
    place = OperatorFolder.at(folder)
    if not place.service_settings.exists():
        raise SsvctlError(f"nobody ran {folder} yet; give --execution-url and --network-file")
    try:
        return tomllib.loads(read_text(place.service_settings, "settings"))
    except tomllib.TOMLDecodeError:
        raise SsvctlError(f"{place.service_settings} is damaged; start the operator again") from None
