"""The duty-scheduler between real gRPC, a real NATS and a beacon node of the test's choice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType

from ssv_api.v1 import duties_pb2 as pb
from ssv_api.v1 import signer_pb2
from ssv_api.v1.registry_pb2_grpc import add_RegistryServicer_to_server
from ssv_duty_scheduler.service import run
from ssv_duty_scheduler.settings import DutySchedulerSettings
from ssv_duty_scheduler.slashing_reaction import OnSlashing
from ssv_eth1_listener.feed import Feed
from ssv_eth1_listener.service import PERMISSIONS as REGISTRY_PERMISSIONS
from ssv_eth1_listener.watch_server import RegistryServer
from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.forks import Network
from ssv_protocol.registry.state import OperatorRecord, Recipient, RegistryState, ValidatorRecord, cluster_id
from ssv_protocol.types.ids import BlsPublicKey, ExecutionAddress, OperatorId
from ssv_runtime.bus import Bus, KeyValue, Message
from ssv_runtime.network_file import write_network_file
from ssv_runtime.rpc import secure_server
from ssv_runtime.service import Service
from ssv_runtime.settings import GrpcServiceSettings, ServiceSettings
from tests.support.border_signer import BorderSigner, serving_signer
from tests.support.nats import Nats
from tests.support.service_certificates import tls_settings, write_certificates

OWNER = ExecutionAddress(b"\x01" * 20)
OWN_OPERATOR = OperatorId(1)


def record(key: BlsPublicKey, operators: tuple[int, ...], *, liquidated: bool = False) -> ValidatorRecord:
    """A validator of the registry; its shares are nobody's."""
    ids = tuple(OperatorId(number) for number in operators)
    seats = len(ids)
    return ValidatorRecord(key, OWNER, ids, (key,) * seats, (bytes(256),) * seats, cluster_id(OWNER, ids), liquidated)


class SchedulerWorld:
    """What a scheduler meets; the signer and the registry are there until a test takes them away."""

    def __init__(self, folder: Path, network: Network, nats: Nats) -> None:
        self.nats = nats
        self.network = network
        self.operator_key = OperatorPrivateKey.generate()
        self.signer = BorderSigner(self.operator_key)
        self.feed = Feed(self.operator_key.public_pem())
        self.signer_port = 0
        self.registry_port = 0
        self._folder = folder
        self._block = 0
        write_certificates(folder / "certs", ["signer", "eth1-listener", "duty-scheduler", "consensus"])
        write_network_file(folder / "network.json", network)

    def common(self, service: str) -> dict[str, object]:
        return {"network_file": self._folder / "network.json", **tls_settings(self._folder / "certs", service)}

    def register(self, *records: ValidatorRecord, recipient: Recipient | None = None) -> None:
        """Make these the validators of the registry; `recipient` is what their owner named."""
        self._block += 1
        pem = self.operator_key.public_pem()
        operators = {OWN_OPERATOR: OperatorRecord(OWN_OPERATOR, OWNER, b"", pem)}
        validators = {each.public_key: each for each in records}
        state = RegistryState(
            self._block,
            bytes([self._block]) * 32,
            MappingProxyType(operators),
            MappingProxyType(validators),
            MappingProxyType({} if recipient is None else {OWNER: recipient}),
        )
        self.feed.publish(state, self._block, live=True)

    def hold(self, *keys: BlsPublicKey) -> None:
        """Have the signer hold a share of each."""
        for key in keys:
            self.signer.shares[key] = signer_pb2.HeldShare(
                validator_pubkey=key, may_sign_from_epoch=self.signer.may_sign_from_epoch
            )

    @asynccontextmanager
    async def serving_signer(self) -> AsyncIterator[None]:
        settings = GrpcServiceSettings(**self.common("signer"), grpc_port=self.signer_port)  # type: ignore[arg-type]
        async with serving_signer(self.signer, settings) as self.signer_port:
            yield

    @asynccontextmanager
    async def serving_registry(self) -> AsyncIterator[None]:
        settings = GrpcServiceSettings(**self.common("eth1-listener"))  # type: ignore[arg-type]
        add = [lambda server: add_RegistryServicer_to_server(RegistryServer(self.feed), server)]
        async with (
            Service("eth1-listener") as service,
            secure_server(settings, service, add, REGISTRY_PERMISSIONS) as port,
        ):
            self.registry_port = port
            yield

    @asynccontextmanager
    async def scheduling(
        self,
        *beacon_urls: str,
        deadline_s: float = 5.0,
        builder_registrations: bool = True,
        doppelganger_protection: bool = False,
        on_slashing: str = "stop-validator",
    ) -> AsyncIterator[Service]:
        """Run the whole service; validators wait only where a test is about that."""
        settings = DutySchedulerSettings(
            **self.common("duty-scheduler"),  # type: ignore[arg-type]
            **self.nats.settings("duty-scheduler"),  # type: ignore[arg-type]
            registry_target=f"127.0.0.1:{self.registry_port}",
            signer_target=f"127.0.0.1:{self.signer_port}",
            beacon_urls=list(beacon_urls),
            beacon_deadline_s=deadline_s,
            builder_registrations=builder_registrations,
            doppelganger_protection=doppelganger_protection,
            on_slashing=OnSlashing(on_slashing),
        )
        async with Service("duty-scheduler") as service:
            running = asyncio.create_task(run(settings, service))
            try:
                yield service
            finally:
                service.stopping.set()
                await running

    @asynccontextmanager
    async def reading(self, name: str = "consensus") -> AsyncIterator[Reader]:
        """Be a worker on the bus, or another service."""
        settings = ServiceSettings(**self.common(name), **self.nats.settings(name))  # type: ignore[arg-type]
        async with Service(name) as service:
            bus = await Bus.connect(settings, service)
            await bus.connected()
            yield Reader(bus)


class Reader:
    """Reads the bucket of duties and the heads."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.bucket: KeyValue = bus.kv("duties")

    async def committee(
        self, key: str, wanted: Callable[[pb.CommitteeDuties], bool] = lambda _: True
    ) -> pb.CommitteeDuties:
        """Return the value once it is as wanted."""
        async for entry in self.bucket.watch(key):
            if entry.value is not None and wanted(value := pb.CommitteeDuties.FromString(entry.value)):
                return value
        raise AssertionError

    async def network(self, key: str, wanted: Callable[[pb.NetworkDuties], bool] = lambda _: True) -> pb.NetworkDuties:
        """As `committee`."""
        async for entry in self.bucket.watch(key):
            if entry.value is not None and wanted(value := pb.NetworkDuties.FromString(entry.value)):
                return value
        raise AssertionError

    async def part(self, key: str, wanted: Callable[[pb.KnownValidators], bool] = lambda _: True) -> pb.KnownValidators:
        """As `committee`."""
        async for entry in self.bucket.watch(key):
            if entry.value is not None and wanted(value := pb.KnownValidators.FromString(entry.value)):
                return value
        raise AssertionError

    async def known(self, epoch: int) -> dict[bytes, int]:
        """Return the indices of all SSV validators by public key."""
        parts = [await self.part(f"{epoch}.network.{part:x}") for part in range(16)]
        return {each.public_key: each.index for part in parts for each in part.validators}

    async def revision(self, key: str) -> int:
        entry = await self.bucket.get(key)
        return 0 if entry is None else entry.revision

    async def heads(self) -> asyncio.Queue[pb.Head]:
        """Return where heads arrive from now on."""
        queue: asyncio.Queue[pb.Head] = asyncio.Queue()

        async def took(message: Message) -> None:
            queue.put_nowait(pb.Head.FromString(message.data))

        await self.bus.subscribe("ssv.head", took)
        return queue
