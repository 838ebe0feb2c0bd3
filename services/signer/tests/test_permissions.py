"""Who may call what, and who may not connect."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from services.signer.tests.harness import Signer
from tests.support.service_certificates import write_certificates
from tests.support.signing_world import SigningWorld

from ssv_api.v1 import signer_pb2 as pb
from ssv_protocol.types.roles import QbftMessageType
from ssv_runtime.names import CALLERS

if TYPE_CHECKING:
    from ssv_api.v1.signer_pb2_grpc import SignerAsyncStub

pytestmark = pytest.mark.asyncio
Call = Callable[["SignerAsyncStub", SigningWorld, Signer], Coroutine[Any, Any, object]]


@pytest.fixture
def signer(tmp_path: Path, world: SigningWorld) -> Signer:
    """On SQLite: who may call has nothing to do with the database."""
    return Signer(tmp_path, world)


async def call_sign(stub: SignerAsyncStub, world: SigningWorld, signer: Signer) -> object:
    draft = world.qbft(QbftMessageType.PREPARE, signer.slot, b"v")
    return [answer async for answer in stub.Sign(iter([signer.leases.request(1, draft)]))]


async def call_claim(stub: SignerAsyncStub, world: SigningWorld, _signer: Signer) -> object:
    wanted = pb.CommitteeClaim(committee_id=world.committee_id())
    return await stub.Claim(pb.ClaimRequest(holder="worker", committees=[wanted]))


async def call_renew(stub: SignerAsyncStub, _world: SigningWorld, _signer: Signer) -> object:
    return await stub.Renew(pb.RenewRequest())


async def call_release(stub: SignerAsyncStub, _world: SigningWorld, _signer: Signer) -> object:
    return await stub.Release(pb.ReleaseRequest())


async def call_journal(stub: SignerAsyncStub, world: SigningWorld, _signer: Signer) -> object:
    return [entry async for entry in stub.Journal(pb.JournalRequest(committee_ids=[world.committee_id()]))]


async def call_watermarks(stub: SignerAsyncStub, world: SigningWorld, _signer: Signer) -> object:
    return await stub.Watermarks(pb.WatermarksRequest(committee_id=world.committee_id()))


async def call_identity(stub: SignerAsyncStub, _world: SigningWorld, _signer: Signer) -> object:
    return await stub.Identity(pb.IdentityRequest())


async def call_add(stub: SignerAsyncStub, world: SigningWorld, _signer: Signer) -> object:
    return await stub.AddShare(world.validator(1).add)


async def call_remove(stub: SignerAsyncStub, _world: SigningWorld, _signer: Signer) -> object:
    return await stub.RemoveShare(pb.RemoveShareRequest(validator_pubkey=bytes(48)))


async def call_list(stub: SignerAsyncStub, _world: SigningWorld, _signer: Signer) -> object:
    return await stub.ListShares(pb.ListSharesRequest())


async def call_export(stub: SignerAsyncStub, _world: SigningWorld, _signer: Signer) -> object:
    return await stub.ExportSlashing(pb.ExportSlashingRequest())


async def call_import(stub: SignerAsyncStub, world: SigningWorld, _signer: Signer) -> object:
    root = world.network.chain.genesis_validators_root
    return await stub.ImportSlashing(pb.ImportSlashingRequest(genesis_validators_root=root))


ALLOWED: list[tuple[str, Call, set[str]]] = [
    ("Sign", call_sign, {"consensus"}),
    ("Claim", call_claim, {"consensus"}),
    ("Renew", call_renew, {"consensus"}),
    ("Release", call_release, {"consensus"}),
    ("Journal", call_journal, {"consensus"}),
    ("Watermarks", call_watermarks, {"consensus"}),
    ("Identity", call_identity, set(CALLERS)),
    ("AddShare", call_add, {"eth1-listener"}),
    ("RemoveShare", call_remove, {"eth1-listener"}),
    ("ListShares", call_list, {"consensus", "duty-scheduler", "eth1-listener", "cli"}),
    ("ExportSlashing", call_export, {"cli"}),
    ("ImportSlashing", call_import, {"cli"}),
]


@pytest.mark.parametrize(("method", "call", "allowed"), ALLOWED, ids=[method for method, _, _ in ALLOWED])
async def test_each_method_has_its_callers(
    signer: Signer, world: SigningWorld, method: str, call: Call, allowed: set[str]
) -> None:
    async with signer.running():
        for caller in CALLERS:
            async with signer.client(caller) as stub:
                if caller in allowed:
                    await call(stub, world, signer)
                    continue
                with pytest.raises(
                    grpc.aio.AioRpcError, match=f"{caller} may not call ssv.v1.Signer/{method}"
                ) as caught:
                    await call(stub, world, signer)
                assert caught.value.code() == grpc.StatusCode.PERMISSION_DENIED


async def test_a_certificate_of_another_authority_does_not_connect(
    signer: Signer, world: SigningWorld, tmp_path: Path
) -> None:
    async with signer.running():
        own = signer.certificates
        signer.certificates = write_certificates(tmp_path / "foreign", CALLERS)
        (signer.certificates / "ca.pem").write_bytes((own / "ca.pem").read_bytes())
        async with signer.client("consensus") as stub:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call_sign(stub, world, signer)
    assert caught.value.code() == grpc.StatusCode.UNAVAILABLE


async def test_no_certificate_no_connection(signer: Signer) -> None:
    async with signer.running():
        ca = (signer.certificates / "ca.pem").read_bytes()
        options = [("grpc.ssl_target_name_override", "signer")]
        target, credentials = f"127.0.0.1:{signer.port}", grpc.ssl_channel_credentials(ca)
        async with grpc.aio.secure_channel(target, credentials, options) as channel:
            identity: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary("/ssv.v1.Signer/Identity")
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await identity(b"")
    assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
