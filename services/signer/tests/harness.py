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
Draft = pb.QbftDraft | pb.PreConsensusDraft | pb.PostConsensusDraft


class Signer:
    """The signer of operator 1; `lines` is its log. It can be started again and again on the same files."""

    def __init__(self, folder: Path, world: SigningWorld, database: Database | None = None) -> None:
        self.folder = folder
        self.database: Database = SqliteDatabase(folder / "data") if database is None else database
        self.world = world
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
        """Add shares; then an epoch passes, so that they may sign."""
        async with self.client("eth1-listener") as stub:
            for validator in validators:
                await stub.AddShare(validator.add)
        self.slot = Slot(self.slot + SLOTS_PER_EPOCH)

    async def sign(self, *drafts: Draft) -> list[pb.SignResponse]:
        """Send drafts in one stream; the answers in the order of the drafts."""
        async with self.client() as stub:
            return await sign(stub, *drafts)


async def sign(stub: SignerAsyncStub, *drafts: Draft) -> list[pb.SignResponse]:
    call = stub.Sign(iter([request(number, draft) for number, draft in enumerate(drafts)]))
    answers = {answer.request_id: answer async for answer in call}
    assert len(answers) == len(drafts)
    return [answers[number] for number in range(len(drafts))]


def request(number: int, draft: Draft) -> pb.SignRequest:
    if isinstance(draft, pb.QbftDraft):
        return pb.SignRequest(request_id=number, qbft=draft)
    if isinstance(draft, pb.PreConsensusDraft):
        return pb.SignRequest(request_id=number, pre_consensus=draft)
    return pb.SignRequest(request_id=number, post_consensus=draft)


def make_world() -> SigningWorld:
    return SigningWorld(local_chain(SLOTS_PER_EPOCH, 6.0))
