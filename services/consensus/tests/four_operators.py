"""Four operators on one NATS server: real workers, each with a real signer process; registry, scheduler and gateway
are the test's, the beacon node is a made-up chain behind HTTP that verifies every signature."""

from __future__ import annotations

import asyncio
import json
import secrets
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from services.consensus.tests.full_beacon_server import FullBeaconServer
from services.consensus.tests.full_world import FullWorld
from services.consensus.tests.gateway import TestGateway
from tests.support.gateway_operators import OWNER, Registry
from tests.support.nats import Nats, running_nats
from tests.support.service_certificates import tls_settings, write_certificates

from ssv_api.v1 import duties_pb2 as duties_api
from ssv_api.v1 import signer_pb2 as signer_api
from ssv_api.v1.exporter_pb2 import DutyRecord
from ssv_api.v1.registry_pb2_grpc import add_RegistryServicer_to_server
from ssv_api.v1.signer_pb2_grpc import SignerStub
from ssv_consensus.service import run
from ssv_consensus.settings import ConsensusSettings
from ssv_devnet.committee.keys import ValidatorKeys, split_validators
from ssv_devnet.simulation.chain import SimulatedChain, simulated_chain
from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.crypto.shares import encrypt_share
from ssv_protocol.forks import Network
from ssv_protocol.networks import local_network
from ssv_protocol.registry.state import OperatorRecord, RegistryState, ValidatorRecord, cluster_id
from ssv_protocol.types.committee import committee_id
from ssv_protocol.types.ids import Epoch, ExecutionAddress, Instant, OperatorId, Slot
from ssv_protocol.types.roles import RunnerRole
from ssv_runtime import names
from ssv_runtime.bus import Bus, BusError, Message
from ssv_runtime.nats_permissions import DECIDED, DUTIES_BUCKET
from ssv_runtime.network_file import write_network_file
from ssv_runtime.rpc import Permissions, channel, secure_server
from ssv_runtime.service import Service
from ssv_runtime.settings import GrpcServiceSettings, ServiceSettings

SLOT_S = 2.0
SLOTS_PER_EPOCH = 2
VALIDATORS = 4
PATIENCE_S = 90.0
EXIT_AFTER_SLOTS = 12
"""Time for processes to start."""
OPERATORS = tuple(map(OperatorId, (1, 2, 3, 4)))
COMMITTEE = committee_id(OPERATORS)


async def until(what: str, condition: Callable[[], Any]) -> Any:
    """Wait for what other processes do."""
    give_up = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up:
        if value := condition():
            return value
        await asyncio.sleep(0.02)
    raise TimeoutError(what)


class SignerProcess:
    """An operator's signer; it can be killed and started again on its files and port."""

    def __init__(self, folder: Path, key: OperatorPrivateKey, common: dict[str, object]) -> None:
        folder.mkdir()
        self._folder = folder
        (folder / "operator.pem").write_bytes(key.to_pem())
        self.settings = {
            **common,
            "operator_key_file": folder / "operator.pem",
            "data_dir": folder / "data",
            "cold_start": "trust-disk",
            "grpc_port_file": folder / "port",
        }
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def log(self) -> Path:
        """What it said."""
        return self._folder / "log"

    async def start(self) -> None:
        (self._folder / "port").unlink(missing_ok=True)
        given = {**self.settings, "grpc_port": self.port}
        config = self._folder / "signer.toml"
        config.write_text(
            "".join(
                f"{key} = {value if isinstance(value, int) else json.dumps(str(value))}\n"
                for key, value in given.items()
            )
        )
        self._spawn(config)
        await until("the signer serves", (self._folder / "port").exists)
        self.port = int((self._folder / "port").read_text())

    def _spawn(self, config: Path) -> None:
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "ssv_signer", "--config", str(config)]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@dataclass
class RunningWorker:
    """A worker in this process."""

    service: Service
    task: asyncio.Task[None]

    async def kill(self) -> None:
        """End it as a crash would: no goodbye, nothing finished."""
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task

    @property
    def problems(self) -> dict[str, str]:
        return self.service.health.problems()


class FourOperators:
    """All of it. What the exporter got: `records` of the committee's duties by slot and operator, `others` by role."""

    def __init__(self, folder: Path, nats: Nats, boole_epoch: Epoch | None = None, *, every_kind: bool = False) -> None:
        self.folder = folder
        self.nats = nats
        genesis_time_s = int(time.time()) - 100 * int(SLOT_S)
        self.chain = simulated_chain(SLOT_S, SLOTS_PER_EPOCH, genesis_time_s)
        self.network = Network(local_network(ExecutionAddress(bytes(20)), SLOT_S, boole_epoch), self.chain)
        self.keys = {number: OperatorPrivateKey.generate() for number in OPERATORS}
        self.validators = split_validators(VALIDATORS, OPERATORS, secrets.token_bytes)
        self.world = SimulatedChain(self.chain, {each.index: each.pubkey for each in self.validators}, seed=1)
        exit_slot = Slot(self.chain.slot_at(Instant(time.time())) + EXIT_AFTER_SLOTS)
        self.full = FullWorld(self.world, self.network, exit_slot)
        self._every_kind = every_kind
        self.beacon = FullBeaconServer(self.full)
        self.records: dict[Slot, dict[OperatorId, DutyRecord]] = defaultdict(dict)
        self.others: dict[RunnerRole, list[DutyRecord]] = defaultdict(list)
        self.signers: dict[OperatorId, SignerProcess] = {}
        self.workers: dict[OperatorId, RunningWorker] = {}
        self.gateway: TestGateway
        self._registry_ports: dict[OperatorId, int] = {}
        self._certificates = write_certificates(folder / "certs", names.CALLERS)
        write_network_file(folder / "network.json", self.network)

    @asynccontextmanager
    async def running(self, workers: tuple[OperatorId, ...] = OPERATORS) -> AsyncIterator[FourOperators]:
        async with AsyncExitStack() as stack:
            stack.callback(self._kill_signers)
            for number in OPERATORS:
                process = SignerProcess(self.folder / f"signer{number}", self.keys[number], self._common("signer"))
                self.signers[number] = process
            await asyncio.gather(*(process.start() for process in self.signers.values()))
            await asyncio.gather(*(self._add_shares(number) for number in OPERATORS))
            await stack.enter_async_context(self.beacon.running())
            for number in OPERATORS:
                await self._serve_registry(stack, number)
            self.gateway = TestGateway(await self._bus(stack, names.P2P_GATEWAY), COMMITTEE)
            await self.gateway.listen()
            await self._read_records(stack)
            scheduling = asyncio.create_task(self._schedule(await self._bus(stack, names.DUTY_SCHEDULER)))
            stack.callback(scheduling.cancel)
            stack.push_async_callback(self._kill_workers)
            for number in workers:
                await self.start_worker(number)
            yield self

    async def start_worker(self, number: OperatorId) -> None:
        settings = ConsensusSettings.model_validate(
            {
                **self._common(names.CONSENSUS),
                **self.nats.settings(names.CONSENSUS),
                "signer_target": f"127.0.0.1:{self.signers[number].port}",
                "registry_target": f"127.0.0.1:{self._registry_ports[number]}",
                "beacon_urls": [self.beacon.url],
                "graffiti": f"ssv operator {number}",
            }
        )
        service = Service(names.CONSENSUS)

        async def work() -> None:
            async with service:
                await run(settings, service)

        self.workers[number] = RunningWorker(service, asyncio.create_task(work()))

    def complete(self, operators: tuple[OperatorId, ...] = OPERATORS) -> list[Slot]:
        """Return the slots in which these operators submitted everything that was due."""
        return [
            slot
            for slot, by_operator in sorted(self.records.items())
            if all(
                number in by_operator and all(each.submitted for each in by_operator[number].outcomes)
                for number in operators
            )
        ]

    # inside
    def _common(self, service: str) -> dict[str, object]:
        return {"network_file": self.folder / "network.json", **tls_settings(self._certificates, service)}

    async def _bus(self, stack: AsyncExitStack, user: str) -> Bus:
        settings = ServiceSettings.model_validate({**self._common(user), **self.nats.settings(user)})
        service = await stack.enter_async_context(Service(user))
        bus = await Bus.connect(settings, service)
        await bus.connected()
        return bus

    async def _add_shares(self, number: OperatorId) -> None:
        settings = GrpcServiceSettings.model_validate(self._common(names.ETH1_LISTENER))
        async with Service(names.ETH1_LISTENER) as service:
            stub = SignerStub(channel(f"127.0.0.1:{self.signers[number].port}", settings, service, names.SIGNER))
            for validator in self.validators:
                await stub.AddShare(self._share(validator, number))

    def _share(self, validator: ValidatorKeys, number: OperatorId) -> signer_api.AddShareRequest:
        secret = validator.secrets[number]
        return signer_api.AddShareRequest(
            validator_pubkey=validator.pubkey,
            share_pubkey=secret.public_key(),
            encrypted_share=encrypt_share(self.keys[number].public_pem(), secret),
            operator_id=number,
            committee=[
                signer_api.CommitteeOperator(operator_id=other, public_key=key.public_pem())
                for other, key in self.keys.items()
            ],
        )

    def _registry_state(self) -> RegistryState:
        operators = {number: OperatorRecord(number, OWNER, b"", key.public_pem()) for number, key in self.keys.items()}
        validators = {
            each.pubkey: ValidatorRecord(
                each.pubkey,
                OWNER,
                OPERATORS,
                tuple(each.secrets[number].public_key() for number in OPERATORS),
                tuple(bytes(256) for _ in OPERATORS),
                cluster_id(OWNER, OPERATORS),
            )
            for each in self.validators
        }
        return RegistryState(1, b"\x01" * 32, MappingProxyType(operators), MappingProxyType(validators))

    async def _serve_registry(self, stack: AsyncExitStack, number: OperatorId) -> None:
        settings = GrpcServiceSettings.model_validate(self._common(names.ETH1_LISTENER))
        service = await stack.enter_async_context(Service(names.ETH1_LISTENER))
        registry = Registry(number, self._registry_state())
        self._registry_ports[number] = await stack.enter_async_context(
            secure_server(
                settings,
                service,
                [lambda server: add_RegistryServicer_to_server(registry, server)],
                Permissions({"ssv.v1.Registry/Watch": names.CALLERS}),
            )
        )

    async def _read_records(self, stack: AsyncExitStack) -> None:
        async def came(message: Message) -> None:
            record = DutyRecord.FromString(message.data)
            if record.role == RunnerRole.COMMITTEE:
                self.records[Slot(record.slot)][OperatorId(record.operator_id)] = record
            else:
                self.others[RunnerRole(record.role)].append(record)

        bus = await self._bus(stack, names.EXPORTER)
        await bus.subscribe(f"{DECIDED}.>", came)

    async def _schedule(self, bus: Bus) -> None:
        bucket = bus.kv(DUTIES_BUCKET)
        written: set[Epoch] = set()
        while True:
            now = self.chain.epoch_of(self.chain.slot_at(time.time()))  # type: ignore[arg-type]
            with suppress(BusError):
                await bucket.ensure()
                for epoch in {now, Epoch(now + 1)} - written:
                    await bucket.put(f"{epoch}.{COMMITTEE.hex()}", (await self._duties(epoch)).SerializeToString())
                    written.add(epoch)
            await asyncio.sleep(SLOT_S / 10)

    async def _duties(self, epoch: Epoch) -> duties_api.CommitteeDuties:
        value = duties_api.CommitteeDuties(
            epoch=epoch,
            committee_id=COMMITTEE,
            validators=[duties_api.OwnValidator(index=each.index, public_key=each.pubkey) for each in self.validators],
        )
        first = self.chain.first_slot(epoch)
        for slot in range(first, first + SLOTS_PER_EPOCH):
            listed = await self.full.listed(Slot(slot))
            value.attester.extend(each.encode() for each in listed.attester)
            if self._every_kind:
                value.validator_duties.extend(each.encode() for each in listed.own)
        if self._every_kind:
            value.sync_committee.extend(replace(each, slot=Slot(0)).encode() for each in listed.sync)
        return value

    async def _kill_workers(self) -> None:
        for worker in self.workers.values():
            await worker.kill()

    def _kill_signers(self) -> None:
        for process in self.signers.values():
            process.kill()


def with_four_operators(
    folder: Path,
    scenario: Callable[[FourOperators], Awaitable[None]],
    workers: tuple[OperatorId, ...] = OPERATORS,
    boole_epoch: Epoch | None = None,
    *,
    every_kind: bool = False,
) -> None:
    """Run a scenario, under Alan unless `boole_epoch` says otherwise.

    There are attestations and their aggregates, and where `every_kind` is asked for all other duties.
    """

    async def run_it() -> None:
        with running_nats(folder / "nats") as nats:
            async with FourOperators(folder, nats, boole_epoch, every_kind=every_kind).running(workers) as operators:
                await scenario(operators)

    asyncio.run(run_it())
