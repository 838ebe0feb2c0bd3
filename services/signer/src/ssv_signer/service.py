"""The signer as a service: open the keys and the record, then serve.

Order of the start: no core dumps from here on, operator key, database (pins, shares), only then the port; a PostgreSQL
that can't be reached is waited for, not ready. Order of the end: no new calls, running requests are answered, the last
batch is committed, the database is closed. A kill at any moment is as good as that for safety, because nothing that was
signed is without its record.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress

import grpc

from ssv_api.v1.signer_pb2_grpc import add_SignerServicer_to_server
from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.forks import Network
from ssv_protocol.types.ids import CommitteeId, Instant, Slot
from ssv_runtime.names import SIGNER
from ssv_runtime.network_file import read_network_file
from ssv_runtime.rpc import secure_server
from ssv_runtime.service import Service, ServiceSpec
from ssv_signer import operator_key as operator_keys
from ssv_signer.audit import Audit
from ssv_signer.batch import GroupCommit
from ssv_signer.errors import StartRefused
from ssv_signer.hardening import forbid_dumps
from ssv_signer.meters import Meters
from ssv_signer.remote.keys import KeyFolder
from ssv_signer.remote.listening import listening
from ssv_signer.remote.server import key_folder, remote_api
from ssv_signer.servicer import PERMISSIONS, SignerServer
from ssv_signer.settings import SignerSettings
from ssv_signer.share_keys import ShareKeys, ShareStore
from ssv_signer.signatures import SigningPool
from ssv_signer.store.database import Store, StoreError
from ssv_signer.store.postgres import PostgresStore
from ssv_signer.store.sqlite import SqliteStore
from ssv_signer.vault import Clock, Vault

_FIRST_PAUSE_S, _LAST_PAUSE_S = 0.1, 2.0
_OBJECTS_BETWEEN_COLLECTIONS = 50_000
"""Some eight batches of the largest size."""
_SHOWN_COMMITTEES, _SHORT_DIGITS = 5, 8


class _Stopped(Exception):
    """The service was told to stop before its database could be reached."""


async def run(settings: SignerSettings, service: Service) -> None:
    """Serve until `service.stopping`; raises SettingsError before anything is served."""
    if not forbid_dumps():
        service.log.warning("debuggers of this user can read the keys: only Linux closes a process to them")
    with suppress(_Stopped):
        async with serving(settings, service, lambda: Instant(time.time())):
            collect_rarely()
            await service.stopping.wait()


def collect_rarely() -> None:
    """Spare the requests most of the collector's work, once everything is opened.

    What is there now stays until the end, so no collection looks at it again. Requests leave no cycles behind, and a
    batch of them lives until it is answered: looking at its objects meanwhile finds nothing.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)


@asynccontextmanager
async def serving(settings: SignerSettings, service: Service, now: Clock) -> AsyncIterator[int]:
    """Serve inside the block; gives the gRPC port. `now` is the signer's clock."""
    network = read_network_file(settings.network_file)
    async with (
        _share_store(settings, service, network.chain) as store,
        _serving(settings, service, now, network, store) as port,
    ):
        yield port


@asynccontextmanager
async def _serving(
    settings: SignerSettings, service: Service, now: Clock, network: Network, store: ShareStore | None
) -> AsyncIterator[int]:
    remote = listening(settings)
    plain_keys = KeyFolder(key_folder(settings), service.log)
    operator_key = await asyncio.to_thread(
        operator_keys.read, settings.operator_key_file, settings.operator_key_password_file
    )
    meters = Meters(service.metrics)
    vault = await _open(settings, service, network, operator_key, now, None if store is None else store.keys)
    pool = SigningPool(operator_key, settings.signing_threads, store)
    try:
        held = await vault.shares()
        meters.shares.set(len(held))
        service.log.info("the record is open", shares=len(held), store=settings.store)
        commits = GroupCommit(vault.record, settings.max_batch, meters, service.log)
        committing = service.spawn(commits.run, "group commit", restart=True)
        service.spawn(lambda: _keep(vault, service, meters, store), "pruning", restart=True)
        server = SignerServer(
            vault=vault,
            commits=commits,
            pool=pool,
            operator_key=operator_key,
            audit_log=Audit(service.log, meters),
            meters=meters,
            plain_keys=plain_keys.loaded,
            show_quiet=lambda quiet: _show_quiet(quiet, service, meters, network.chain),
            max_stream_requests=settings.max_stream_requests,
            share_store=store,
        )

        def add(to: grpc.aio.Server) -> None:
            add_SignerServicer_to_server(server, to)

        try:
            async with (
                remote_api(remote, settings, service, vault, pool, plain_keys),
                secure_server(settings, service, [add], PERMISSIONS) as port,
            ):
                yield port
        finally:
            commits.stop()
            await committing
    finally:
        pool.close()
        await vault.close()


def connector(settings: SignerSettings) -> Callable[[], Store]:
    """Return what opens the database of the settings; raises StartRefused."""
    if settings.store == "sqlite":
        return lambda: SqliteStore.open(settings.data_dir)
    dsn_file = settings.postgres_dsn_file
    if dsn_file is None:
        raise StartRefused("postgres_dsn_file: must be set with store = postgres; it holds the connection string")
    return lambda: PostgresStore.open(dsn_file, replicated=settings.postgres_replicated)


def _share_store(
    settings: SignerSettings, service: Service, chain: BeaconChain
) -> AbstractAsyncContextManager[ShareStore | None]:
    if settings.share_store == "local":
        return nullcontext()
    # imported here alone: it is the only part of a signer that dials
    from ssv_signer.share_store.opening import external_store  # noqa: PLC0415

    return external_store(settings, service, chain)


async def _open(
    settings: SignerSettings,
    service: Service,
    network: Network,
    operator_key: OperatorPrivateKey,
    now: Clock,
    external_keys: ShareKeys | None,
) -> Vault:
    health, pause_s = service.health.dependency("database"), _FIRST_PAUSE_S
    while True:
        try:
            return await Vault.open(
                connector(settings),
                network=network,
                operator_key=operator_key,
                now=now,
                log=service.log,
                health=health,
                trust_disk=settings.cold_start == "trust-disk",
                keep_history=settings.keep_history,
                external_keys=external_keys,
            )
        except StoreError as error:
            health.down(str(error), PostgresStore.remedy)
        with suppress(TimeoutError):
            await asyncio.wait_for(service.stopping.wait(), pause_s)
            raise _Stopped
        pause_s = min(2 * pause_s, _LAST_PAUSE_S)


async def _keep(vault: Vault, service: Service, meters: Meters, store: ShareStore | None) -> None:
    # once a slot; and soon again while the database fails, to find out that it works again
    pause_s, slot_s = _FIRST_PAUSE_S, vault.network.chain.slot_duration_s
    while True:
        try:
            tidied = await vault.tidy()
        except StoreError:  # the dependency shows it
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LAST_PAUSE_S, slot_s)
            continue
        meters.shares.set(len(tidied.shares))
        _show_quiet(tidied.quiet, service, meters, vault.network.chain)
        if tidied.weakness is None:
            service.health.forget("replication")
        else:
            service.health.dependency("replication").down(tidied.weakness, "see the PostgreSQL page of the signer")
        if store is not None:
            await store.look(tidied.shares)
        pause_s = _FIRST_PAUSE_S
        with suppress(TimeoutError):
            await asyncio.wait_for(vault.lost.wait(), slot_s)


def _show_quiet(quiet: Mapping[CommitteeId, Slot], service: Service, meters: Meters, chain: BeaconChain) -> None:
    meters.quiet.set(len(quiet))
    if not quiet:
        service.health.forget("record")
        return
    epochs = sorted({chain.epoch_of(slot) for slot in quiet.values()})
    named = ", ".join(committee.hex()[:_SHORT_DIGITS] for committee in sorted(quiet)[:_SHOWN_COMMITTEES])
    more = f" and {len(quiet) - _SHOWN_COMMITTEES} more" if len(quiet) > _SHOWN_COMMITTEES else ""
    until = " or ".join(map(str, epochs))
    service.health.dependency("record").down(
        f"committees {named}{more} sign again from epoch {until} on: what was signed before may be forgotten",
        "wait; the log says why. With a database that is on one local disk and never restored, cold_start = trust-disk",
    )


SERVICE = ServiceSpec(SIGNER, SignerSettings, run)
