"""Several beacon nodes of one chain, each behind a proxy, with a relay as their network.

Invariant: as for one node, however the block is left no process is left.

A node that was killed begins again from genesis on the same port, and gets the chain from the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from ssv_devnet.beacon_node import BeaconNodeSettings, RunningBeaconNode, start_beacon_node
from ssv_devnet.proxy import Proxy, running_proxy
from ssv_devnet.relay import AnyEntrance, Entrance, Relay, running_relay
from ssvctl.supervisor.ports import free_ports

_POLL_S = 0.05


@dataclass(slots=True)
class BeaconPair:
    """Running nodes. `proxies` are for users that know all nodes, `any_node` is for those that know one."""

    settings: tuple[BeaconNodeSettings, ...]
    folder: Path
    nodes: list[RunningBeaconNode]
    relay: Relay
    proxies: tuple[Proxy, ...]
    any_node: Proxy
    logs: list[Path] = field(default_factory=list)

    async def kill(self, place: int) -> None:
        """End a node's process with -9."""
        process = self.nodes[place].child.process
        if process.returncode is None:
            process.kill()
        await process.wait()

    async def revive(self, place: int) -> None:
        """Start the node again and wait until it has the chain of its peers. Raises BeaconNodeError."""
        log_path = self.folder / f"beacon-{place + 1}-again-{len(self.logs)}.log"
        self.nodes[place] = await start_beacon_node(self.settings[place], log_path)
        self.logs.append(log_path)
        while not self.relay.peers[place].in_step:  # noqa: ASYNC110 (what another process does)
            await asyncio.sleep(_POLL_S)


@asynccontextmanager
async def running_beacon_pair(
    settings: BeaconNodeSettings, folder: Path, count: int = 2
) -> AsyncGenerator[BeaconPair, None]:
    """Run `count` nodes inside the block. Raises BeaconNodeError."""
    each = tuple(replace(settings, port=port) for port in free_ports(count))
    logs = [folder / f"beacon-{place + 1}.log" for place in range(count)]
    starting = [asyncio.create_task(start_beacon_node(one, log)) for one, log in zip(each, logs, strict=True)]
    nodes: list[RunningBeaconNode] = []
    try:
        nodes += await asyncio.gather(*starting)
        async with AsyncExitStack() as stack:
            relay = await stack.enter_async_context(running_relay([node.url for node in nodes]))
            proxies = [await stack.enter_async_context(running_proxy(Entrance(relay, peer))) for peer in relay.peers]
            any_node = await stack.enter_async_context(running_proxy(AnyEntrance(relay)))
            yield BeaconPair(each, folder, nodes, relay, tuple(proxies), any_node, logs)
    finally:
        for task in starting:
            task.cancel()
        begun = await asyncio.gather(*starting, return_exceptions=True)
        started = [node for node in begun if isinstance(node, RunningBeaconNode)]
        await asyncio.gather(*(node.stop() for node in {*started, *nodes}))
