"""The signer as a service: open the keys and the record, then serve.

Order of the start: operator key, database (pins, shares), only then the port. Order of the end: no new calls, running
requests are answered, the last batch is committed, the database is closed. A kill at any moment is as good as that
for safety, because nothing that was signed is without its record.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import grpc

from ssv_api.v1.signer_pb2_grpc import add_SignerServicer_to_server
from ssv_protocol.types.ids import Instant
from ssv_runtime.names import SIGNER
from ssv_runtime.network_file import read_network_file
from ssv_runtime.rpc import secure_server
from ssv_runtime.service import Service, ServiceSpec
from ssv_signer import operator_key as operator_keys
from ssv_signer.audit import Audit
from ssv_signer.batch import GroupCommit
from ssv_signer.meters import Meters
from ssv_signer.servicer import PERMISSIONS, SignerServer
from ssv_signer.settings import SignerSettings
from ssv_signer.signatures import SigningPool
from ssv_signer.vault import Clock, Vault


async def run(settings: SignerSettings, service: Service) -> None:
    """Serve until `service.stopping`; raises SettingsError before anything is served."""
    async with serving(settings, service, lambda: Instant(time.time())):
        await service.stopping.wait()


@asynccontextmanager
async def serving(settings: SignerSettings, service: Service, now: Clock) -> AsyncIterator[int]:
    """Serve inside the block; gives the gRPC port. `now` is the signer's clock."""
    network = read_network_file(settings.network_file)
    operator_key = await asyncio.to_thread(
        operator_keys.read, settings.operator_key_file, settings.operator_key_password_file
    )
    meters = Meters(service.metrics)
    vault = await Vault.open(
        settings.data_dir,
        network=network,
        operator_key=operator_key,
        now=now,
        log=service.log,
        health=service.health.dependency("database"),
    )
    pool = SigningPool(operator_key, settings.signing_threads)
    try:
        held = await vault.shares()
        meters.shares.set(len(held))
        service.log.info("the record is open", shares=len(held), data_dir=str(settings.data_dir))
        commits = GroupCommit(vault.record, settings.max_batch, meters, service.log)
        committing = service.spawn(commits.run, "group commit", restart=True)
        service.spawn(lambda: _keep(vault, network.chain.slot_duration_s), "pruning", restart=True)
        server = SignerServer(
            vault=vault,
            commits=commits,
            pool=pool,
            operator_key=operator_key,
            audit_log=Audit(service.log, meters),
            meters=meters,
            max_stream_requests=settings.max_stream_requests,
        )

        def add(to: grpc.aio.Server) -> None:
            add_SignerServicer_to_server(server, to)

        try:
            async with secure_server(settings, service, [add], PERMISSIONS) as port:
                yield port
        finally:
            commits.stop()
            await committing
    finally:
        pool.close()
        await vault.close()


async def _keep(vault: Vault, slot_s: float) -> None:
    # once a slot; it also finds out that a database which failed works again
    while True:
        with suppress(sqlite3.Error):  # the dependency shows it
            await vault.prune()
        await asyncio.sleep(slot_s)


SERVICE = ServiceSpec(SIGNER, SignerSettings, run)
