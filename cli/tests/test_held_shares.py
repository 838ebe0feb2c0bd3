"""`ssvctl shares list` and `reconcile`, against a real signer and a registry that is served over gRPC."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from services.signer.tests.harness import Signer, make_world
from tests.support.service_certificates import tls_settings
from tests.support.signing_world import OWN, SigningWorld, Validator
from typer.testing import CliRunner, Result

from ssv_api.v1 import registry_pb2
from ssv_api.v1.registry_pb2_grpc import RegistryServicer, add_RegistryServicer_to_server
from ssv_protocol.registry.state import RegistryState, ValidatorRecord
from ssv_protocol.types.ids import BlsPublicKey, ExecutionAddress, OperatorId
from ssv_runtime import names
from ssv_runtime.registry_client import updates
from ssv_runtime.rpc import Permissions, secure_server
from ssv_runtime.service import Service
from ssv_runtime.settings import GrpcServiceSettings
from ssvctl.main import app

pytestmark = pytest.mark.asyncio


@pytest.fixture(scope="module")
def world() -> SigningWorld:
    return make_world()


@pytest.fixture
def signer(tmp_path: Path, world: SigningWorld) -> Signer:
    return Signer(tmp_path, world)


class Registry(RegistryServicer):
    """Tells the validators that it was given, and goes on listening as the real one does."""

    def __init__(self, records: list[ValidatorRecord], own: OperatorId | None) -> None:
        self._state = RegistryState(validators={record.public_key: record for record in records})
        self._own = own

    async def Watch(  # noqa: N802
        self, request: registry_pb2.WatchRequest, context: Any
    ) -> AsyncIterator[registry_pb2.RegistryUpdate]:
        for update in updates(None, self._state, self._own, 0):
            yield update
        await asyncio.Event().wait()


def record_of(validator: Validator) -> ValidatorRecord:
    size = len(validator.operators)
    shares = tuple(validator.share_pubkey if each == OWN else BlsPublicKey(bytes(48)) for each in validator.operators)
    owner = ExecutionAddress(bytes(20))
    return ValidatorRecord(validator.pubkey, owner, validator.operators, shares, (bytes(256),) * size, bytes(32))


@asynccontextmanager
async def registry(signer: Signer, *records: ValidatorRecord, own: OperatorId | None = OWN) -> AsyncIterator[int]:
    files: dict[str, Any] = {**tls_settings(signer.certificates, "eth1-listener")}
    settings = GrpcServiceSettings(network_file=signer.folder / "network.json", **files)
    permissions = Permissions({"ssv.v1.Registry/Watch": names.CALLERS})

    def add(server: Any) -> None:
        add_RegistryServicer_to_server(Registry(list(records), own), server)

    async with Service("eth1-listener") as service, secure_server(settings, service, [add], permissions) as port:
        yield port


async def shares(signer: Signer, *arguments: object) -> Result:
    place = ["--signer", f"127.0.0.1:{signer.port}", "--certs", str(signer.certificates)]
    invoke = CliRunner().invoke
    return await asyncio.to_thread(invoke, app, ["shares", *map(str, arguments), *place], env={"COLUMNS": "500"})


async def test_list(signer: Signer, world: SigningWorld) -> None:
    validators = [world.validator(index) for index in (1, 2)]
    async with signer.running():
        assert (await shares(signer, "list")).stdout.endswith("0 shares of 0 committees.\n")
        await signer.hold(*validators)
        result = await shares(signer, "list")
    assert result.exit_code == 0, result.output
    for validator in validators:
        assert f"0x{validator.pubkey.hex()}" in result.stdout
        assert f"0x{validator.share_pubkey.hex()}" in result.stdout
    assert "2 shares of 1 committees." in result.stdout


async def test_reconcile(signer: Signer, world: SigningWorld) -> None:
    good, moved, stray, missing = validators = [world.validator(index) for index in (1, 2, 3, 4)]
    other = replace(record_of(moved), operator_ids=(*sorted(world.keys)[:3], OperatorId(9)))
    records = record_of(good), other, record_of(missing)
    async with signer.running():
        await signer.hold(good, moved, stray)
        async with registry(signer, *records) as port:
            result = await shares(signer, "reconcile", "--registry", f"127.0.0.1:{port}")
        assert result.exit_code == 1, result.output
        assert "1 shares are as registered, 3 are not." in result.stdout
        lines = result.stdout.splitlines()
        for validator, words in (
            (moved, "registered with another share or committee"),
            (stray, "not registered"),
            (missing, "registered and not held"),
        ):
            assert any(f"0x{validator.pubkey.hex()}" in line and words in line for line in lines)
        assert not any(good.pubkey.hex() in line for line in lines)
        async with registry(signer, *map(record_of, validators[:3])) as port:
            result = await shares(signer, "reconcile", "--registry", f"127.0.0.1:{port}")
        assert (result.exit_code, result.stdout) == (0, "3 shares are as registered, 0 are not.\n")


async def test_an_operator_that_is_not_registered(signer: Signer) -> None:
    async with signer.running(), registry(signer, own=None) as port:
        result = await shares(signer, "reconcile", "--registry", f"127.0.0.1:{port}")
    assert result.exit_code == 1
    assert result.stderr.startswith("ssvctl: the operator is not registered")


async def test_no_registry(signer: Signer) -> None:
    async with signer.running():
        result = await shares(signer, "reconcile", "--registry", "127.0.0.1:1")
    assert result.exit_code == 1
    assert "the eth1-listener at 127.0.0.1:1 can't be reached" in result.stderr
