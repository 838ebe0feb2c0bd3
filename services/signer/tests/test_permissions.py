"""Who may call what, and who may not connect."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from services.signer.tests.harness import Signer
from tests.support.service_certificates import write_certificates
from tests.support.signing_world import SigningWorld

from ssv_api.v1 import signer_pb2 as pb
from ssv_api.v1.signer_pb2_grpc import SignerStub
from ssv_runtime.certificates import issue, make_ca
from ssv_runtime.names import CALLERS
from ssv_runtime.rpc.limits import client_options
from ssv_signer.servicer import PERMISSIONS

if TYPE_CHECKING:
    from ssv_api.v1.signer_pb2_grpc import SignerAsyncStub

pytestmark = pytest.mark.asyncio
NOW = datetime.now(UTC)
Call = Callable[["SignerAsyncStub", SigningWorld, Signer], Coroutine[Any, Any, object]]


@pytest.fixture
def signer(tmp_path: Path, world: SigningWorld) -> Signer:
    """On SQLite: who may call has nothing to do with the database."""
    return Signer(tmp_path, world)


async def call_sign(stub: SignerAsyncStub, _world: SigningWorld, _signer: Signer) -> object:
    # without a request: one that is being sent when the call is refused may hide the refusal from this client
    return [answer async for answer in stub.Sign(iter(()))]


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


async def call_hold(stub: SignerAsyncStub, _world: SigningWorld, _signer: Signer) -> object:
    return await stub.Hold(pb.HoldRequest())


async def call_list(stub: SignerAsyncStub, _world: SigningWorld, _signer: Signer) -> object:
    return await stub.ListShares(pb.ListSharesRequest())


async def call_export(stub: SignerAsyncStub, _world: SigningWorld, _signer: Signer) -> object:
    return await stub.ExportSlashing(pb.ExportSlashingRequest())


async def call_import(stub: SignerAsyncStub, world: SigningWorld, _signer: Signer) -> object:
    root = world.network.chain.genesis_validators_root
    return await stub.ImportSlashing(pb.ImportSlashingRequest(genesis_validators_root=root))


async def call_export_history(stub: SignerAsyncStub, _world: SigningWorld, _signer: Signer) -> object:
    return [history async for history in stub.ExportSlashingHistory(pb.ExportSlashingHistoryRequest())]


async def call_import_history(stub: SignerAsyncStub, world: SigningWorld, _signer: Signer) -> object:
    root = world.network.chain.genesis_validators_root
    return await stub.ImportSlashingHistory(pb.ImportSlashingHistoryRequest(genesis_validators_root=root))


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
    ("Hold", call_hold, {"duty-scheduler"}),
    ("ListShares", call_list, {"consensus", "duty-scheduler", "eth1-listener", "cli"}),
    ("ExportSlashing", call_export, {"cli"}),
    ("ImportSlashing", call_import, {"cli"}),
    ("ExportSlashingHistory", call_export_history, {"cli"}),
    ("ImportSlashingHistory", call_import_history, {"cli"}),
]


STRANGERS = ("operator", "exporter-2", "worker", "SIGNER", "*")
"""Names that the authority put into certificates and no rule knows."""


async def test_every_method_has_a_rule() -> None:
    """A method without one would be denied to all; a rule without a method would lie in wait for it."""
    service = pb.DESCRIPTOR.services_by_name["Signer"]
    methods = {f"{service.full_name}/{method.name}" for method in service.methods}
    assert PERMISSIONS.methods == methods
    assert {f"{service.full_name}/{method}" for method, _, _ in ALLOWED} == methods


@pytest.mark.parametrize(("method", "call", "allowed"), ALLOWED, ids=[method for method, _, _ in ALLOWED])
async def test_each_method_has_its_callers(
    signer: Signer, world: SigningWorld, method: str, call: Call, allowed: set[str]
) -> None:
    async with signer.running(keep_history=True):
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


async def refused_all(
    signer: Signer, world: SigningWorld, credentials: grpc.ChannelCredentials, code: grpc.StatusCode
) -> set[str]:
    """Try every method of the descriptor's table; return what was said."""
    said: set[str] = set()
    target = f"127.0.0.1:{signer.port}"
    async with grpc.aio.secure_channel(target, credentials, client_options("signer")) as channel:
        stub: SignerAsyncStub = SignerStub(channel)
        for _, call, _ in ALLOWED:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call(stub, world, signer)
            assert caught.value.code() == code
            said.add(caught.value.details() or "")
    return said


@pytest.mark.parametrize("name", STRANGERS)
async def test_a_name_that_no_rule_knows_may_do_nothing(signer: Signer, world: SigningWorld, name: str) -> None:
    authority = make_ca(NOW)
    (signer.certificates / "ca.pem").write_bytes(authority.certificate)
    pairs = {each: issue(authority, each, NOW) for each in ("signer", name)}
    for suffix, content in (("pem", pairs["signer"].certificate), ("key", pairs["signer"].private_key)):
        (signer.certificates / f"signer.{suffix}").write_bytes(content)
    own = pairs[name]
    credentials = grpc.ssl_channel_credentials(authority.certificate, own.private_key, own.certificate)
    async with signer.running():
        said = await refused_all(signer, world, credentials, grpc.StatusCode.PERMISSION_DENIED)
    assert said == {f"{name} may not call ssv.v1.Signer/{method}" for method, _, _ in ALLOWED}


@pytest.mark.parametrize(
    "names", [(), ("ssv://consensus", "ssv://cli"), ("https://consensus",)], ids=["none", "two", "another scheme"]
)
async def test_a_certificate_that_names_no_one_service_may_do_nothing(
    signer: Signer, world: SigningWorld, names: tuple[str, ...]
) -> None:
    """Neither a common name nor a DNS name counts, and two names are no better than none."""
    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "consensus")])
    authority = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")])

    def certificate(
        name: x509.Name, owner: ec.EllipticCurvePrivateKey, extension: x509.ExtensionType
    ) -> x509.Certificate:
        draft = x509.CertificateBuilder(authority, name, owner.public_key(), x509.random_serial_number())
        draft = draft.not_valid_before(NOW - timedelta(hours=1)).not_valid_after(NOW + timedelta(days=1))
        return draft.add_extension(extension, critical=False).sign(ca_key, SHA256())

    alternatives: list[x509.GeneralName] = [x509.DNSName("consensus")]
    alternatives += [x509.UniformResourceIdentifier(each) for each in names]
    root = certificate(authority, ca_key, x509.BasicConstraints(ca=True, path_length=None))
    leaf = certificate(subject, key, x509.SubjectAlternativeName(alternatives))
    own = (signer.certificates / "ca.pem").read_bytes()
    pem = Encoding.PEM
    (signer.certificates / "ca.pem").write_bytes(own + root.public_bytes(pem))
    secret = key.private_bytes(pem, PrivateFormat.PKCS8, NoEncryption())
    credentials = grpc.ssl_channel_credentials(own, secret, leaf.public_bytes(pem))
    async with signer.running():
        said = await refused_all(signer, world, credentials, grpc.StatusCode.PERMISSION_DENIED)
    assert all(each.startswith("the certificate names no service") for each in said)


async def test_a_certificate_of_another_authority_does_not_connect(
    signer: Signer, world: SigningWorld, tmp_path: Path
) -> None:
    foreign = write_certificates(tmp_path / "foreign", CALLERS)
    own = (signer.certificates / "ca.pem").read_bytes()
    async with signer.running():
        for caller in CALLERS:
            key, certificate = ((foreign / f"{caller}.{suffix}").read_bytes() for suffix in ("key", "pem"))
            credentials = grpc.ssl_channel_credentials(own, key, certificate)
            await refused_all(signer, world, credentials, grpc.StatusCode.UNAVAILABLE)


async def test_no_certificate_no_connection(signer: Signer, world: SigningWorld) -> None:
    credentials = grpc.ssl_channel_credentials((signer.certificates / "ca.pem").read_bytes())
    async with signer.running():
        await refused_all(signer, world, credentials, grpc.StatusCode.UNAVAILABLE)
