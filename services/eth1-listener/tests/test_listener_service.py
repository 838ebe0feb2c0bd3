"""The whole service in this process: real EVM and contract, real gRPC with certificates, the signer at its border."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import grpc
import pytest
from tests.support.border_signer import BorderSigner, serving_signer
from tests.support.listener import until
from tests.support.registered_chain import RegisteredChain, operator_keys, registered_chain
from tests.support.service_certificates import tls_settings, write_certificates

from ssv_api.v1 import registry_pb2 as pb
from ssv_api.v1.registry_pb2_grpc import RegistryStub
from ssv_eth1_listener.service import SERVICE, run
from ssv_eth1_listener.settings import Eth1ListenerSettings
from ssv_eth1_listener.store import RegistryStore
from ssv_protocol.beacon_chain import BeaconChain, BeaconFork, ScheduledFork
from ssv_protocol.forks import Network
from ssv_protocol.networks import MAINNET, local_network
from ssv_protocol.registry.state import RegistryState
from ssv_protocol.types.ids import BlsPublicKey, Epoch, ExecutionAddress, ForkVersion, OperatorId, Root
from ssv_protocol.types.operator import NO_OPERATOR_KEY
from ssv_runtime.network_file import write_network_file
from ssv_runtime.registry_client import RegistryView, watch
from ssv_runtime.rpc import channel
from ssv_runtime.service import BAD_SETTINGS, Service, serve
from ssv_runtime.settings import GrpcServiceSettings

FORKS = (ScheduledFork(BeaconFork.PHASE0, ForkVersion(bytes(4)), Epoch(0)),)
BEACON = BeaconChain(0, Root(bytes(32)), 6.0, 8, 8, 32, FORKS)


@dataclass
class World:
    """A chain, a signer that may be started and stopped, listeners on one folder."""

    chain: RegisteredChain
    folder: Path
    signer: BorderSigner = field(default_factory=lambda: BorderSigner(operator_keys()[0]))
    signer_port: int = 0

    def common(self, service: str) -> dict[str, object]:
        return {"network_file": self.folder / "network.json", **tls_settings(self.folder / "certs", service)}

    @asynccontextmanager
    async def running_signer(self) -> AsyncIterator[None]:
        settings = GrpcServiceSettings(**self.common("signer"), grpc_port=self.signer_port)  # type: ignore[arg-type]
        async with serving_signer(self.signer, settings) as self.signer_port:
            yield

    @asynccontextmanager
    async def running_listener(self, database: str = "registry.sqlite") -> AsyncIterator[RunningListener]:
        port_file = self.folder / "port"
        port_file.unlink(missing_ok=True)
        settings = Eth1ListenerSettings(
            **self.common("eth1-listener"),  # type: ignore[arg-type]
            execution_urls=[self.chain.url],
            registry_db=self.folder / database,
            signer_target=f"127.0.0.1:{self.signer_port}",
            poll_interval_s=0.02,
            grpc_port_file=port_file,
        )
        async with Service("eth1-listener") as service:
            running = asyncio.create_task(run(settings, service))
            try:
                await until(lambda: port_file.exists() or running.done())
                yield RunningListener(service, running, int(port_file.read_text()), self)
            finally:
                service.stopping.set()
                with suppress(asyncio.CancelledError):
                    await running


@dataclass
class RunningListener:
    """A listener that serves at `port`."""

    service: Service
    running: asyncio.Task[None]
    port: int
    world: World

    @asynccontextmanager
    async def client(self, caller: str = "consensus") -> AsyncIterator[grpc.aio.Channel]:
        settings = GrpcServiceSettings(**self.world.common(caller))  # type: ignore[arg-type]
        async with Service(caller) as service:
            yield channel(f"127.0.0.1:{self.port}", settings, service, "eth1-listener")

    async def is_ready(self) -> None:
        await until(lambda: not self.service.health.problems())


def in_a_world(folder: Path, scenario: Callable[[World], Awaitable[None]]) -> None:
    async def run_it() -> None:
        async with registered_chain() as chain:
            write_certificates(folder / "certs", ["signer", "eth1-listener", "consensus", "stranger"])
            write_network_file(folder / "network.json", Network(chain.network, BEACON))
            await scenario(World(chain, folder))

    asyncio.run(run_it())


async def first_at(views: AsyncIterator[RegistryView], block: int) -> RegistryView:
    async for view in views:
        if view.state.block_number >= block:
            return view
    raise AssertionError


def test_watchers_get_the_registry_and_every_change(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        await world.chain.tell_a_long_story()
        async with world.running_signer(), world.running_listener() as listener, listener.client() as client:
            views = watch(client, lost=pytest.fail)
            view = await first_at(views, await world.chain.head())
            assert set(view.state.validators) == set(world.chain.validators) - {
                world.chain.validators[1],
                world.chain.validators[6],
            }
            await listener.is_ready()
            if view.own_operator_id is None:  # the signer was asked after the registry had been sent
                view = await anext(views)
            assert view.own_operator_id == 1

            (new,) = await world.chain.add_validators(1)
            view = await first_at(views, await world.chain.head())
            assert new in view.state.validators
            await world.chain.liquidate()
            view = await first_at(views, await world.chain.head())
            assert view.state.validators[new].liquidated
            async with world.running_listener("other.sqlite") as other, other.client() as its_client:
                again = await first_at(watch(its_client, lost=pytest.fail), await world.chain.head())
            assert again.state.state_hash() == view.state.state_hash()

    in_a_world(tmp_path, scenario)


def test_a_watcher_resumes_where_it_was_and_gets_everything_where_that_is_unknown(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        async with world.running_signer(), world.running_listener() as listener, listener.client() as client:
            await world.chain.add_validators(2)
            early = (await first_at(watch(client, lost=pytest.fail), await world.chain.head())).state
            await world.chain.add_validators(1)
            late = (await first_at(watch(client, lost=pytest.fail), await world.chain.head())).state

            async def first_answer(after: RegistryState, block_hash: bytes) -> tuple[bool, int, int]:

                request = pb.WatchRequest(after_block=after.block_number, after_block_hash=block_hash)
                async for update in RegistryStub(client).Watch(request):
                    return update.snapshot, len(update.validators), update.block_number
                raise AssertionError

            assert await first_answer(early, early.block_hash) == (False, 1, late.block_number)
            assert await first_answer(late, late.block_hash) == (False, 0, late.block_number)
            assert await first_answer(early, bytes(32)) == (True, 3, late.block_number)

    in_a_world(tmp_path, scenario)


def test_a_watch_lives_through_a_restart_of_the_listener(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        async with world.running_signer():
            async with world.running_listener() as listener, listener.client() as client:
                await world.chain.add_validators(2)
                await first_at(watch(client, lost=pytest.fail), await world.chain.head())
                await listener.is_ready()
            await world.chain.add_validators(1)
        # the signer is gone now: who the operator is, is on disk
        async with world.running_listener() as listener, listener.client() as client:
            view = await first_at(watch(client, lost=pytest.fail), await world.chain.head())
            assert len(view.state.validators) == 3
            assert view.own_operator_id == 1
            assert listener.service.health.problems().keys() & {"signer", "shares"}

    in_a_world(tmp_path, scenario)


def test_shares_go_to_the_signer_and_leave_it(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        chain, signer = world.chain, world.signer
        stray = BlsPublicKey(b"\x11" * 48)
        await chain.add_validators(20, per_transaction=20)
        async with world.running_signer():
            async with world.running_listener() as listener:
                await listener.is_ready()
                assert signer.shares.keys() == set(chain.validators)
                (new,) = await chain.add_validators(1)
                await until(lambda: new in signer.shares)
                await chain.liquidate()
                await chain.remove_validator(chain.validators[0])
                await until(lambda: chain.validators[0] not in signer.shares)
                assert signer.shares.keys() == set(chain.validators[1:])  # liquidated ones are kept
            calls = len(signer.calls)
            # while the listener is away: one validator leaves, one comes, the signer holds one of long ago
            await chain.remove_validator(chain.validators[1])
            await chain.reactivate()
            (late,) = await chain.add_validators(1)
            signer.shares[stray] = type(next(iter(signer.shares.values())))(validator_pubkey=stray)
            async with world.running_listener() as listener:
                await listener.is_ready()
                assert signer.shares.keys() == {*chain.validators[2:], stray}  # nobody saw the stray one go
                assert late in signer.shares
                value = listener.service.metrics.registry.get_sample_value
                assert value("ssv_eth1_listener_unexplained_shares") == 1
            # one leaves, one comes, and the committee's keys are told once
            assert sorted(signer.calls[calls:]) == ["add", "remove"]

    in_a_world(tmp_path, scenario)


def test_a_signer_that_fails_is_asked_again_until_the_shares_are_there(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        await world.chain.add_validators(3)
        code = grpc.StatusCode
        world.signer.failures.extend([code.RESOURCE_EXHAUSTED, code.INTERNAL, code.PERMISSION_DENIED, code.ABORTED])
        async with world.running_signer():
            pass  # it has a port now, and is away
        async with world.running_listener() as listener:
            await until(lambda: "shares" in listener.service.health.problems())
            async with world.running_signer():
                await listener.is_ready()
                assert world.signer.shares.keys() == set(world.chain.validators)
                assert not world.signer.failures

    in_a_world(tmp_path, scenario)


def test_a_share_that_cannot_be_decrypted_is_reported_once_and_holds_up_no_other(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async def scenario(world: World) -> None:
        async with world.running_signer(), world.running_listener() as listener:
            foreign = await world.chain.add_validator_with_foreign_shares()
            (good,) = await world.chain.add_validators(1)
            await until(lambda: good in world.signer.shares)
            await listener.is_ready()
            assert foreign not in world.signer.shares
            await world.chain.add_validators(2)
            await until(lambda: len(world.signer.shares) == 3)
            value = listener.service.metrics.registry.get_sample_value
            await until(lambda: value("ssv_eth1_listener_shares", {"state": "held"}) == 3)
            assert value("ssv_eth1_listener_shares", {"state": "refused"}) == 1
            log = capfd.readouterr().err
            assert log.count("the signer refuses a share") == 1
            assert f"0x{foreign.hex()}" in log

    in_a_world(tmp_path, scenario)


def test_the_signer_learns_that_an_operator_left(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        await world.chain.add_validators(3)
        async with world.running_signer(), world.running_listener() as listener:
            await listener.is_ready()
            (committee,) = world.signer.committee_keys
            assert NO_OPERATOR_KEY not in world.signer.committee_keys[committee]
            calls = len(world.signer.calls)
            await world.chain.remove_operator(OperatorId(3))
            await until(lambda: NO_OPERATOR_KEY in world.signer.committee_keys[committee])
            assert world.signer.committee_keys[committee].index(NO_OPERATOR_KEY) == 2
            assert world.signer.calls[calls:] == ["add"]

    in_a_world(tmp_path, scenario)


def test_only_services_may_watch(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        async with world.running_signer(), world.running_listener() as listener, listener.client("stranger") as client:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                async for _ in RegistryStub(client).Watch(pb.WatchRequest()):
                    pass
            assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED

    in_a_world(tmp_path, scenario)


def test_a_database_of_another_contract_ends_it_with_one_clear_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    network = local_network(ExecutionAddress(b"\x0c" * 20), slot_duration_s=6)
    certificates = write_certificates(tmp_path / "certs", ["eth1-listener"])
    write_network_file(tmp_path / "network.json", Network(network, BEACON))
    RegistryStore(tmp_path / "db", ExecutionAddress(b"\x0d" * 20), 0).close()
    settings = Eth1ListenerSettings(
        network_file=tmp_path / "network.json",
        **tls_settings(certificates, "eth1-listener"),  # type: ignore[arg-type]
        execution_url="http://127.0.0.1:9",
        registry_db=tmp_path / "db",
        signer_target="127.0.0.1:9",
    )
    assert asyncio.run(serve(SERVICE, settings, asyncio.Event())) == BAD_SETTINGS
    (line,) = [line for line in capfd.readouterr().err.splitlines() if line.startswith("eth1-listener: ")]
    assert f"is of contract 0x{'0d' * 20}" in line
    assert "correct that file, or move the database away" in line


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("local", {}, (0, None)),
        ("mainnet", {}, (8, 300.0)),
        ("somebody's", {}, (8, 300.0)),
        ("mainnet", {"follow_distance": 0, "head_max_age_s": 0.0}, (0, 0.0)),
    ],
)
def test_public_networks_are_followed_at_a_distance(
    tmp_path: Path, name: str, given: dict[str, float], expected: tuple[int, float | None]
) -> None:
    (tmp_path / "any").touch()
    files = dict.fromkeys(("network_file", "tls_ca", "tls_cert", "tls_key"), tmp_path / "any")
    settings = Eth1ListenerSettings(**files, execution_url="x", signer_target="y", **given)  # type: ignore[arg-type]
    rules = settings.follow_rules(replace(MAINNET, name=name))
    assert (rules.follow_distance, rules.head_max_age_s) == expected
