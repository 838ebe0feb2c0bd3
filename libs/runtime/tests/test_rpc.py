from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from libs.runtime.tests.conftest import PATIENCE_S, Lines, a_service, sample, settings_of, write_pair
from tests.support.leaseless_signer import LeaselessSigner

from ssv_api.v1 import signer_pb2
from ssv_api.v1.signer_pb2_grpc import SignerStub, add_SignerServicer_to_server
from ssv_runtime.certificates import issue, make_ca
from ssv_runtime.names import CALLERS, CONSENSUS
from ssv_runtime.rpc import Permissions, RpcFailure, RpcRefusal, caller_of, channel, secure_server
from ssv_runtime.rpc.limits import MAX_MESSAGE_BYTES

pytestmark = pytest.mark.asyncio

SECRET = "5ec7e7-in-an-exception"
PERMISSIONS = Permissions(
    {
        "ssv.v1.Signer/Sign": [CONSENSUS],
        "ssv.v1.Signer/Identity": CALLERS,
        "ssv.v1.Signer/AddShare": ["eth1-listener"],
        "ssv.v1.Signer/RemoveShare": CALLERS,
        "ssv.v1.Signer/Watermarks": CALLERS,
    }
)


class Answers(LeaselessSigner):
    """Says who asked; refuses, aborts and breaks on demand."""

    def __init__(self) -> None:
        self.signed = 0
        self.identified = 0

    async def Identity(self, request: Any, context: Any) -> signer_pb2.IdentityResponse:  # noqa: N802
        self.identified += 1
        return signer_pb2.IdentityResponse(public_key=caller_of(context).encode())

    async def Sign(self, request_iterator: Any, context: Any) -> AsyncIterator[signer_pb2.SignResponse]:  # noqa: N802
        async for request in request_iterator:
            self.signed += 1
            signed = signer_pb2.Signed(message=request.qbft.message)
            yield signer_pb2.SignResponse(request_id=request.request_id, signed=signed)

    async def AddShare(self, request: Any, context: Any) -> signer_pb2.AddShareResponse:  # noqa: N802
        raise RpcRefusal(grpc.StatusCode.FAILED_PRECONDITION, "share_invalid", "the share does not fit its key")

    async def RemoveShare(self, request: Any, context: Any) -> signer_pb2.RemoveShareResponse:  # noqa: N802
        raise RuntimeError(SECRET)

    async def Watermarks(self, request: Any, context: Any) -> signer_pb2.WatermarksResponse:  # noqa: N802
        await context.abort(grpc.StatusCode.NOT_FOUND, "no such committee")
        raise AssertionError("abort raises")


@asynccontextmanager
async def a_signer(certificates: Path, lines: Lines | None = None, **more: Any) -> AsyncIterator[tuple[int, Answers]]:
    answers = Answers()  # type: ignore[abstract]  # the other methods are not called
    async with a_service("signer", lines) as service:
        add = [lambda server: add_SignerServicer_to_server(answers, server)]
        async with secure_server(settings_of(certificates, "signer", **more), service, add, PERMISSIONS) as port:
            yield port, answers


@asynccontextmanager
async def a_caller(certificates: Path, name: str, port: int, peer: str = "signer") -> AsyncIterator[Any]:
    async with a_service(name) as service:
        settings = settings_of(certificates, name)
        yield SignerStub(channel(f"127.0.0.1:{port}", settings, service, peer))


async def test_callers_are_known_by_their_certificates(certificates: Path, tmp_path: Path) -> None:
    port_file = tmp_path / "port"
    async with a_signer(certificates, grpc_port_file=port_file) as (port, _):
        assert int(port_file.read_text()) == port
        for name in ("consensus", "cli"):
            async with a_caller(certificates, name, port) as stub:
                response = await stub.Identity(signer_pb2.IdentityRequest(), wait_for_ready=True)
                assert response.public_key == name.encode()


async def test_a_stream_answers_and_carries_the_largest_messages(certificates: Path) -> None:
    largest = bytes(MAX_MESSAGE_BYTES - 1024)

    async def requests() -> AsyncIterator[signer_pb2.SignRequest]:
        for number, message in enumerate((b"a", largest)):
            yield signer_pb2.SignRequest(request_id=number, qbft=signer_pb2.QbftDraft(message=message))

    async with a_signer(certificates) as (port, _), a_caller(certificates, "consensus", port) as stub:
        responses = [response async for response in stub.Sign(requests(), wait_for_ready=True)]
    assert [response.signed.message for response in responses] == [b"a", largest]


async def test_the_wrong_service_is_refused_by_name(certificates: Path) -> None:
    lines = Lines()
    async with a_signer(certificates, lines) as (port, _), a_caller(certificates, "consensus", port) as stub:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.AddShare(signer_pb2.AddShareRequest(), wait_for_ready=True)
    assert refused.value.code() == grpc.StatusCode.PERMISSION_DENIED
    assert refused.value.details() == "consensus may not call ssv.v1.Signer/AddShare"
    assert any(line["event"] == "refused a call" and line["caller"] == "consensus" for line in lines.events())


async def test_a_stream_of_the_wrong_service_is_refused_before_its_handler_runs(certificates: Path) -> None:
    async def requests() -> AsyncIterator[signer_pb2.SignRequest]:
        yield signer_pb2.SignRequest(request_id=1)

    async with a_signer(certificates) as (port, answers), a_caller(certificates, "p2p-gateway", port) as stub:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.Sign(requests(), wait_for_ready=True).read()
        assert answers.signed == 0
    assert refused.value.code() == grpc.StatusCode.PERMISSION_DENIED
    assert refused.value.details() == "p2p-gateway may not call ssv.v1.Signer/Sign"


async def test_a_method_that_no_rule_names_is_denied_to_all(certificates: Path) -> None:
    async with a_signer(certificates) as (port, _), a_caller(certificates, "consensus", port) as stub:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.ListShares(signer_pb2.ListSharesRequest(), wait_for_ready=True)
    assert refused.value.code() == grpc.StatusCode.PERMISSION_DENIED


async def test_without_a_certificate_there_is_no_connection(certificates: Path) -> None:
    credentials = grpc.ssl_channel_credentials((certificates / "ca.pem").read_bytes())
    async with (
        a_signer(certificates) as (port, _),
        grpc.aio.secure_channel(f"127.0.0.1:{port}", credentials) as anonymous,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as plain,
    ):
        for each in (anonymous, plain):
            stub: Any = SignerStub(each)
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await stub.Identity(signer_pb2.IdentityRequest())
            assert refused.value.code() == grpc.StatusCode.UNAVAILABLE


async def test_a_certificate_of_another_authority_does_not_connect(certificates: Path, tmp_path: Path) -> None:
    stranger = issue(make_ca(datetime.now(UTC)), "consensus", datetime.now(UTC))
    write_pair(tmp_path, "stranger", stranger)
    async with a_signer(certificates) as (port, _), a_service("consensus") as service:
        settings = settings_of(
            certificates, "consensus", tls_cert=tmp_path / "stranger.pem", tls_key=tmp_path / "stranger.key"
        )
        stub: Any = SignerStub(channel(f"127.0.0.1:{port}", settings, service, "signer"))
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.Identity(signer_pb2.IdentityRequest())
    assert refused.value.code() == grpc.StatusCode.UNAVAILABLE


async def test_a_service_at_the_place_of_another_is_not_trusted(certificates: Path) -> None:
    async with (
        a_signer(certificates) as (port, _),
        a_caller(certificates, "consensus", port, peer="eth1-listener") as stub,
    ):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.Identity(signer_pb2.IdentityRequest())
    assert refused.value.code() == grpc.StatusCode.UNAVAILABLE


async def test_typed_errors(certificates: Path) -> None:
    lines = Lines()
    async with a_signer(certificates, lines) as (port, _), a_caller(certificates, "eth1-listener", port) as stub:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.AddShare(signer_pb2.AddShareRequest(), wait_for_ready=True)
        failure = RpcFailure.of(refused.value)
        assert (failure.code, failure.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "share_invalid")
        with pytest.raises(grpc.aio.AioRpcError) as aborted:
            await stub.Watermarks(signer_pb2.WatermarksRequest(), wait_for_ready=True)
        assert RpcFailure.of(aborted.value).code == grpc.StatusCode.NOT_FOUND
        with pytest.raises(grpc.aio.AioRpcError) as broken:
            await stub.RemoveShare(signer_pb2.RemoveShareRequest(), wait_for_ready=True)
        assert broken.value.code() == grpc.StatusCode.INTERNAL
        assert SECRET not in str(broken.value)
    assert any(line["event"] == "a call failed" for line in lines.events())


async def test_the_channel_follows_its_server(certificates: Path) -> None:
    async with a_service("consensus") as service, asyncio.timeout(PATIENCE_S):
        dependency = service.health.dependency("signer")
        async with a_signer(certificates) as (port, _):
            stub: Any = SignerStub(
                channel(f"127.0.0.1:{port}", settings_of(certificates, "consensus"), service, "signer")
            )
            await stub.Identity(signer_pb2.IdentityRequest(), wait_for_ready=True)
            while not dependency.is_up:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        while dependency.is_up:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert "signer" in service.health.problems()
        async with a_signer(certificates, grpc_port=port):
            response = await stub.Identity(signer_pb2.IdentityRequest(), wait_for_ready=True)
            assert response.public_key == b"consensus"
            while not dependency.is_up:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert sample(service, "ssv_consensus_task_failures_total", task="channel to signer") == 0


async def test_a_method_must_be_written_whole() -> None:
    with pytest.raises(ValueError, match=r"package\.Service/Method"):
        Permissions({"Sign": ["consensus"]})
