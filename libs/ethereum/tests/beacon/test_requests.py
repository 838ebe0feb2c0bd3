"""What each call sends and how it reads the answer, against a server that keeps the requests."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest
from aiohttp import web

from ssv_ethereum.beacon.blocks import BlockAttestation, BlockContent, BlockVotes, ProducedBlock
from ssv_ethereum.beacon.duties import AttesterDuty, BeaconCommittee, SyncDuty
from ssv_ethereum.beacon.errors import BeaconAnswerInvalid, BeaconRefused
from ssv_ethereum.beacon.node import BeaconNode
from ssv_ethereum.beacon.validators import NOT_LEAVING, ValidatorInfo
from ssv_protocol.beacon_chain import BeaconFork
from ssv_protocol.types.beacon.attestation import AttestationData, Checkpoint, SingleAttestation
from ssv_protocol.types.beacon.exit import SignedVoluntaryExit, VoluntaryExit
from ssv_protocol.types.beacon.registration import SignedValidatorRegistration, ValidatorRegistration
from ssv_protocol.types.ids import BlsPublicKey, BlsSignature, Epoch, ExecutionAddress, Root, Slot, ValidatorIndex

Serve = Callable[[Any], AbstractAsyncContextManager[str]]
T = TypeVar("T")
ROOT, ROOT_HEX = Root(b"\x0a" * 32), "0x" + "0a" * 32
KEY, KEY_HEX = BlsPublicKey(b"\x0b" * 48), "0x" + "0b" * 48
DATA = AttestationData(Slot(9), 0, ROOT, Checkpoint(Epoch(0), ROOT), Checkpoint(Epoch(1), ROOT))
DATA_JSON = {
    "slot": "9",
    "index": "0",
    "beacon_block_root": ROOT_HEX,
    "source": {"epoch": "0", "root": ROOT_HEX},
    "target": {"epoch": "1", "root": ROOT_HEX},
}


@dataclass
class Sent:
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


def asked(
    serve: Serve, call: Callable[[BeaconNode], Awaitable[T]], answer: web.Response | dict[str, Any]
) -> tuple[T, Sent]:
    """Return what `call` gives when the node answers `answer`, and what was sent."""
    sent: list[Sent] = []

    async def handler(request: web.Request) -> web.Response:
        body = await request.read()
        sent.append(Sent(request.path, dict(request.query), dict(request.headers), body))
        return answer if isinstance(answer, web.Response) else web.json_response(answer)

    async def scenario() -> T:
        async with serve(handler) as url, BeaconNode(url) as node:
            return await call(node)

    return asyncio.run(scenario()), sent[-1]


def test_validators_by_pubkey(serve: Serve) -> None:
    record = {"pubkey": KEY_HEX, "activation_epoch": "3", "exit_epoch": "18446744073709551615"}
    answer = {"data": [{"index": "7", "status": "active_ongoing", "validator": record}]}
    found, sent = asked(serve, lambda node: node.validators.by_pubkey([KEY]), answer)
    assert json.loads(sent.body) == {"ids": [KEY_HEX]}
    assert found == {KEY: ValidatorInfo(ValidatorIndex(7), KEY, "active_ongoing", Epoch(3), NOT_LEAVING)}


def test_validators_by_index(serve: Serve) -> None:
    record = {"pubkey": KEY_HEX, "activation_epoch": "3", "exit_epoch": "12"}
    answer = {"data": [{"index": "7", "status": "active_exiting", "validator": record}]}
    found, sent = asked(serve, lambda node: node.validators.by_index([ValidatorIndex(7), ValidatorIndex(8)]), answer)
    assert json.loads(sent.body) == {"ids": ["7", "8"]}
    assert found == {7: ValidatorInfo(ValidatorIndex(7), KEY, "active_exiting", Epoch(3), Epoch(12))}


def test_questions_about_nobody_never_ask_for_all_validators() -> None:
    async def scenario() -> None:
        async with BeaconNode("http://127.0.0.1:1") as node:
            assert await node.validators.by_pubkey([]) == {}
            assert await node.validators.by_index([]) == {}

    asyncio.run(scenario())


def test_attester_duties(serve: Serve) -> None:
    duty = {
        "pubkey": KEY_HEX,
        "validator_index": "7",
        "committee_index": "2",
        "committee_length": "4",
        "committees_at_slot": "3",
        "validator_committee_index": "1",
        "slot": "17",
    }
    answer = {"dependent_root": ROOT_HEX, "execution_optimistic": False, "data": [duty]}
    indices = [ValidatorIndex(7), ValidatorIndex(8)]
    got, sent = asked(serve, lambda node: node.duties.attester(Epoch(2), indices), answer)
    assert sent.path == "/eth/v1/validator/duties/attester/2"
    assert json.loads(sent.body) == ["7", "8"]
    assert got.dependent_root == ROOT
    assert got.duties == (AttesterDuty(Slot(17), ValidatorIndex(7), KEY, 2, 4, 3, 1),)


def test_sync_duties_and_committees(serve: Serve) -> None:
    answer = {"data": [{"pubkey": KEY_HEX, "validator_index": "7", "validator_sync_committee_indices": ["1", "511"]}]}
    got, _ = asked(serve, lambda node: node.duties.sync(Epoch(2), [ValidatorIndex(7)]), answer)
    assert got == (SyncDuty(ValidatorIndex(7), KEY, (1, 511)),)
    committee = {"index": "1", "slot": "9", "validators": ["4", "2"]}
    committees, sent = asked(serve, lambda node: node.duties.committees(Epoch(1)), {"data": [committee]})
    assert sent.query == {"epoch": "1"}
    assert committees == (BeaconCommittee(Slot(9), 1, (ValidatorIndex(4), ValidatorIndex(2))),)


def test_attestation_data(serve: Serve) -> None:
    got, sent = asked(serve, lambda node: node.attestations.data(Slot(9)), {"data": DATA_JSON})
    assert got == DATA
    assert sent.query == {"slot": "9", "committee_index": "0"}


def test_attestation_data_of_a_wrong_type_is_invalid(serve: Serve) -> None:
    with pytest.raises(BeaconAnswerInvalid, match=r"AttestationData\.slot: is missing"):
        asked(serve, lambda node: node.attestations.data(Slot(9)), {"data": {}})


def test_attestations_go_out_in_one_request_with_their_fork(serve: Serve) -> None:
    attestations = [
        SingleAttestation(0, ValidatorIndex(index), DATA, BlsSignature(bytes([index]) * 96)) for index in (1, 2)
    ]
    _, sent = asked(serve, lambda node: node.attestations.submit(attestations, BeaconFork.FULU), web.Response())
    assert sent.path == "/eth/v2/beacon/pool/attestations"
    assert sent.headers["Eth-Consensus-Version"] == "fulu"
    assert [(item["attester_index"], item["data"]) for item in json.loads(sent.body)] == [
        ("1", DATA_JSON),
        ("2", DATA_JSON),
    ]


def test_a_produced_block_keeps_its_bytes(serve: Serve) -> None:
    headers = {"Eth-Consensus-Version": "fulu", "Eth-Execution-Payload-Blinded": "true"}
    answer = web.Response(body=b"\x01\x02", content_type="application/octet-stream", headers=headers)
    reveal = BlsSignature(b"\x0c" * 96)
    got, sent = asked(serve, lambda node: node.blocks.produce(Slot(9), reveal, b"hi"), answer)
    assert got == ProducedBlock(BeaconFork.FULU, True, b"\x01\x02")
    assert sent.query == {"randao_reveal": "0x" + "0c" * 96, "graffiti": "0x6869" + "00" * 30}
    assert sent.headers["Accept"] == "application/octet-stream"


@pytest.mark.parametrize(
    ("content_type", "fork", "problem"),
    [("application/json", "fulu", "not SSZ"), ("application/octet-stream", "later", "unknown fork 'LATER'")],
)
def test_a_produced_block_that_cannot_be_signed(serve: Serve, content_type: str, fork: str, problem: str) -> None:
    answer = web.Response(body=b"{}", content_type=content_type, headers={"Eth-Consensus-Version": fork})
    with pytest.raises(BeaconAnswerInvalid, match=problem):
        asked(serve, lambda node: node.blocks.produce(Slot(9), BlsSignature(bytes(96))), answer)


@pytest.mark.parametrize(("is_blinded", "path"), [(False, "blocks"), (True, "blinded_blocks")])
def test_publishing_a_block(serve: Serve, is_blinded: bool, path: str) -> None:
    answer = web.Response(status=202)
    _, sent = asked(serve, lambda node: node.blocks.publish(b"\x01", BeaconFork.ELECTRA, is_blinded=is_blinded), answer)
    assert sent.path == f"/eth/v2/beacon/{path}"
    assert (sent.body, sent.headers["Eth-Consensus-Version"]) == (b"\x01", "electra")
    assert sent.headers["Content-Type"] == "application/octet-stream"


def test_the_content_of_a_block(serve: Serve) -> None:
    attestation = {
        "aggregation_bits": "0x0d",
        "committee_bits": "0x0200000000000000",
        "data": {"slot": "8"},
        "signature": "0x",
    }
    body = {
        "graffiti": "0x6869" + "00" * 30,
        "attestations": [attestation],
        "voluntary_exits": [{"message": {"epoch": "1", "validator_index": "12"}, "signature": "0x"}],
        "sync_aggregate": {"sync_committee_bits": "0xff"},
        "execution_payload": {"fee_recipient": "0x" + "0d" * 20, "block_hash": "0x" + "0e" * 32},
    }
    message = {"slot": "9", "proposer_index": "3", "parent_root": ROOT_HEX, "body": body}
    votes = BlockVotes(
        Slot(9), ValidatorIndex(3), ROOT, (BlockAttestation(Slot(8), b"\x02" + bytes(7), b"\x0d"),), b"\xff"
    )
    answer = {"data": {"message": message}}
    got, sent = asked(serve, lambda node: node.blocks.content(Slot(9)), answer)
    assert sent.path == "/eth/v2/beacon/blocks/9"
    fee_recipient = ExecutionAddress(b"\x0d" * 20)
    assert got == BlockContent(votes, b"hi".ljust(32, b"\0"), (ValidatorIndex(12),), fee_recipient, b"\x0e" * 32)
    assert asked(serve, lambda node: node.blocks.votes(Slot(9)), answer)[0] == votes


def test_a_missing_block_is_none_and_a_failure_is_not(serve: Serve) -> None:
    missing = web.json_response({"code": 404, "message": "no"}, status=404)
    assert asked(serve, lambda node: node.blocks.votes(Slot(9)), missing)[0] is None
    missing = web.json_response({"code": 404, "message": "no"}, status=404)
    assert asked(serve, lambda node: node.blocks.root("head"), missing)[0] is None
    with pytest.raises(BeaconRefused):
        asked(serve, lambda node: node.blocks.votes(Slot(9)), web.Response(status=500))


def test_committee_subscriptions_of_duties(serve: Serve) -> None:
    duty = AttesterDuty(Slot(9), ValidatorIndex(5), KEY, 3, 64, 4, 17)
    _, sent = asked(serve, lambda node: node.subscriptions.committees([duty], is_aggregator=False), {})
    assert sent.path == "/eth/v1/validator/beacon_committee_subscriptions"
    assert json.loads(sent.body) == [
        {
            "validator_index": "5",
            "committee_index": "3",
            "committees_at_slot": "4",
            "slot": "9",
            "is_aggregator": False,
        }
    ]


def test_sync_committee_subscriptions(serve: Serve) -> None:
    duty = SyncDuty(ValidatorIndex(5), KEY, (1, 511))
    _, sent = asked(serve, lambda node: node.subscriptions.sync_committee([duty], Epoch(8)), {})
    assert sent.path == "/eth/v1/validator/sync_committee_subscriptions"
    assert json.loads(sent.body) == [
        {"validator_index": "5", "sync_committee_indices": ["1", "511"], "until_epoch": "8"}
    ]


def test_an_exit(serve: Serve) -> None:
    signed = SignedVoluntaryExit(VoluntaryExit(Epoch(3), ValidatorIndex(5)), BlsSignature(b"\x0c" * 96))
    plain = {"message": {"epoch": "3", "validator_index": "5"}, "signature": "0x" + "0c" * 96}
    _, sent = asked(serve, lambda node: node.exits.submit(signed), web.Response())
    assert sent.path == "/eth/v1/beacon/pool/voluntary_exits"
    assert json.loads(sent.body) == plain
    assert asked(serve, lambda node: node.exits.pool(), {"data": [plain]})[0] == (signed,)


def test_a_registration(serve: Serve) -> None:
    registration = ValidatorRegistration(ExecutionAddress(b"\x0d" * 20), 36_000_000, 1_700_000_000, KEY)
    signed = SignedValidatorRegistration(registration, BlsSignature(b"\x0c" * 96))
    _, sent = asked(serve, lambda node: node.proposers.register([signed]), web.Response())
    assert sent.path == "/eth/v1/validator/register_validator"
    assert json.loads(sent.body) == [
        {
            "message": {
                "fee_recipient": "0x" + "0d" * 20,
                "gas_limit": "36000000",
                "timestamp": "1700000000",
                "pubkey": KEY_HEX,
            },
            "signature": "0x" + "0c" * 96,
        }
    ]


def test_preparations_go_out_in_batches(serve: Serve) -> None:
    bodies: list[Any] = []

    async def handler(request: web.Request) -> web.Response:
        assert request.path == "/eth/v1/validator/prepare_beacon_proposer"
        bodies.append(await request.json())
        return web.Response()

    async def scenario() -> None:
        async with serve(handler) as url, BeaconNode(url) as node:
            await node.proposers.prepare({})
            await node.proposers.prepare(
                {ValidatorIndex(index): ExecutionAddress(b"\x0d" * 20) for index in range(501)}
            )

    asyncio.run(scenario())
    assert [len(body) for body in bodies] == [500, 1]
    assert bodies[1] == [{"validator_index": "500", "fee_recipient": "0x" + "0d" * 20}]


def test_without_duties_no_subscription_is_sent(serve: Serve) -> None:
    async def scenario() -> list[str]:
        paths: list[str] = []

        async def handler(request: web.Request) -> web.Response:
            paths.append(request.path)
            return web.json_response({})

        async with serve(handler) as url, BeaconNode(url) as node:
            await node.subscriptions.committees([], is_aggregator=False)
            await node.subscriptions.sync_committee([], Epoch(8))
        return paths

    assert asyncio.run(scenario()) == []
