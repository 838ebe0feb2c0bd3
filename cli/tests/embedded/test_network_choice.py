"""Which network `ssvctl up` takes, by its name and by the word of a beacon node over real HTTP."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from tests.support.fake_beacon import FakeBeacon, served_beacon

from ssv_protocol.beacon_chain import BeaconChain, BeaconFork, ScheduledFork
from ssv_protocol.forks import Network
from ssv_protocol.networks import HOODI, PUBLIC_CHAINS, local_network
from ssv_protocol.types.ids import Epoch, ExecutionAddress, ForkVersion, Root
from ssv_runtime.network_file import read_network_file, write_network_file
from ssvctl.embedded.network_choice import choose_network
from ssvctl.embedded.settings import OperatorSettings
from ssvctl.errors import SsvctlError

pytestmark = pytest.mark.asyncio

PHASE0 = ScheduledFork(BeaconFork.PHASE0, ForkVersion(b"\x10\0\x09\x10"), Epoch(0))
LATER = ScheduledFork(BeaconFork.ALTAIR, ForkVersion(b"\x20\0\x09\x10"), Epoch(1_000_000_000))
CHAIN = BeaconChain(
    int(time.time()) - 120, PUBLIC_CHAINS["hoodi"].genesis_validators_root, 12.0, 32, 256, 512, (PHASE0,)
)


@pytest_asyncio.fixture
async def beacon() -> AsyncIterator[FakeBeacon]:
    async with served_beacon(FakeBeacon({}, CHAIN)) as served:
        yield served


@pytest.fixture
def made(tmp_path: Path) -> Path:
    return tmp_path / "made.json"


def content(file: Path) -> bytes:
    return file.read_bytes() if file.exists() else b""


def named(beacon: FakeBeacon, settings: OperatorSettings, network: str | None, file: Path | None) -> OperatorSettings:
    changes = {"network": network, "network_file": file, "beacon_urls": (beacon.url,)}
    return settings.model_copy(update=changes)


async def test_a_file_is_made_once_and_again_when_a_fork_is_to_come(
    beacon: FakeBeacon, settings: OperatorSettings, made: Path
) -> None:
    said: list[str] = []
    wanted = named(beacon, settings, "hoodi", None)
    first = await choose_network(wanted, made, said.append)
    assert (first.ssv, first.chain.genesis_time_s) == (HOODI, CHAIN.genesis_time_s)
    assert await choose_network(wanted, made, said.append) == first == read_network_file(made)
    beacon.chain = replace(CHAIN, forks=(PHASE0, LATER))
    second = await choose_network(wanted, made, said.append)
    assert second.chain.forks[-1] == LATER
    assert read_network_file(made) == second
    assert [line.partition(str(made))[0] for line in said] == ["wrote ", "wrote "]
    beacon.trouble["/"] = 503  # the file does
    assert await choose_network(wanted, made, said.append) == second


async def test_it_waits_for_a_beacon_node_and_says_so(
    beacon: FakeBeacon, settings: OperatorSettings, made: Path
) -> None:
    beacon.trouble["/"] = 503
    said: list[str] = []

    def say(text: str) -> None:
        said.append(text)
        beacon.trouble.clear()

    assert (await choose_network(named(beacon, settings, "hoodi", None), made, say)).ssv == HOODI
    assert said[0].startswith("waits for a beacon node that describes the network (http://127.0.0.1")
    assert "HTTP 503" in said[0]


async def test_a_node_of_another_chain_makes_no_file(
    beacon: FakeBeacon, settings: OperatorSettings, made: Path
) -> None:
    beacon.chain = replace(CHAIN, genesis_validators_root=Root(bytes(32)))
    with pytest.raises(
        SsvctlError, match=r"beacon node http://\S+ is not of hoodi: its genesis validators root is 0x00"
    ):
        await choose_network(named(beacon, settings, "hoodi", None), made, lambda _: None)
    assert content(made) == b""


async def test_a_file_that_is_not_the_chains_any_more_is_not_written_over(
    beacon: FakeBeacon, settings: OperatorSettings, made: Path
) -> None:
    write_network_file(made, Network(HOODI, replace(CHAIN, genesis_time_s=CHAIN.genesis_time_s - 24)))
    before = content(made)
    with pytest.raises(SsvctlError, match=r"is of another chain than \S+made.json: its genesis time is"):
        await choose_network(named(beacon, settings, "hoodi", None), made, lambda _: None)
    assert content(made) == before


async def test_a_named_file_is_that_of_the_named_network(
    beacon: FakeBeacon, settings: OperatorSettings, made: Path, tmp_path: Path
) -> None:
    file = tmp_path / "named.json"
    other = replace(CHAIN, genesis_validators_root=Root(bytes(32)))
    local = Network(local_network(ExecutionAddress(bytes(20)), 12.0), other)
    write_network_file(file, local)
    for name in ("local", None):
        assert await choose_network(named(beacon, settings, name, file), made, lambda _: None) == local
    with pytest.raises(SsvctlError, match=r"is of local, not of hoodi"):
        await choose_network(named(beacon, settings, "hoodi", file), made, lambda _: None)
    with pytest.raises(SsvctlError, match=r"give --network-file"):
        await choose_network(named(beacon, settings, "local", None), made, lambda _: None)
    write_network_file(file, Network(HOODI, other))
    with pytest.raises(SsvctlError, match=r"network file \S+ is not of hoodi"):
        await choose_network(named(beacon, settings, "hoodi", file), made, lambda _: None)
    assert content(made) == b""
