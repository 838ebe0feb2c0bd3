"""Secrets are in no log, error, repr, or file."""

from __future__ import annotations

import ast
import io
import json
import pickle
import re
import sqlite3
import traceback
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path

import grpc
import pytest
from services.signer.tests.harness import Signer
from structlog.typing import FilteringBoundLogger
from tests.support.signing_world import SigningWorld, Validator

import ssv_signer
from ssv_api.v1 import signer_pb2 as pb
from ssv_protocol.crypto import eip2335
from ssv_protocol.crypto.bls import SecretKey
from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.signing.records import PartialSignaturesRecord
from ssv_protocol.types.ids import BlsPublicKey, CommitteeId, Epoch, OperatorId, Slot
from ssv_protocol.types.operator import CommitteeMember
from ssv_protocol.types.roles import PartialSignatureType, QbftMessageType
from ssv_runtime.certificates import KeyPair, issue, make_ca
from ssv_runtime.logs import make_logger
from ssv_signer import custody, operator_key
from ssv_signer.at_rest import Keyring
from ssv_signer.errors import StartRefused
from ssv_signer.judge import Judge
from ssv_signer.leasing import Leasing
from ssv_signer.remote.keys import KeyFolder, KeystoreUnusable, read_keystore
from ssv_signer.signatures import SigningPool
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


def shapes(secret: bytes) -> list[str]:
    """How a secret would look in a text."""
    return [secret.hex(), repr(secret)[2:-1], b64encode(secret).decode(), str(int.from_bytes(secret, "big"))]


def holders(world: SigningWorld, folder: Path) -> dict[str, object]:
    """Return one of everything in the signer that has a key in it, directly or below, by name."""
    validator = world.validator(1)
    keyring = Keyring(world.own_key, b"\x01" * 32, lambda count: b"\x07" * count)
    row = sealed(validator, keyring)
    secret = keyring.secret(row)  # from now on the keyring has it opened
    keys = KeyFolder(folder, make_logger("signer", file=io.StringIO()))
    keys._keys[validator.share_pubkey] = secret
    keys._known[folder / "one.json"] = (((0, 0),), secret)
    member = CommitteeMember(OperatorId(1), CommitteeId(bytes(32)), b"", 1, (), world.network.ssv.alan_domain)
    record = PartialSignaturesRecord(Slot(1), PartialSignatureType.POST_CONSENSUS, ())
    identifier = world.message_id(Slot(1))
    return {
        "SecretKey": secret,
        "OperatorPrivateKey": world.own_key,
        "Keyring": keyring,
        "KeyFolder": keys,
        "NewShare": custody.NewShare(validator.pubkey, validator.share_pubkey, member, secret),
        "BatchWork": BatchWork(CommitteeId(bytes(32)), OperatorId(1), identifier, record, secrets=(secret,)),
        "SigningPool": SigningPool(world.own_key, 1),
        "Judge": Judge(world.network, keyring, Leasing(world.network.chain, disk=True, random=bytes, log=quiet())),
        "KeyPair": issue(make_ca(datetime.now(UTC)), "signer", datetime.now(UTC)),
    }


def quiet() -> FilteringBoundLogger:
    return make_logger("signer", file=io.StringIO())


HOLDERS = (
    *("SecretKey", "OperatorPrivateKey", "Keyring", "KeyFolder", "NewShare", "BatchWork", "SigningPool", "Judge"),
    "KeyPair",
)


@pytest.mark.parametrize("name", HOLDERS)
def test_nothing_that_holds_a_key_shows_it(world: SigningWorld, tmp_path: Path, name: str) -> None:
    held = holders(world, tmp_path)
    assert tuple(held) == HOLDERS
    shown, lines = held[name], io.StringIO()
    secret = held["SecretKey"]
    assert isinstance(secret, SecretKey)
    pair = held["KeyPair"]
    assert isinstance(pair, KeyPair)
    for form in ("console", "json"):
        log = make_logger("signer", "debug", form, lines)
        log.error("look", value=shown, nested={"deep": [shown]})
        try:
            raise ValueError(shown)
        except ValueError:
            log.exception("it broke")
    told = "".join((repr(shown), str(shown), f"{shown}", repr({"x": [shown]}), lines.getvalue()))
    body = "".join(pair.private_key.decode().splitlines()[1:-1])
    for each in (*shapes(secret.to_bytes()), "PRIVATE KEY", body[:40], f"{secret._key!r}"[12:-1]):
        assert each not in told
    if name != "KeyPair":
        with pytest.raises((TypeError, pickle.PicklingError)):
            pickle.dumps(shown)


def test_whatever_shows_its_fields_and_has_a_key_is_on_the_list() -> None:
    """A class without a repr of its own shows an address; any other one with a key in it must be tried above."""
    keys = re.compile(r"\b(SecretKey|OperatorPrivateKey|Keyring|KeyFolder|SigningPool)\b")
    found = set()
    for path in Path(ssv_signer.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.ClassDef):
                continue
            methods = {each.name: each for each in node.body if isinstance(each, ast.FunctionDef)}
            types = [each.annotation for each in node.body if isinstance(each, ast.AnnAssign)]
            for maker in [methods["__init__"]] if "__init__" in methods else []:
                types += [each.annotation for each in ast.walk(maker) if isinstance(each, ast.arg) and each.annotation]
            shows = bool(node.decorator_list) or "__repr__" in methods
            if shows and any(keys.search(ast.unparse(each)) for each in types):
                found.add(node.name)
    assert {"Keyring", "NewShare", "BatchWork"} <= found
    assert found <= set(HOLDERS), f"not tried: {found - set(HOLDERS)}"


PASSWORD, OTHER_PASSWORD = "correct-horse-4711", "battery-staple-0815"


def validator_keystore(secret: bytes, **changes: object) -> dict[str, object]:
    crypto = eip2335.encrypt(secret, PASSWORD, lambda count: b"\x03" * count)
    return {"version": 4, "crypto": crypto, "pubkey": "", **changes}


def spoiled_keystores() -> dict[str, tuple[dict[str, object], str]]:
    """Keystores that can't be read, each with the password that is tried."""
    secret = SecretKey(4711**9).to_bytes()
    good = validator_keystore(secret)
    crypto = good["crypto"]
    assert isinstance(crypto, dict)
    return {
        "wrong password": (good, OTHER_PASSWORD),
        "another key's name": (good | {"pubkey": "ab" * 48}, PASSWORD),
        "too short": (validator_keystore(secret[:31]), PASSWORD),
        "out of range": (validator_keystore(b"\xff" * 32), PASSWORD),
        "zero": (validator_keystore(bytes(32)), PASSWORD),
        "no cipher": (good | {"crypto": crypto | {"cipher": {}}}, PASSWORD),
        "odd cost": (good | {"crypto": crypto | {"kdf": {"function": "scrypt", "params": {"n": PASSWORD}}}}, PASSWORD),
        "no object": (good | {"crypto": PASSWORD}, PASSWORD),
    }


@pytest.mark.parametrize("name", spoiled_keystores())
def test_errors_about_keys_tell_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(eip2335, "SCRYPT_N", 2)
    content, password = spoiled_keystores()[name]
    keystore, password_file = tmp_path / "key.json", tmp_path / "key.txt"
    keystore.write_text(json.dumps(content))
    password_file.write_text(password)
    lines = io.StringIO()
    for read, problem in ((read_keystore, KeystoreUnusable), (operator_key.read, StartRefused)):
        with pytest.raises(problem) as caught:
            read(keystore, password_file)
        text = "".join(traceback.format_exception(caught.value))  # with whatever it was raised from
        make_logger("signer", "debug", "json", lines).error("it broke", exc_info=caught.value)
        told = text + lines.getvalue()
        secrets = [*shapes(SecretKey(4711**9).to_bytes()), "ff" * 31, PASSWORD, OTHER_PASSWORD]
        assert [each for each in secrets if each in told] == []
        assert "key.json" in text or "key.txt" in text


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
