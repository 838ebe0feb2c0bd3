"""`ssvctl up --network hoodi` as a user runs it: the chain id, genesis, contract address and first block are hoodi's,
the EVM and the contract are real, the beacon node is one for tests."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tests.support.fake_beacon import FakeBeacon, served_beacon
from tests.support.processes import pids_with
from tests.support.registered_chain import operator_keys
from web3.types import RPCEndpoint

from ssv_devnet.evm import AnvilSettings, connect, running_anvil
from ssv_devnet.registry_contract import (
    RegistryContract,
    deploy,
    load_artifact,
    register_operators,
    register_validators,
)
from ssv_protocol.beacon_chain import BeaconChain, BeaconFork, ScheduledFork
from ssv_protocol.crypto.bls import SecretKey
from ssv_protocol.crypto.shares import build_share_data
from ssv_protocol.networks import HOODI, PUBLIC_CHAINS
from ssv_protocol.registry.operator_key import encode_operator_key
from ssv_protocol.types.ids import Epoch, ExecutionAddress, ForkVersion
from ssv_runtime.network_file import read_network_file
from ssvctl.operator_keys import write_operator_key

SSVCTL = str(Path(sys.executable).with_name("ssvctl"))
WITHIN_S = 120
PASSWORD = "open sesame, a password of its own"
CHAIN_ID = PUBLIC_CHAINS["hoodi"].execution_chain_id
FORKS = (ScheduledFork(BeaconFork.PHASE0, ForkVersion(b"\x10\0\x09\x10"), Epoch(0)),)
VALIDATOR_INDEX = 7


@dataclass
class Hoodi:
    """A beacon node, and an EVM whose contract has four operators and a validator of theirs."""

    beacon: FakeBeacon
    execution_url: str


@asynccontextmanager
async def hoodi() -> AsyncIterator[Hoodi]:
    genesis = PUBLIC_CHAINS["hoodi"].genesis_validators_root
    chain = BeaconChain(int(time.time()) - 600, genesis, 12.0, 32, 256, 512, FORKS)
    secret = SecretKey.generate(secrets.token_bytes)
    async with AsyncExitStack() as stack:
        anvil = await stack.enter_async_context(running_anvil(AnvilSettings(slots_per_epoch=32, chain_id=CHAIN_ID)))
        web3 = await stack.enter_async_context(connect(anvil.http_url))

        async def rpc(method: str, *parameters: object) -> None:
            answer = await web3.provider.make_request(RPCEndpoint(method), list(parameters))
            assert "error" not in answer, answer

        deployed = await deploy(web3, load_artifact())
        address = web3.to_checksum_address(HOODI.registry_contract)
        await rpc("anvil_setCode", address, (await web3.eth.get_code(deployed.address)).to_0x_hex())
        contract = RegistryContract(web3, web3.eth.contract(address=address, abi=deployed.contract.abi), deployed.owner)
        await rpc("anvil_mine", hex(HOODI.registry_from_block))
        keys = operator_keys()
        ids = await register_operators(contract, [encode_operator_key(key.public_pem()) for key in keys])
        owner = ExecutionAddress(bytes.fromhex(contract.owner[2:]))
        pems = {operator_id: key.public_pem() for operator_id, key in zip(ids, keys, strict=True)}
        shares = build_share_data(secret, pems, owner, 0, secrets.token_bytes)
        await register_validators(contract, [(secret.public_key(), shares.encode())], ids)
        await rpc("anvil_mine", "0x10")  # the contract is read some blocks behind the head
        beacon = await stack.enter_async_context(
            served_beacon(FakeBeacon({secret.public_key(): VALIDATOR_INDEX}, chain))
        )
        yield Hoodi(beacon, anvil.http_url)


@asynccontextmanager
async def ssvctl_up(folder: Path, beacon_url: str, execution_url: str) -> AsyncIterator[asyncio.subprocess.Process]:
    key_file, password_file = folder.with_name("operator.json"), folder.with_name("password.txt")
    if not key_file.exists():
        password_file.write_text(PASSWORD)
        write_operator_key(key_file, operator_keys()[0], PASSWORD)
    command: list[str | Path] = [SSVCTL, "up", "--dir", folder, "--grouped", "--network", "hoodi"]
    command += ["--operator-key-file", key_file, "--password-file", password_file]
    command += ["--beacon-url", beacon_url, "--execution-url", execution_url]
    process = await asyncio.create_subprocess_exec(
        *command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def until_said(process: asyncio.subprocess.Process, *wanted: str) -> None:
    """Read the lines until each wanted text was the start of one."""
    assert process.stdout is not None
    lines: list[str] = []
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(WITHIN_S):
            while not all(any(line.startswith(text) for line in lines) for text in wanted):
                line = await process.stdout.readline()
                assert line, f"ended early: {lines}"
                lines.append(line.decode().rstrip())
    assert [text for text in wanted if not any(line.startswith(text) for line in lines)] == [], lines


def test_it_checks_its_nodes_and_runs_until_told_to_stop(tmp_path: Path) -> None:
    folder = tmp_path / "operator"

    async def scenario() -> None:
        async with hoodi() as world, ssvctl_up(folder, world.beacon.url, world.execution_url) as process:
            await until_said(
                process,
                f"wrote {folder}/network.json: hoodi, as the beacon node {world.beacon.url} describes its chain",
                f"beacon node {world.beacon.url} is good: fake/1, of hoodi, synced",
                f"execution node {world.execution_url} is good: chain {CHAIN_ID}, synced, its head is block",
                "eth1-listener: waits for ",
                "all services are ready",
            )
            assert read_network_file(folder / "network.json").ssv == HOODI
            await asyncio.wait_for(known(world), WITHIN_S)
            for command, expected in (
                ("show", "own          operator 1: 1 validators in 1 committees"),
                ("rebuild", "validators   1 (0 liquidated, 0 asked to exit)"),
                ("diff", "the same at block "),
            ):
                code, output = await registry(folder, command)
                assert code == 0, output
                assert expected in output
            process.send_signal(signal.SIGTERM)
            assert await process.wait() == 0
        assert pids_with(str(folder)) == []

    asyncio.run(scenario())


async def registry(folder: Path, command: str) -> tuple[int | None, str]:
    arguments: list[str | Path] = [SSVCTL, "registry", command, "--dir", folder]
    process = await asyncio.create_subprocess_exec(*arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    output, _ = await process.communicate()
    return process.returncode, output.decode()


async def known(world: Hoodi) -> None:
    """Return once the beacon node was told of the validator's duties: registry, shares and duties have met."""
    while not any(int(each["validator_index"]) == VALIDATOR_INDEX for each in world.beacon.subscriptions):  # noqa: ASYNC110
        await asyncio.sleep(0.05)


def test_nodes_of_another_network_are_named_and_nothing_is_started(tmp_path: Path) -> None:
    folder = tmp_path / "operator"

    async def said(beacon_url: str, execution_url: str) -> str:
        async with ssvctl_up(folder, beacon_url, execution_url) as process:
            output, _ = await process.communicate()
            assert process.returncode == 1
            return output.decode()

    async def scenario() -> None:
        async with hoodi() as world, AsyncExitStack() as stack:
            other_chain = replace(
                world.beacon.chain, genesis_validators_root=PUBLIC_CHAINS["sepolia"].genesis_validators_root
            )
            of_sepolia = await stack.enter_async_context(served_beacon(FakeBeacon({}, other_chain)))
            assert "is not of hoodi: its genesis validators root is 0xd8ea" in await said(
                of_sepolia.url, world.execution_url
            )
            local = await stack.enter_async_context(running_anvil(AnvilSettings(slots_per_epoch=32)))
            assert "can't be used: is of chain 31337, hoodi is on 560048" in await said(
                world.beacon.url, local.http_url
            )
        assert not (folder / "log").exists()

    asyncio.run(scenario())
