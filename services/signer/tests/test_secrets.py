"""Secrets are in no log, error, repr, or file."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import grpc
import pytest
from services.signer.tests.harness import Signer
from tests.support.signing_world import SigningWorld, Validator

from ssv_api.v1 import signer_pb2 as pb
from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.types.ids import BlsPublicKey, CommitteeId, Epoch, Slot
from ssv_protocol.types.roles import QbftMessageType
from ssv_signer import custody
from ssv_signer.at_rest import Keyring
from ssv_signer.errors import StartRefused
from ssv_signer.store.shares import ShareRow
from ssv_signer.store.sqlite import FILE_NAME
from ssv_signer.work import BatchWork


@pytest.fixture
def signer(tmp_path: Path, world: SigningWorld) -> Signer:
    """On SQLite: whose files are here to be looked at."""
    return Signer(tmp_path, world)


def sealed(validator: Validator, keyring: Keyring) -> ShareRow:
    secret = keyring.seal(validator.pubkey, validator.share_pubkey, validator.share)
    return ShareRow(validator.pubkey, validator.share_pubkey, CommitteeId(bytes(32)), Epoch(0), secret)


def test_what_is_sealed_opens_with_the_same_key_and_salt_only(world: SigningWorld) -> None:
    validator, salt = world.validator(1), b"\x01" * 32
    row = sealed(validator, Keyring(world.own_key, salt, lambda count: b"\x07" * count))
    assert validator.share.to_bytes() not in row.sealed_secret
    assert Keyring(world.own_key, salt, bytes).secret(row).to_bytes() == validator.share.to_bytes()
    for other in (Keyring(OperatorPrivateKey.generate(), salt, bytes), Keyring(world.own_key, b"\x02" * 32, bytes)):
        with pytest.raises(StartRefused):
            other.secret(row)


def test_a_sealed_secret_does_not_open_in_another_row(world: SigningWorld) -> None:
    keyring = Keyring(world.own_key, b"\x01" * 32, lambda count: b"\x07" * count)
    one, two = sealed(world.validator(1), keyring), sealed(world.validator(2), keyring)
    moved = ShareRow(two.validator_pubkey, two.share_pubkey, two.committee, two.may_sign_from, one.sealed_secret)
    with pytest.raises(StartRefused) as caught:
        keyring.secret(moved)
    assert one.sealed_secret.hex() not in str(caught.value)


def test_reprs(world: SigningWorld) -> None:
    validator = world.validator(1)
    keyring = Keyring(world.own_key, b"\x01" * 32, lambda count: b"\x07" * count)
    row = sealed(validator, keyring)
    request = validator.add
    share = custody.check_share(
        world.own_key,
        world.network.ssv.alan_domain,
        validator_pubkey=request.validator_pubkey,
        share_pubkey=request.share_pubkey,
        encrypted_share=request.encrypted_share,
        operator_id=request.operator_id,
        operators=[(operator.operator_id, operator.public_key) for operator in request.committee],
    )
    fields = {name: repr(field.repr) for name, field in BatchWork.__dataclass_fields__.items()}
    assert fields["secrets"] == "False"
    shown = repr(row) + repr(keyring) + repr(share)
    secret = validator.share.to_bytes()
    assert repr(row.sealed_secret) not in shown
    assert secret.hex() not in shown
    assert repr(secret) not in shown


def sealed_in(signer: Signer) -> list[bytes]:
    connection = sqlite3.connect(signer.folder / "data" / FILE_NAME)
    try:
        return [secret for (secret,) in connection.execute("SELECT sealed_secret FROM shares") if secret is not None]
    finally:
        connection.close()


def bytes_of(signer: Signer) -> bytes:
    return b"".join(file.read_bytes() for file in (signer.folder / "data").iterdir())


@pytest.mark.asyncio
async def test_a_share_that_was_let_go_leaves_the_file(signer: Signer, world: SigningWorld) -> None:
    validators = [world.validator(index) for index in range(3)]
    async with signer.running():
        await signer.hold(*validators)
        before = sealed_in(signer)
    assert len(before) == 3
    assert all(secret in bytes_of(signer) for secret in before)
    async with signer.running(), signer.client("eth1-listener") as stub:
        await stub.RemoveShare(pb.RemoveShareRequest(validator_pubkey=validators[0].pubkey))
        left = sealed_in(signer)
    (gone,) = set(before) - set(left)
    assert len(left) == 2
    assert gone not in bytes_of(signer)


@pytest.mark.asyncio
async def test_a_whole_run_tells_no_secret(signer: Signer, world: SigningWorld) -> None:
    validators = [world.validator(index) for index in range(3)]
    errors = []
    async with signer.running():
        await signer.hold(*validators)
        async with signer.client("eth1-listener") as stub:
            foreign = pb.AddShareRequest()
            foreign.CopyFrom(validators[0].add)
            foreign.share_pubkey = BlsPublicKey(bytes(48))
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await stub.AddShare(foreign)
            errors.append(str(caught.value))
            answers = await signer.sign(
                world.post_consensus(validators, signer.slot),
                world.post_consensus(validators, Slot(signer.slot + 1)),
                world.qbft(QbftMessageType.PREPARE, signer.slot, b"v"),
                world.qbft(QbftMessageType.COMMIT, signer.slot, b"w"),
            )
            await stub.RemoveShare(pb.RemoveShareRequest(validator_pubkey=validators[0].pubkey))
        assert signer.service is not None
        metrics = signer.service.metrics.render()
    log = signer.lines.getvalue()
    assert log.count('"refused to sign"') == 2
    assert 'ssv_signer_requests_total{kind="post_consensus",verdict="denied"} 1.0' in metrics.decode()
    files = bytes_of(signer)
    told = "".join((log, *errors, *(str(answer) for answer in answers), metrics.decode())).encode() + files
    for validator in validators:
        secret = validator.share.to_bytes()
        assert secret not in told
        assert secret.hex().encode() not in told
    assert b"PRIVATE KEY" not in told
