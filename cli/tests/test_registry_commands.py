"""`ssvctl registry` against a real EVM with the real contract, and listeners that serve what they read of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from tests.support.listener import clean_rebuild
from tests.support.registered_chain import RegisteredChain, registered_chain
from tests.support.service_certificates import tls_settings, write_certificates
from typer.testing import CliRunner, Result

from ssv_api.v1 import registry_pb2
from ssv_api.v1.registry_pb2_grpc import RegistryServicer, add_RegistryServicer_to_server
from ssv_devnet.faults import Reset
from ssv_devnet.proxy import Call, Fault, Forward, Reply, proxied
from ssv_protocol.beacon_chain import BeaconChain, BeaconFork, ScheduledFork
from ssv_protocol.forks import Network
from ssv_protocol.registry.state import RegistryState
from ssv_protocol.types.ids import Epoch, ForkVersion, OperatorId, Root
from ssv_runtime import names
from ssv_runtime.network_file import write_network_file
from ssv_runtime.registry_client import RegistryView, updates
from ssv_runtime.rpc import Permissions, secure_server
from ssv_runtime.service import Service
from ssv_runtime.settings import GrpcServiceSettings
from ssvctl import registry_sources
from ssvctl.main import app
from ssvctl.registry_file import write_registry

BEACON = BeaconChain(
    0, Root(bytes(32)), 6.0, 8, 8, 32, (ScheduledFork(BeaconFork.PHASE0, ForkVersion(bytes(4)), Epoch(0)),)
)
OWN = OperatorId(1)


class Registry(RegistryServicer):
    """Tells one state after the other to each watcher, then nothing more."""

    def __init__(self, *states: RegistryState) -> None:
        self.states = states

    async def Watch(  # noqa: N802
        self, request: registry_pb2.WatchRequest, context: Any
    ) -> AsyncIterator[registry_pb2.RegistryUpdate]:
        known = None
        for state in self.states:
            for update in updates(known, state, OWN, state.block_number):
                yield update
            known = state
        await asyncio.Event().wait()


@dataclass
class Place:
    """A folder with certificates and a network file, and a chain."""

    chain: RegisteredChain
    folder: Path

    @asynccontextmanager
    async def listener(self, *states: RegistryState) -> AsyncIterator[str]:
        files: dict[str, Any] = {**tls_settings(self.folder / "certs", "eth1-listener")}
        settings = GrpcServiceSettings(network_file=self.folder / "network.json", **files)
        permissions = Permissions({"ssv.v1.Registry/Watch": names.CALLERS})

        def add(server: Any) -> None:
            add_RegistryServicer_to_server(Registry(*states), server)

        async with Service("eth1-listener") as service, secure_server(settings, service, [add], permissions) as port:
            yield f"127.0.0.1:{port}"

    async def registry(self, command: str, *arguments: object, listens: bool = True, reads: bool = True) -> Result:
        options = ["--certs", self.folder / "certs"] if listens else []
        if reads:
            options += ["--execution-url", self.chain.url, "--network-file", self.folder / "network.json"]
        given = ["registry", command, *map(str, arguments), *map(str, options), "--dir", str(self.folder / "nobody")]
        return await asyncio.to_thread(CliRunner().invoke, app, given, env={"COLUMNS": "500"})


@pytest.fixture
def play(tmp_path: Path) -> Callable[[Callable[[Place], Awaitable[None]]], None]:
    def run(scenario: Callable[[Place], Awaitable[None]]) -> None:
        async def whole() -> None:
            async with registered_chain() as chain:
                write_certificates(tmp_path / "certs", ["eth1-listener", "cli"])
                write_network_file(tmp_path / "network.json", Network(chain.network, BEACON))
                await scenario(Place(chain, tmp_path))

        asyncio.run(whole())

    return run


Play = Callable[[Callable[[Place], Awaitable[None]]], None]


def test_show_rebuild_and_diff_of_a_registry_that_is_the_chains(play: Play) -> None:
    async def scenario(place: Place) -> None:
        await place.chain.tell_a_long_story()
        head = await place.chain.head()
        state = await clean_rebuild(place.chain, head)
        async with place.listener(state) as target:
            shown = await place.registry("show", "--listener", target, "--validators", "--operators", reads=False)
            assert shown.exit_code == 0, shown.output
            assert f"block        {head}\n" in shown.output
            assert f"block hash   0x{state.block_hash.hex()}" in shown.output
            assert f"validators   {len(state.validators)} (" in shown.output
            assert f"operator {OWN}: {len(state.validators)} validators in 1 committees" in shown.output
            assert all(f"0x{key.hex()}" in shown.output for key in state.validators)
            assert f"state hash   {state.state_hash()}" in shown.output

            rebuilt = await place.registry("rebuild", listens=False)
            assert rebuilt.exit_code == 0, rebuilt.output
            assert f"state hash   {state.state_hash()}" in rebuilt.output

            same = await place.registry("diff", target, "chain")
            assert (same.exit_code, same.output) == (
                0,
                f"the same at block {head}: state hash {state.state_hash()}\n",
            ), same.output
            await place.chain.add_validators(1)  # what the listener has not read is no difference
            same = await place.registry("diff", target, "chain")
            assert same.exit_code == 0, same.output

    play(scenario)


def test_diff_names_what_differs(play: Play) -> None:
    async def scenario(place: Place) -> None:
        keys = await place.chain.add_validators(3)
        state = await clean_rebuild(place.chain, await place.chain.head())
        missing = {key: record for key, record in state.validators.items() if key != keys[0]}
        missing[keys[1]] = replace(missing[keys[1]], liquidated=True)
        recipient = replace(state.recipients[place.chain.owner], next_nonce=7)
        wrong = replace(state, validators=missing, recipients={place.chain.owner: recipient}, clusters=None)
        async with place.listener(wrong) as target:
            found = await place.registry("diff", target, "chain")
        assert found.exit_code == 1, found.output
        lines = [" ".join(line.split()) for line in found.output.splitlines()]
        assert f"validator 0x{keys[0].hex()} registered" in lines
        assert f"validator 0x{keys[1].hex()}: liquidated True False" in lines
        assert f"owner 0x{place.chain.owner.hex()}: next nonce 7 3" in lines
        assert not any(keys[2].hex() in line for line in lines)
        assert f"chain: block {state.block_number}, state hash {state.state_hash()}" in lines

    play(scenario)


def test_two_listeners_are_compared_at_the_same_block(play: Play) -> None:
    async def scenario(place: Place) -> None:
        await place.chain.add_validators(1)
        earlier = await clean_rebuild(place.chain, await place.chain.head())
        await place.chain.add_validators(1)
        later = await clean_rebuild(place.chain, await place.chain.head())
        async with place.listener(earlier, later) as slow, place.listener(later) as fast:
            same = await place.registry("diff", slow, fast, reads=False)
            assert same.exit_code == 0, same.output
            assert f"at block {later.block_number}" in same.output

    play(scenario)


def test_a_registry_in_a_file_is_compared_with_the_chain_at_its_own_block(play: Play, tmp_path: Path) -> None:
    async def scenario(place: Place) -> None:
        await place.chain.add_validators(2)
        first, second = tmp_path / "first.registry", tmp_path / "second.registry"
        assert (await place.registry("rebuild", "--out", first, listens=False)).exit_code == 0
        again = await place.registry("rebuild", "--out", first, listens=False)
        assert again.exit_code == 1
        assert "exists already" in again.output
        await place.chain.remove_validator(place.chain.validators[0])
        same = await place.registry("diff", first, "chain")
        assert same.exit_code == 0, same.output
        assert (await place.registry("rebuild", "--out", second, listens=False)).exit_code == 0
        found = await place.registry("diff", first, second)
        assert found.exit_code == 1, found.output
        assert f"validator 0x{place.chain.validators[0].hex()}" in found.output
        early = await place.registry("rebuild", "--block", await place.chain.head() - 1, listens=False)
        assert same.output.split()[-1] in early.output

    play(scenario)


@dataclass
class Pruned:
    """A node that keeps no logs, and says so in the middle of a history or from the first block on."""

    from_the_start: bool
    cuts_streams: bool = False

    async def __call__(self, call: Call, forward: Forward) -> Reply:
        asked = json.loads(call.body)
        if asked["method"] == "eth_getLogs" or (self.from_the_start and asked["params"][:1] == ["earliest"]):
            error = {"code": 4444, "message": "pruned history unavailable"}
            return Reply(200, {}, json.dumps({"jsonrpc": "2.0", "id": asked["id"], "error": error}).encode())
        return await forward(call)


@pytest.mark.parametrize("fault", [Pruned(from_the_start=False), Pruned(from_the_start=True), Reset()], ids=str)
def test_a_rebuild_ends_when_no_node_can_tell_the_history(
    play: Play, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    monkeypatch.setattr(registry_sources, "LOOK_EVERY_S", 0.05)

    async def scenario(place: Place) -> None:
        await place.chain.add_validators(1)
        async with proxied(place.chain.url) as proxy:
            proxy.fault = fault
            place.chain.url = proxy.url
            failed = await place.registry("rebuild", listens=False)
            assert failed.exit_code == 1, failed.output
            assert failed.output.startswith(f"ssvctl: execution node {proxy.url} ")
            assert ("does not keep the history" in failed.output) == isinstance(fault, Pruned)

    play(scenario)


def test_what_cannot_be_compared_is_said_with_exit_code_2(play: Play, tmp_path: Path) -> None:
    async def scenario(place: Place) -> None:
        head = await place.chain.head()
        state = await clean_rebuild(place.chain, head)
        ahead = tmp_path / "ahead.registry"
        write_registry(ahead, RegistryView(replace(state, block_number=head + 10)))
        cut = tmp_path / "cut.registry"
        cut.write_bytes(ahead.read_bytes()[:-3])
        other = tmp_path / "other.registry"
        other.write_bytes(b"SQLite format 3")
        for first, said in (
            (ahead, f"at block {head}, before block {head + 10}"),
            (cut, "damaged or cut short"),
            (other, "is no registry file"),
            (tmp_path / "missing", "No such file"),
            ("127.0.0.1:1", "the eth1-listener at 127.0.0.1:1 can't be reached"),
            ("held", "nobody runs"),
            ("chain", "compared with itself"),
        ):
            failed = await place.registry("diff", first, "chain")
            assert failed.exit_code == 2, failed.output
            assert said in failed.output
        failed = await place.registry("rebuild", reads=False, listens=False)
        assert failed.exit_code == 1
        assert "nobody ran" in failed.output

    play(scenario)
