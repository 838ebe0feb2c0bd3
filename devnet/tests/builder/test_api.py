"""What the HTTP side refuses; what it does is tried with the real beacon node in tests/e2e."""

import asyncio
import secrets
import time

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from ssv_devnet.builder.api import builder_app
from ssv_devnet.builder.builder import Builder
from ssv_devnet.builder.record import BuilderRecord, read_record
from ssv_devnet.builder.registrations import RegistrationBook
from ssv_ethereum.beacon.answers import to_hex
from ssv_ethereum.beacon.http import JSON, SSZ, BeaconHttp
from ssv_protocol.beacon_chain import BeaconChain, BeaconFork, ScheduledFork
from ssv_protocol.crypto.bls import SecretKey
from ssv_protocol.crypto.signing_root import DOMAIN_APPLICATION_BUILDER, compute_signing_root
from ssv_protocol.types.beacon.registration import SignedValidatorRegistration, ValidatorRegistration
from ssv_protocol.types.ids import ZERO_ROOT, Epoch, ExecutionAddress, ForkVersion

FORK = ScheduledFork(BeaconFork.FULU, ForkVersion(bytes.fromhex("06000000")), Epoch(0))
CHAIN = BeaconChain(0, ZERO_ROOT, 6, 8, 8, 512, (FORK,))
KEY = SecretKey.generate(secrets.token_bytes)
NODE_THAT_IS_NOT_THERE = "http://127.0.0.1:1"
HEADER = f"/eth/v1/builder/header/4/{to_hex(bytes(32))}/{to_hex(KEY.public_key())}"
FULU = {"Content-Type": SSZ, "Eth-Consensus-Version": "fulu"}


def registration() -> bytes:
    message = ValidatorRegistration(ExecutionAddress(bytes(20)), 30_000_000, int(time.time()), KEY.public_key())
    root = compute_signing_root(message.hash_tree_root(), CHAIN.domain(DOMAIN_APPLICATION_BUILDER, Epoch(0)))
    return SignedValidatorRegistration(message, KEY.sign(root)).encode()


def ask(*requests: tuple[str, str, dict[str, str], bytes]) -> tuple[list[tuple[int, str]], BuilderRecord]:
    """Send requests (method, path, headers, body) one after the other; returns the answers and the record."""

    async def run() -> tuple[list[tuple[int, str]], BuilderRecord]:
        builder = Builder(CHAIN, RegistrationBook(CHAIN, time.time), SecretKey.generate(secrets.token_bytes))
        node = BeaconHttp(NODE_THAT_IS_NOT_THERE)
        answers = []
        async with TestServer(builder_app(builder, node)) as server, aiohttp.ClientSession() as session:
            for method, path, headers, body in requests:
                async with session.request(method, server.make_url(path), headers=headers, data=body) as answer:
                    answers.append((answer.status, await answer.text()))
            record = await read_record(str(server.make_url("/")))
        await node.close()
        return answers, record

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "status", "reason"),
    [
        ("GET", "/eth/v1/builder/status", {}, b"", 200, ""),
        ("POST", "/eth/v1/builder/validators", {"Content-Type": JSON}, b"[]", 415, "not application/json"),
        ("POST", "/eth/v1/builder/validators", {"Content-Type": SSZ}, bytes(179), 400, "ssz_decode"),
        ("GET", HEADER, {"Accept": JSON}, b"", 406, "bids are application/octet-stream"),
        ("GET", HEADER, {"Accept": SSZ}, b"", 204, ""),
        ("GET", HEADER.replace("0x", "0y"), {"Accept": SSZ}, b"", 400, "0x-prefixed hex expected"),
        ("POST", "/eth/v2/builder/blinded_blocks", {"Content-Type": JSON}, b"{}", 415, "not application/json"),
        ("POST", "/eth/v2/builder/blinded_blocks", {"Content-Type": SSZ}, b"", 400, "blocks are Fulu's"),
        ("POST", "/eth/v2/builder/blinded_blocks", FULU, b"\0", 400, "ssz_decode"),
        ("POST", "/eth/v1/builder/blinded_blocks", FULU, b"\0", 404, ""),
    ],
)
def test_answers(method: str, path: str, headers: dict[str, str], body: bytes, status: int, reason: str) -> None:
    (answer,), record = ask((method, path, headers, body))
    assert answer[0] == status
    assert reason in answer[1]
    assert record == BuilderRecord([], 0, [], [])


def test_a_node_that_does_not_answer_is_named() -> None:
    register = ("POST", "/eth/v1/builder/validators", {"Content-Type": SSZ}, registration() * 2)
    answers, record = ask(register, ("GET", HEADER, {"Accept": SSZ}, b""))
    assert answers[0] == (200, "")
    assert answers[1][0] == 502
    assert NODE_THAT_IS_NOT_THERE in answers[1][1]
    seen = record.registration_of(KEY.public_key())
    assert seen is not None
    assert seen.count == 2
