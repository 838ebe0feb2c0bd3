"""A real signer for tests: its gRPC server with mTLS on loopback, its database on disk, a clock that tests set."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
from services.signer.tests.databases import Database, SqliteDatabase
from tests.support.service_certificates import tls_settings, write_certificates
from tests.support.signer_leases import Draft, SignerLeases
from tests.support.signing_world import SigningWorld, Validator, local_chain

from ssv_api.v1 import signer_pb2 as pb
from ssv_api.v1.signer_pb2_grpc import SignerStub
from ssv_protocol.types.ids import Instant, Slot
from ssv_runtime.logs import make_logger
from ssv_runtime.names import CALLERS
from ssv_runtime.network_file import write_network_file
from ssv_runtime.rpc.limits import client_options
from ssv_runtime.service import Service
from ssv_signer.service import serving
from ssv_signer.settings import SignerSettings

if TYPE_CHECKING:
    from ssv_api.v1.signer_pb2_grpc import SignerAsyncStub

SLOTS_PER_EPOCH = 8
PATIENCE_S = 30.0
START = Slot(10 * SLOTS_PER_EPOCH + 3)
__all__ = ["PATIENCE_S", "SLOTS_PER_EPOCH", "START", "Draft", "Signer", "make_world", "sign"]


class Signer:
    """The signer of operator 1; `lines` is its log. It can be started again and again on the same files.

    Unless told otherwise it trusts its disk, so that tests of other things need not wait for an epoch.
    """

    def __init__(self, folder: Path, world: SigningWorld, database: Database | None = None) -> None:
        self.folder = folder
        self.database: Database = SqliteDatabase(folder / "data") if database is None else database
        self.world = world
        self.leases = self.database.leases
        self.slot = START
        self.lines = io.StringIO()
        self.service: Service | None = None
        self.port = 0
        self.certificates = write_certificates(folder / "certs", CALLERS)
        write_network_file(folder / "network.json", world.network)
        (folder / "operator.pem").write_bytes(world.own_key.to_pem())

    def settings(self, **changes: object) -> SignerSettings:
        given: dict[str, object] = {
            "network_file": self.folder / "network.json",
            "operator_key_file": self.folder / "operator.pem",
            "cold_start": "trust-disk",
            **self.database.settings,
            **tls_settings(self.certificates, "signer"),
            **changes,
        }
        return SignerSettings.model_validate(given)

    def rows(self, table: str) -> int:
        """How many rows there are, committed."""
        ((count,),) = self.database.run(f"SELECT count(*) FROM {table}")
        return int(count)

    async def ready(self) -> None:
        """Wait until nothing keeps it from work."""
        async with asyncio.timeout(PATIENCE_S):
            while self.service is None or self.service.health.problems():  # noqa: ASYNC110 (no event tells)
                await asyncio.sleep(0.01)

    def now(self) -> Instant:
        return self.world.network.chain.slot_start(self.slot)

    @asynccontextmanager
    async def running(self, **changes: object) -> AsyncIterator[Signer]:
        log = make_logger("signer", "debug", "json", self.lines)
        async with Service("signer", log=log) as service:
            self.service = service
            async with serving(self.settings(**changes), service, self.now) as self.port:
                yield self
                service.stopping.set()

    @asynccontextmanager
    async def client(self, caller: str = "consensus") -> AsyncIterator[SignerAsyncStub]:
        files = tls_settings(self.certificates, caller)
        ca, certificate, key = (files[name].read_bytes() for name in ("tls_ca", "tls_cert", "tls_key"))
        credentials = grpc.ssl_channel_credentials(ca, key, certificate)
        target = f"127.0.0.1:{self.port}"
        async with grpc.aio.secure_channel(target, credentials, client_options("signer")) as channel:
            yield SignerStub(channel)

    async def hold(self, *validators: Validator) -> None:
        """Add shares and claim their committees; then an epoch passes, so that they may sign."""
        async with self.client("eth1-listener") as stub:
            for validator in validators:
                await stub.AddShare(validator.add)
        async with self.client() as stub:
            await self.leases.take(stub)
        self.slot = Slot(self.slot + SLOTS_PER_EPOCH)

    async def sign(self, *drafts: Draft) -> list[pb.SignResponse]:
        """Send drafts in one stream; the answers in the order of the drafts."""
        async with self.client() as stub:
            return await sign(stub, self.leases, *drafts)


async def sign(stub: SignerAsyncStub, leases: SignerLeases, *drafts: Draft) -> list[pb.SignResponse]:
    """Send drafts with the leases of their committees, which are claimed first if they were not yet."""
    committees = [leases.committee_of(draft) for draft in drafts]
    if not leases.held.keys() >= set(committees):
        await leases.take(stub)
    call = stub.Sign(iter([leases.request(number, draft) for number, draft in enumerate(drafts)]))
    answers = {answer.request_id: answer async for answer in call}
    assert len(answers) == len(drafts)
    for number, answer in answers.items():
        leases.note(committees[number], answer)
    return [answers[number] for number in range(len(drafts))]


def make_world() -> SigningWorld:
    return SigningWorld(local_chain(SLOTS_PER_EPOCH, 6.0))
