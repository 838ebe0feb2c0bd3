"""The listener and the real signer as processes, killed with -9 again and again while the chain goes on."""

from __future__ import annotations

import asyncio
import random
import socket
import sqlite3
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest
from tests.support.listener import clean_rebuild, until
from tests.support.registered_chain import RegisteredChain, operator_keys, registered_chain
from tests.support.service_certificates import tls_settings, write_certificates

from ssv_api.v1 import signer_pb2
from ssv_api.v1.signer_pb2_grpc import SignerStub
from ssv_devnet.child_process import ChildProcess, start_child
from ssv_protocol.beacon_chain import BeaconChain, BeaconFork, ScheduledFork
from ssv_protocol.forks import Network
from ssv_protocol.types.ids import Epoch, ForkVersion, Root
from ssv_runtime.network_file import write_network_file
from ssv_runtime.registry_client import watch
from ssv_runtime.rpc import channel
from ssv_runtime.service import Service
from ssv_runtime.settings import GrpcServiceSettings

pytestmark = pytest.mark.system

LONGEST_S = 120
KILLS = 6
FORKS = (ScheduledFork(BeaconFork.PHASE0, ForkVersion(bytes(4)), Epoch(0)),)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Operator:
    """Two processes on one folder."""

    folder: Path
    chain: RegisteredChain
    signer_port: int = field(default_factory=free_port)
    registry_port: int = field(default_factory=free_port)
    children: dict[str, ChildProcess] = field(default_factory=dict)

    def prepare(self) -> None:
        write_certificates(self.folder, ["signer", "eth1-listener", "duty-scheduler"])
        genesis_s = int(time.time()) - 1000
        beacon = BeaconChain(genesis_s, Root(bytes(32)), 6.0, 8, 8, 32, FORKS)
        write_network_file(self.folder / "network.json", Network(self.chain.network, beacon))
        key_file = self.folder / "operator.pem"
        key_file.touch(mode=0o600)
        key_file.write_bytes(operator_keys()[0].to_pem())

    def command(self, service: str) -> list[str | Path]:
        options: dict[str, object] = {
            "network-file": self.folder / "network.json",
            **{name.replace("_", "-"): path for name, path in tls_settings(self.folder, service).items()},
        }
        if service == "signer":
            options |= {
                "grpc-port": self.signer_port,
                "operator-key-file": self.folder / "operator.pem",
                "data-dir": self.folder / "signer",
            }
        else:
            options |= {
                "grpc-port": self.registry_port,
                "execution-url": self.chain.url,
                "signer-target": f"127.0.0.1:{self.signer_port}",
                "registry-db": self.folder / "registry.sqlite",
                "poll-interval-s": 0.02,
            }
        module = f"ssv_{service.replace('-', '_')}"
        arguments = [text for name, value in options.items() for text in (f"--{name}", str(value))]
        return [sys.executable, "-m", module, *arguments]

    def recorded_block(self) -> int:
        """The last block in the listener's database, -1 while there is none."""
        path = self.folder / "registry.sqlite"
        with closing(sqlite3.connect(path)) as database, suppress(sqlite3.OperationalError):
            (block,) = database.execute("SELECT block_number FROM meta").fetchone()
            return int(block)
        return -1

    async def records(self, block: int) -> None:
        """Return once the listener's database has come so far."""
        await until(lambda: self.recorded_block() >= block)

    async def start(self, service: str) -> None:
        self.children[service] = await start_child(self.command(service), self.folder / f"{service}.log")

    async def kill(self, service: str) -> None:
        self.children[service].process.kill()
        await self.children[service].process.wait()

    async def stop_all(self) -> None:
        await asyncio.gather(*(child.stop() for child in self.children.values()))

    @asynccontextmanager
    async def client(self, port: int, peer: str) -> AsyncIterator[grpc.aio.Channel]:
        settings = GrpcServiceSettings(
            network_file=self.folder / "network.json",
            **tls_settings(self.folder, "duty-scheduler"),  # type: ignore[arg-type]
        )
        async with Service("duty-scheduler") as service:
            yield channel(f"127.0.0.1:{port}", settings, service, peer)


def test_registry_and_shares_survive_kills_of_both(tmp_path: Path) -> None:
    dice = random.Random(6)

    async def live(chain: RegisteredChain, over: asyncio.Event) -> None:
        """Go on until told: validators come, some leave."""
        while not over.is_set():
            await chain.add_validators(2)
            if dice.random() < 0.4:
                await chain.remove_validator(chain.validators.pop(dice.randrange(len(chain.validators))))
            await asyncio.sleep(0.02)

    async def scenario(operator: Operator) -> None:
        chain, over = operator.chain, asyncio.Event()
        operator.prepare()
        living = asyncio.create_task(live(chain, over))
        try:
            for service in ("signer", "eth1-listener"):
                await operator.start(service)
            for kill in range(KILLS):
                await operator.records(operator.recorded_block() + dice.randint(1, 30))
                service = "signer" if kill % 3 == 2 else "eth1-listener"
                await operator.kill(service)
                await operator.start(service)
        finally:
            over.set()
            await living
        await compare(operator)

    async def compare(operator: Operator) -> None:
        head = await operator.chain.head()
        async with operator.client(operator.registry_port, "eth1-listener") as registry:
            async for view in watch(registry, lost=lambda _: None):
                if view.state.block_number >= head and view.own_operator_id is not None:
                    break
        assert view.state.state_hash() == (await clean_rebuild(operator.chain, head)).state_hash()
        assert set(view.state.validators) == set(operator.chain.validators)
        async with operator.client(operator.signer_port, "signer") as signer:
            stub = SignerStub(signer)
            held: set[bytes] = set()
            while held != set(operator.chain.validators):
                answer = await stub.ListShares(signer_pb2.ListSharesRequest(), wait_for_ready=True)
                held = {share.validator_pubkey for share in answer.shares}
                await asyncio.sleep(0.05)

    async def run() -> None:
        async with AsyncExitStack() as stack, asyncio.timeout(LONGEST_S):
            chain = await stack.enter_async_context(registered_chain())
            operator = Operator(tmp_path, chain)
            stack.push_async_callback(operator.stop_all)
            await scenario(operator)

    asyncio.run(run())
