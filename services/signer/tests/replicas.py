"""Two signers on one PostgreSQL, each of which can be stopped right before its COMMIT, all read and written.

No gRPC is between: a replica is a vault, its requests are parsed as the server parses them.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import psycopg
from services.signer.tests.databases import PostgresDatabase
from services.signer.tests.harness import PATIENCE_S, Signer
from tests.support.signer_leases import Draft

from ssv_protocol.signing.verdict import Denied
from ssv_runtime import lease_wire
from ssv_runtime.logs import make_logger
from ssv_runtime.service import Service
from ssv_signer import drafts
from ssv_signer.store.postgres import PostgresStore
from ssv_signer.vault import Vault
from ssv_signer.work import Asked, Judgement

T = TypeVar("T")
_WAITING = "SELECT locktype FROM pg_locks WHERE NOT granted"


class StoppableStore(PostgresStore):
    """Its next COMMIT waits, once `stop` was called: it says `stopped`, and goes on after `go`."""

    def stop(self) -> None:
        self.stopped, self.go = threading.Event(), threading.Event()

    def commit(self, raw: psycopg.Connection) -> str | None:
        stopped: threading.Event | None = self.__dict__.pop("stopped", None)
        if stopped is not None:
            stopped.set()
            assert self.go.wait(PATIENCE_S)
        return super().commit(raw)


@dataclass
class Replica:
    """One of the signers."""

    signer: Signer
    vault: Vault
    store: StoppableStore

    def asked(self, draft: Draft) -> Asked:
        """What the server makes of a draft with the lease that the worker has."""
        made = self.signer.leases.request(0, draft)
        parsed = drafts.parse(made)
        assert not isinstance(parsed, Denied), parsed
        return Asked(parsed, lease_wire.decode(made.lease))

    async def judge(self, draft: Draft) -> Judgement:
        (judgement,) = await self.vault.record([self.asked(draft)])
        return judgement


@dataclass
class Ordered:
    """What two calls came to.

    `waited`: the second one stood before the lock of records until the first one was durable. Before a row that the
    first one wrote does not count: whoever comes so far has judged by what was there before.
    """

    first: Any = field(repr=False)
    second: Any = field(repr=False)
    waited: bool


@asynccontextmanager
async def two_replicas(signer: Signer) -> AsyncIterator[tuple[Replica, Replica]]:
    """Open the database of `signer` twice."""
    log = make_logger("signer", "error")
    async with Service("signer", log=log) as service:
        opened: list[Replica] = []
        for _ in range(2):
            stores: list[StoppableStore] = []

            def connect(stores: list[StoppableStore] = stores) -> StoppableStore:
                assert isinstance(signer.database, PostgresDatabase)
                opened_store = StoppableStore.open(signer.database.dsn_file)
                assert isinstance(opened_store, StoppableStore)
                stores.append(opened_store)
                return stores[0]

            vault = await Vault.open(
                connect,
                network=signer.world.network,
                operator_key=signer.world.own_key,
                now=signer.now,
                log=log,
                health=service.health.dependency("database"),
                trust_disk=True,
            )
            opened.append(Replica(signer, vault, stores[0]))
        one, other = opened
        try:
            yield one, other
        finally:
            await one.vault.close()
            await other.vault.close()


async def interleave(one: Replica, first: Awaitable[T], second: Awaitable[object]) -> Ordered:
    """Stop `first`, which is of `one`, before its COMMIT; begin `second`; let it go on when that waits or is done."""
    one.store.stop()
    stopped, go = one.store.stopped, one.store.go
    running = asyncio.ensure_future(first)
    assert await asyncio.to_thread(stopped.wait, PATIENCE_S)
    meanwhile = asyncio.ensure_future(second)
    async with asyncio.timeout(PATIENCE_S):
        while True:
            waits = await asyncio.to_thread(one.signer.database.run, _WAITING)
            if waits or meanwhile.done():
                break
    go.set()
    both = await asyncio.gather(running, meanwhile)
    return Ordered(both[0], both[1], waits == [("advisory",)])
