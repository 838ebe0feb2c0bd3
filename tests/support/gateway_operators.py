"""Operators for tests: each with a real nats-server and a real gateway process; a registry server of the test's own.

What is not real is the registry behind gRPC: it serves a fixed committee, with the real conversion code and mTLS.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import grpc
import nats
from nats.aio.client import Client
from nats.aio.msg import Msg

from ssv_api.v1 import gateway_pb2 as gateway_api
from ssv_api.v1 import registry_pb2 as pb
from ssv_api.v1.gateway_pb2_grpc import GatewayStub
from ssv_api.v1.registry_pb2_grpc import RegistryServicer, add_RegistryServicer_to_server
from ssv_discv5 import PrivateKey, Record, from_text, to_text
from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.forks import Network
from ssv_protocol.registry.state import OperatorRecord, RegistryState, ValidatorRecord, cluster_id
from ssv_protocol.types.ids import BlsPublicKey, ExecutionAddress, OperatorId
from ssv_runtime.certificates import KeyPair, issue, make_ca
from ssv_runtime.files import write_atomically
from ssv_runtime.nats_permissions import GOSSIP_IN, GOSSIP_OUT, PERMISSIONS, REPLAY, render_nats_conf
from ssv_runtime.network_file import write_network_file
from ssv_runtime.registry_client import updates
from ssv_runtime.rpc.limits import SERVER_OPTIONS

PATIENCE_S = 60.0
OWNER = ExecutionAddress(b"\x0a" * 20)
PASSWORDS = {service: f"password-of-{service}" for service in PERMISSIONS}


async def until(what: str, condition: Callable[[], Any]) -> Any:
    """Wait for a condition of another process."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        value = condition()
        if asyncio.iscoroutine(value):
            value = await value
        if value:
            return value
        await asyncio.sleep(0.05)
    raise TimeoutError(what)


@dataclass
class Registry(RegistryServicer):
    """The eth1-listener's place, taken by the test."""

    own_operator: OperatorId
    state: RegistryState
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def become(self, state: RegistryState) -> None:
        async with self.changed:
            self.state = state
            self.changed.notify_all()

    async def Watch(self, request: pb.WatchRequest, context: Any) -> AsyncIterator[pb.RegistryUpdate]:  # noqa: N802
        told: RegistryState | None = None
        while True:
            state = self.state
            for update in updates(told, state, self.own_operator, state.block_number):
                yield update
            told = state
            async with self.changed:
                while self.state is state:
                    await self.changed.wait()


def registry_state(keys: dict[OperatorId, OperatorPrivateKey], committees: list[tuple[int, ...]]) -> RegistryState:
    """Return a registry with a validator for each committee."""
    operators = {number: OperatorRecord(number, OWNER, b"", key.public_pem()) for number, key in keys.items()}
    validators = {}
    for place, members in enumerate(committees):
        ids = tuple(OperatorId(member) for member in members)
        key = BlsPublicKey(bytes([place + 1]) * 48)
        shares = tuple(BlsPublicKey(member.to_bytes(48, "big")) for member in members)
        validators[key] = ValidatorRecord(
            key, OWNER, ids, shares, tuple(bytes(256) for _ in ids), cluster_id(OWNER, ids)
        )
    return RegistryState(1, b"\x01" * 32, MappingProxyType(operators), MappingProxyType(validators))


class Nats:
    """A nats-server that can be killed and started again on its port."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self._port = -1
        self._process: subprocess.Popen[bytes] | None = None
        (folder / "nats.conf").write_text(render_nats_conf(PASSWORDS))

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self._port}"

    async def start(self) -> None:
        ports = self._spawn()
        text = await until("nats-server", lambda: ports.exists() and ports.read_text())
        self._port = int(json.loads(text)["nats"][0].rpartition(":")[2])

    def _spawn(self) -> Path:
        folder = self._folder
        binary = Path(sys.executable).with_name("nats-server")
        command: list[str | Path] = [binary, "-c", folder / "nats.conf", "--log", folder / "log"]
        where: list[str | Path] = ["--addr", "127.0.0.1", "--port", str(self._port), "--store_dir", folder / "store"]
        self._process = subprocess.Popen([*command, *where, "--ports_file_dir", folder])
        return folder / f"nats-server_{self._process.pid}.ports"

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class Operator:
    """A gateway process with its bus, and the test in the place of its workers."""

    def __init__(self, number: int, folder: Path, nats_server: Nats, settings: dict[str, object]) -> None:
        self.number = OperatorId(number)
        self.folder = folder
        self.nats = nats_server
        self.registry: Registry
        self.settings = settings
        self.process: subprocess.Popen[bytes] | None = None
        self.worker: Client
        self.came: list[Msg] = []
        self.channel: grpc.aio.Channel

    def start(self) -> None:
        config = self.folder / "gateway.toml"
        config.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in self.settings.items()))
        self.health_file.unlink(missing_ok=True)
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "ssv_p2p_gateway", "--config", config], stderr=log, stdout=log
            )

    def kill(self, how: int = signal.SIGKILL) -> int:
        assert self.process is not None
        self.process.send_signal(how)
        code = self.process.wait(timeout=PATIENCE_S)
        self.process = None
        return code

    @property
    def health_file(self) -> Path:
        return self.folder / "health-port"

    @property
    def address(self) -> str:
        return (self.folder / "address").read_text().strip()

    @property
    def record(self) -> Record:
        """Its node record; an empty one before it is there."""
        try:
            return from_text((self.folder / "record").read_text())
        except FileNotFoundError:
            return Record.sign(PrivateKey(b"\x01" * 32), 0, {})

    def http(self, path: str) -> str | None:
        """Return what the health server answers; None while it does not run."""
        with contextlib.suppress(FileNotFoundError, OSError):
            url = f"http://127.0.0.1:{int(self.health_file.read_text())}{path}"
            try:
                with urllib.request.urlopen(url, timeout=5) as answer:
                    return str(answer.read().decode())
            except urllib.error.HTTPError as error:
                return str(error.read().decode())
        return None

    def problems(self) -> dict[str, str] | None:
        """Return what readiness says is missing; None while nothing answers."""
        answer = self.http("/readyz")
        return None if answer is None else dict(json.loads(answer))

    async def ready(self) -> None:
        await until(f"operator {self.number} is ready: {self.problems()}", lambda: self.problems() == {})

    async def peers(self) -> gateway_api.PeersResponse:
        port = int((self.folder / "grpc-port").read_text())
        pair = _issued(self.folder)
        credentials = grpc.ssl_channel_credentials((self.folder / "ca.pem").read_bytes(), pair[1], pair[0])
        options = [("grpc.ssl_target_name_override", "p2p-gateway")]
        async with grpc.aio.secure_channel(f"127.0.0.1:{port}", credentials, options=options) as channel:
            return await GatewayStub(channel).Peers(gateway_api.PeersRequest(), timeout=10)

    async def meshed(self, topic: str, peers: int) -> None:
        """Wait until that many peers exchange whole messages of the topic with it."""

        async def is_so() -> bool:
            answer = await self.peers()
            return any(mesh.topic == topic and len(mesh.peer_ids) >= peers for mesh in answer.meshes)

        await until(f"operator {self.number} has {peers} peers in the mesh of {topic}", is_so)

    async def met(self, peers: int) -> None:
        """Wait until that many peers have said of which network they are: who fails at it is let go."""

        async def is_so() -> bool:
            return sum(bool(peer.domain) for peer in (await self.peers()).peers) >= peers

        await until(f"operator {self.number} has shaken hands with {peers} peers", is_so)

    async def publish(self, topic: str, data: bytes) -> gateway_api.PublishReply:
        answer = await self.worker.request(f"{GOSSIP_OUT}.{topic}", data, timeout=PATIENCE_S)
        return gateway_api.PublishReply.FromString(answer.data)

    async def replay(self, committee: bytes) -> list[gateway_api.ReplayedMessage]:
        answer = await self.worker.request(f"{REPLAY}.{committee.hex()}", b"", timeout=PATIENCE_S)
        return list(gateway_api.Replay.FromString(answer.data).messages)

    async def metric(self, line: str) -> None:
        """Wait until the metrics have this line, named without the service's prefix."""
        await until(line, lambda: f"\nssv_p2p_gateway_{line}\n" in (self.http("/metrics") or ""))

    async def last(self, data: bytes) -> None:
        """Wait until this is the last message that the bus brought."""
        await until("the last message", lambda: self.came and self.came[-1].data == data)

    async def brings(self, data: bytes) -> None:
        """Wait until the bus has brought this message."""
        await until("the message", lambda: data in [message.data for message in self.came])

    async def received(self, count: int) -> list[bytes]:
        await until(f"operator {self.number} receives {count}, has {len(self.came)}", lambda: len(self.came) >= count)
        return [message.data for message in self.came]


def _issued(folder: Path) -> tuple[bytes, bytes]:
    return (folder / "cli.pem").read_bytes(), (folder / "cli.key").read_bytes()


class World:
    """Some operators of one network."""

    def __init__(self, folder: Path, network: Network, keys: dict[OperatorId, OperatorPrivateKey]) -> None:
        self.folder = folder
        self.network = network
        self.keys = keys
        self.operators: list[Operator] = []

    def introduce(self) -> None:
        """Tell each operator the addresses of the others."""
        for operator in self.operators:
            others = [other.address for other in self.operators if other is not operator]
            write_atomically(operator.folder / "peers", "\n".join(["# the others", *others, ""]).encode())

    async def meshed(self, topic: str) -> None:
        """Wait until each exchanges whole messages with all others and has shaken hands with them."""
        for operator in self.operators:
            await operator.met(len(self.operators) - 1)
            await operator.meshed(topic, len(self.operators) - 1)

    def operator_of(self, number: int) -> Operator:
        return next(operator for operator in self.operators if operator.number == number)


@asynccontextmanager
async def world_of(
    folder: Path,
    network: Network,
    keys: dict[OperatorId, OperatorPrivateKey],
    running: list[int],
    state: RegistryState,
    *,
    discovery: bool = False,
) -> AsyncIterator[World]:
    """Start gateways for the operators `running`, all connected; ends all processes.

    With `discovery` they are told the first one's record, and nobody's address.
    """
    world = World(folder, network, keys)
    ca = make_ca(datetime.now(UTC))
    write_network_file(folder / "network.json", network)
    async with AsyncExitStack() as stack:
        for number in running:
            world.operators.append(await _operator(stack, world, number, ca, state))
        if discovery:
            await _start_by_bootnode(world)
        else:
            for operator in world.operators:
                operator.start()
            for operator in world.operators:
                await until("an address", (operator.folder / "address").exists)
            world.introduce()
        for operator in world.operators:
            await operator.ready()
        yield world


async def _start_by_bootnode(world: World) -> None:
    for operator in world.operators:
        operator.settings |= {"discovery": True, "record_file": str(operator.folder / "record")}
    first, *others = world.operators
    first.start()
    await until("a whole record", lambda: first.record.get(b"tcp"))
    for operator in others:
        operator.settings["bootnodes"] = [to_text(first.record)]
        operator.start()


async def _operator(stack: AsyncExitStack, world: World, number: int, ca: KeyPair, state: RegistryState) -> Operator:
    folder = world.folder / str(number)
    folder.mkdir()
    for service in ("p2p-gateway", "eth1-listener", "cli"):
        pair = issue(ca, service, datetime.now(UTC))
        write_atomically(folder / f"{service}.pem", pair.certificate)
        write_atomically(folder / f"{service}.key", pair.private_key, 0o600)
    write_atomically(folder / "ca.pem", ca.certificate)
    write_atomically(folder / "password", PASSWORDS["p2p-gateway"].encode(), 0o600)
    nats_server = Nats(folder / "nats")
    await nats_server.start()
    stack.callback(nats_server.kill)
    registry = Registry(OperatorId(number), state)
    server = grpc.aio.server(options=SERVER_OPTIONS)
    add_RegistryServicer_to_server(registry, server)
    own = (folder / "eth1-listener.key").read_bytes(), (folder / "eth1-listener.pem").read_bytes()
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([own], ca.certificate, True))
    await server.start()
    stack.push_async_callback(server.stop, None)
    settings: dict[str, object] = {
        "network_file": str(world.folder / "network.json"),
        "nats_url": nats_server.url,
        "nats_user": "p2p-gateway",
        "nats_password_file": str(folder / "password"),
        "tls_ca": str(folder / "ca.pem"),
        "tls_cert": str(folder / "p2p-gateway.pem"),
        "tls_key": str(folder / "p2p-gateway.key"),
        "health_port_file": str(folder / "health-port"),
        "grpc_port_file": str(folder / "grpc-port"),
        "registry_target": f"127.0.0.1:{port}",
        "data_dir": str(folder / "data"),
        "listen_addr_file": str(folder / "address"),
        "static_peers_file": str(folder / "peers"),
        "log_level": "debug" if os.environ.get("SSV_TEST_DEBUG") else "info",
    }
    operator = Operator(number, folder, nats_server, settings)
    operator.registry = registry
    stack.callback(lambda: operator.process and operator.kill())
    await _work(stack, operator)
    return operator


async def _work(stack: AsyncExitStack, operator: Operator) -> None:
    async def came(message: Msg) -> None:
        operator.came.append(message)

    operator.worker = await nats.connect(
        operator.nats.url,
        user="consensus",
        password=PASSWORDS["consensus"],
        inbox_prefix=b"_INBOX.consensus",
        max_reconnect_attempts=-1,
        reconnect_time_wait=0.05,
        error_cb=_quiet,
    )
    stack.push_async_callback(operator.worker.close)
    await operator.worker.subscribe(f"{GOSSIP_IN}.*", cb=came)
    await operator.worker.flush()


async def _quiet(_error: Exception) -> None:
    pass
