"""The eth1-listener: the contract's registry for all services, and its shares for the signer.

Nothing is left to finish when the service is stopped: every block is whole on disk, every watcher goes on elsewhere.
"""

from __future__ import annotations

import asyncio
import time

from ssv_api.v1.registry_pb2_grpc import add_RegistryServicer_to_server
from ssv_api.v1.signer_pb2_grpc import SignerStub
from ssv_eth1_listener.chain_sync import ChainSync
from ssv_eth1_listener.feed import Feed
from ssv_eth1_listener.instruments import Instruments
from ssv_eth1_listener.settings import Eth1ListenerSettings
from ssv_eth1_listener.share_keeper import ShareKeeper
from ssv_eth1_listener.store import RegistryStore
from ssv_eth1_listener.watch_server import RegistryServer
from ssv_ethereum.execution.pool import ExecutionPool
from ssv_ethereum.ownership import OwnershipChecks
from ssv_runtime import names
from ssv_runtime.network_file import read_network_file
from ssv_runtime.rpc import Permissions, channel, secure_server
from ssv_runtime.service import Service, ServiceSpec

PERMISSIONS = Permissions({"ssv.v1.Registry/Watch": names.CALLERS})


async def run(settings: Eth1ListenerSettings, service: Service) -> None:
    """Serve until the service is asked to stop. Raises SettingsError."""
    network = read_network_file(settings.network_file).ssv
    instruments = Instruments(service.log, service.metrics, service.health)
    store = await asyncio.to_thread(
        RegistryStore, settings.registry_db, network.registry_contract, network.registry_from_block
    )
    service.resources.callback(store.close)
    saved = await asyncio.to_thread(store.load)
    feed = Feed(saved.own_public_pem)
    if saved.caught_up:
        feed.publish(saved.state, saved.state.block_number, live=False)
    rules = settings.follow_rules(network)
    pool = await service.resources.enter_async_context(
        ExecutionPool(
            settings.nodes,
            report=instruments.execution_nodes,
            chain_id=saved.chain_id,
            follow_distance=rules.follow_distance,
        )
    )
    sync = ChainSync(
        pool=pool,
        store=store,
        state=saved.state,
        feed=feed,
        network=network,
        rules=rules,
        instruments=instruments,
        now=time.time,
        ownership=OwnershipChecks(settings.processes),
    )
    keeper = ShareKeeper(
        signer=SignerStub(channel(settings.signer_target, settings, service, names.SIGNER)),
        feed=feed,
        store=store,
        instruments=instruments,
        check_interval_s=settings.share_check_interval_s,
    )
    service.log.info(
        "reading the registry", contract=network.registry_contract, from_block=saved.state.block_number + 1
    )
    service.spawn(sync.run, "chain sync", restart=True)
    service.spawn(keeper.run, "share keeper", restart=True)
    server = RegistryServer(feed)
    add = [lambda grpc_server: add_RegistryServicer_to_server(server, grpc_server)]
    async with secure_server(settings, service, add, PERMISSIONS):
        await service.stopping.wait()


SERVICE = ServiceSpec(names.ETH1_LISTENER, Eth1ListenerSettings, run)
