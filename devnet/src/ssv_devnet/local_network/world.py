"""Everything around the operators: EVM with the registry contract, beacon node, builder, background validators,
network file.

Invariant: however the block is left, no process of it is left. The background validators vote for all genesis
validators until `release` hands some over to the operators.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from ssv_devnet.background_validators.process import BackgroundValidators, running_background_validators
from ssv_devnet.beacon_node import BeaconNodeSettings
from ssv_devnet.builder.process import RunningBuilder, running_builder
from ssv_devnet.demo.provision import Provisioned, provision
from ssv_devnet.demo.settings import OPERATORS, SLOTS_PER_EPOCH
from ssv_devnet.evm import AnvilSettings, connect, running_anvil
from ssv_devnet.local_network.endpoints import (
    BeaconEndpoints,
    ExecutionEndpoints,
    beacon_endpoints,
    execution_endpoints,
)
from ssv_devnet.registry_contract import RegistryContract, deploy, load_artifact
from ssv_devnet.ssv_validators import SSV_VALIDATORS
from ssv_ethereum.beacon.node import BeaconNode
from ssv_protocol.forks import Network
from ssv_protocol.networks import local_network
from ssv_protocol.types.ids import Epoch, ExecutionAddress, ValidatorIndex
from ssv_runtime.network_file import write_network_file
from ssvctl.supervisor.ports import LOOPBACK, free_ports

START_MARGIN_S, ANOTHER_NODE_S = 14, 8
"""From the start of the beacon node to genesis, and for another node: the background validators must be up by then."""


@dataclass(frozen=True, slots=True)
class WorldSettings:
    """How big and how fast. `folder` takes logs, keys and the network file; it is fresh.

    From `boole_epoch` on Boole's rules hold, None leaves it at Alan's. The builder bids in the last of every
    `builder_bids_every` slots, so that some blocks are blinded and some are full. With `endpoints` of 2 the operators
    have two beacon nodes and two EVM endpoints each.
    """

    folder: Path
    slot_s: int = 6
    operators: int = OPERATORS
    validators: tuple[ValidatorIndex, ...] = SSV_VALIDATORS
    boole_epoch: Epoch | None = None
    builder_bids_every: int = 2
    endpoints: int = 1


@dataclass(frozen=True, slots=True)
class World:
    """A running world."""

    settings: WorldSettings
    network: Network
    network_file: Path
    beacon: BeaconEndpoints
    execution: ExecutionEndpoints
    provisioned: Provisioned
    registry: RegistryContract
    builder: RunningBuilder
    background: BackgroundValidators

    @property
    def beacon_url(self) -> str:
        """Where whoever is no operator reaches the beacon chain."""
        return self.beacon.any_url

    @property
    def execution_url(self) -> str:
        """Where one endpoint of the EVM is."""
        return self.execution.urls[0]


@asynccontextmanager
async def running_world(settings: WorldSettings, done: Callable[[str], None]) -> AsyncGenerator[World, None]:
    """Start a world and tell `done` each step; raises SsvError when something can't start."""
    folder = settings.folder
    async with AsyncExitStack() as stack:
        anvil = await stack.enter_async_context(running_anvil(AnvilSettings(SLOTS_PER_EPOCH)))
        web3 = await stack.enter_async_context(connect(anvil.http_url))
        registry = await deploy(web3, load_artifact())
        done(f"EVM runs at {anvil.http_url}, registry contract {registry.address}")
        provisioned = await provision(registry, settings.validators, settings.operators, folder)
        done(
            f"{settings.operators} operators registered, {len(provisioned.validators)} validators split and registered"
        )

        genesis_time_s = int(time.time()) + START_MARGIN_S + ANOTHER_NODE_S * (settings.endpoints - 1)
        builder_port = free_ports(1)[0]
        beacon_settings = BeaconNodeSettings(
            genesis_time_s,
            settings.slot_s,
            slots_per_epoch=SLOTS_PER_EPOCH,
            builder_url=f"http://{LOOPBACK}:{builder_port}",
        )
        beacon = await stack.enter_async_context(beacon_endpoints(beacon_settings, folder, settings.endpoints))
        execution = await stack.enter_async_context(execution_endpoints(anvil.http_url, settings.endpoints))
        async with BeaconNode(beacon.any_url) as node:
            version, chain = await node.status.version(), await node.chain.describe()
        nodes = "beacon node runs" if settings.endpoints == 1 else f"{settings.endpoints} beacon nodes run"
        done(f"{nodes} at {', '.join(beacon.urls)}: {version}, slots of {chain.slot_duration_s:g} s")
        background = await stack.enter_async_context(
            running_background_validators(beacon.any_url, beacon_settings.validators, folder / "validators.log")
        )
        builder = await stack.enter_async_context(
            running_builder(beacon.any_url, builder_port, folder / "builder.log", bid_every=settings.builder_bids_every)
        )
        done(f"block builder runs at {builder.url}")
        contract = ExecutionAddress(bytes.fromhex(registry.address[2:]))
        network = Network(local_network(contract, chain.slot_duration_s, settings.boole_epoch), chain)
        network_file = folder / "network.json"
        write_network_file(network_file, network)
        yield World(
            settings,
            network,
            network_file,
            beacon,
            execution,
            provisioned,
            registry,
            builder,
            background,
        )
