"""Where the operators of a local network reach the two chains: one node of each, or several that may fail.

One beacon node is reached directly. Several stand behind proxies with a relay between them, and whoever is no operator
(background validators, builder, observer) is led to one that works. Several EVM endpoints are proxies on one EVM.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from ssv_devnet.beacon_node import BeaconNodeSettings, running_beacon_node
from ssv_devnet.beacon_pair import BeaconPair, running_beacon_pair
from ssv_devnet.proxy import Proxy, Server, running_proxy


@dataclass(frozen=True, slots=True)
class BeaconEndpoints:
    """`urls` are for operators, `any_url` is for everybody else, `logs` are what all nodes wrote; `pair` if several."""

    urls: tuple[str, ...]
    any_url: str
    logs: list[Path]
    pair: BeaconPair | None = None


@dataclass(frozen=True, slots=True)
class ExecutionEndpoints:
    """`urls` are for operators; `proxies` are empty where it is one EVM, reached directly."""

    urls: tuple[str, ...]
    proxies: tuple[Proxy, ...] = ()


@asynccontextmanager
async def beacon_endpoints(
    settings: BeaconNodeSettings, folder: Path, count: int
) -> AsyncGenerator[BeaconEndpoints, None]:
    """Run `count` beacon nodes inside the block. Raises BeaconNodeError."""
    if count == 1:
        async with running_beacon_node(settings, folder / "beacon.log") as node:
            yield BeaconEndpoints((node.url,), node.url, [node.child.log_path])
        return
    async with running_beacon_pair(settings, folder, count) as pair:
        yield BeaconEndpoints(tuple(proxy.url for proxy in pair.proxies), pair.any_node.url, pair.logs, pair)


@asynccontextmanager
async def execution_endpoints(evm_url: str, count: int) -> AsyncGenerator[ExecutionEndpoints, None]:
    """Have `count` endpoints of one EVM inside the block."""
    if count == 1:
        yield ExecutionEndpoints((evm_url,))
        return
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(Server(evm_url))
        proxies = [await stack.enter_async_context(running_proxy(server)) for _ in range(count)]
        yield ExecutionEndpoints(tuple(proxy.url for proxy in proxies), tuple(proxies))
