"""What `ssvctl up` says of its nodes: a real EVM, and a beacon node over real HTTP that can be made to fail."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from tests.support.fake_beacon import FakeBeacon, served_beacon
from tests.support.registered_chain import registered_chain
from web3.types import RPCEndpoint

from ssv_devnet.evm import AnvilSettings, connect, running_anvil
from ssv_protocol.beacon_chain import BeaconChain, BeaconFork, ScheduledFork
from ssv_protocol.forks import Network
from ssv_protocol.networks import HOODI, PUBLIC_CHAINS, SsvNetwork
from ssv_protocol.types.ids import Epoch, ExecutionAddress, ForkVersion, Root
from ssvctl.embedded.endpoints import Finding, Verdict, look_at_beacon_nodes, look_at_execution_nodes

pytestmark = pytest.mark.asyncio

FORKS = (ScheduledFork(BeaconFork.PHASE0, ForkVersion(bytes(4)), Epoch(0)),)
CHAIN = BeaconChain(int(time.time()) - 120, Root(bytes(32)), 12.0, 32, 256, 512, FORKS)
NOWHERE = "http://127.0.0.1:9"


async def of_execution(url: str, network: SsvNetwork, *, needs_history: bool = True) -> Finding:
    (finding,) = await look_at_execution_nodes([url], Network(network, CHAIN), needs_history=needs_history)
    return finding


async def test_execution_nodes_of_a_local_network() -> None:
    async with registered_chain() as chain:
        good, away = await look_at_execution_nodes(
            [chain.url, NOWHERE], Network(chain.network, CHAIN), needs_history=True
        )
        assert (good.verdict, away.verdict) == (Verdict.GOOD, Verdict.WAITED_FOR)
        head = await chain.head()
        assert str(good) == (
            f"execution node {chain.url} is good: chain 31337, synced, its head is block {head}; it has the contract, "
            "and its logs from block 0 on"
        )
        assert str(away).startswith(f"execution node {NOWHERE} is waited for: eth_chainId: ")
        elsewhere = replace(chain.network, registry_contract=ExecutionAddress(b"\x77" * 20))
        found = await of_execution(chain.url, elsewhere)
        assert (found.verdict, found.text) == (
            Verdict.USELESS,
            f"has no contract at 0x{'77' * 20}: is it of local?",
        )
        later = await of_execution(chain.url, replace(chain.network, registry_from_block=head + 5))
        assert (later.verdict, later.text) == (
            Verdict.WAITED_FOR,
            f"its newest block is {head}, the contract begins at {head + 5}",
        )
        other_chain = await of_execution(chain.url, HOODI)
        assert (other_chain.verdict, other_chain.text) == (
            Verdict.USELESS,
            "is of chain 31337, hoodi is on 560048",
        )


async def test_execution_nodes_of_a_public_network() -> None:
    chain_id = PUBLIC_CHAINS["hoodi"].execution_chain_id
    async with (
        running_anvil(AnvilSettings(slots_per_epoch=32, chain_id=chain_id)) as anvil,
        connect(anvil.http_url) as web3,
    ):

        async def rpc(method: str, *parameters: object) -> None:
            answer = await web3.provider.make_request(RPCEndpoint(method), list(parameters))
            assert "error" not in answer, answer

        await rpc("anvil_mine", hex(HOODI.registry_from_block + 10))
        await rpc("anvil_setCode", "0x" + HOODI.registry_contract.hex(), "0x00")
        found = await of_execution(anvil.http_url, HOODI)
        assert found.verdict is Verdict.USELESS
        assert found.text.startswith("has the contract but not its first logs, from block 1065 on: use a node that")
        kept = await of_execution(anvil.http_url, HOODI, needs_history=False)  # the registry was read before
        assert kept.verdict is Verdict.GOOD, kept
    async with (
        running_anvil(AnvilSettings(slots_per_epoch=32, chain_id=chain_id)) as anvil,
        connect(anvil.http_url) as web3,
    ):
        await rpc("evm_setTime", int(time.time()) - 3 * 86_400)
        await rpc("anvil_mine", "0x1")
        old = await of_execution(anvil.http_url, HOODI)
        assert (old.verdict, old.text) == (Verdict.WAITED_FOR, "its newest block, 1, is 3 days old; it is syncing")


async def test_beacon_nodes() -> None:
    async with registered_chain() as chain, served_beacon(FakeBeacon({}, CHAIN)) as beacon:
        network = Network(chain.network, CHAIN)
        good, away = await look_at_beacon_nodes([beacon.url, NOWHERE], network)
        assert str(good) == f"beacon node {beacon.url} is good: fake/1, of local, synced, its head is slot 1"
        assert away.verdict is Verdict.WAITED_FOR
        beacon.chain = replace(CHAIN, slot_duration_s=5.0)
        (found,) = await look_at_beacon_nodes([beacon.url], network)
        assert (found.verdict, found.text) == (
            Verdict.USELESS,
            "is of another network: its slot time is 5.0, ours 12.0",
        )
