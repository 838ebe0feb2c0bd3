"""Shares whose key lies elsewhere: taken when the store has it, with nothing of it here; whose store it may be."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import grpc
import pytest
from services.signer.tests.databases import ON_SQLITE
from services.signer.tests.harness import Signer
from services.signer.tests.share_store.support import elsewhere, stand_in, told
from services.signer.tests.test_decided_duties import signed_roots
from tests.support.service_certificates import write_certificates
from tests.support.signing_world import SigningWorld, Validator

from ssv_api.v1 import signer_pb2 as pb
from ssv_signer.errors import StartRefused

pytestmark = [pytest.mark.asyncio, ON_SQLITE]
TOKEN = "a-token-of-the-store"


async def refusal(signer: Signer, request: pb.AddShareRequest) -> tuple[grpc.StatusCode, str]:
    async with signer.client("eth1-listener") as stub:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.AddShare(request)
    return caught.value.code(), caught.value.details() or ""


async def test_a_share_is_taken_when_the_store_has_its_key(
    signer: Signer, world: SigningWorld, validator: Validator
) -> None:
    store = stand_in(world)
    async with store.running(), signer.running(**elsewhere(store)):
        code, detail = await refusal(signer, validator.add)
        assert (code, signer.rows("shares")) == (grpc.StatusCode.FAILED_PRECONDITION, 0)
        assert f"does not hold the key of share 0x{validator.share_pubkey.hex()}; import it there" in detail
        store.add(validator.share)
        await signer.hold(validator)
    async with signer.running(**elsewhere(store)):
        code, detail = await refusal(signer, world.validator(2).add)
    assert (code, "can't be reached" in detail) == (grpc.StatusCode.UNAVAILABLE, True)


async def test_nobody_registers_a_key_of_the_store_that_is_not_theirs(
    signer: Signer, world: SigningWorld, validator: Validator
) -> None:
    """The encrypted share must open to the key, as ever: a thief knows the name of a key and not the key."""
    thief = world.validator(2)
    copied = pb.AddShareRequest()
    copied.CopyFrom(thief.add)
    copied.share_pubkey = validator.share_pubkey
    store = stand_in(world, validator.share)
    async with store.running(), signer.running(**elsewhere(store)):
        code, detail = await refusal(signer, copied)
    assert code == grpc.StatusCode.INVALID_ARGUMENT
    assert "does not fit" in detail


async def test_nothing_of_the_key_is_here(signer: Signer, world: SigningWorld, validator: Validator) -> None:
    store = stand_in(world, validator.share)
    async with store.running(), signer.running(**elsewhere(store)):
        await signer.hold(validator)
        await signer.sign(world.post_consensus([validator], signer.slot))
        ((sealed,),) = signer.database.run("SELECT sealed_secret FROM shares")
        assert sealed == b""
        secret = validator.share.to_bytes()
        files = b"".join(file.read_bytes() for file in (signer.folder / "data").iterdir())
        assert all(part not in files for part in (secret, secret.hex().encode()))
        assert secret.hex() not in signer.lines.getvalue() + str(store.asked)


async def test_where_the_keys_are_does_not_change_while_shares_are_held(
    signer: Signer, world: SigningWorld, validator: Validator, tmp_path: Path
) -> None:
    store = stand_in(world, validator.share)
    async with store.running():
        async with signer.running():
            await signer.hold(validator)
        with pytest.raises(StartRefused, match="lies in this database; set share_store"):
            async with signer.running(**elsewhere(store)):
                pass
        other = Signer(tmp_path / "other", world)
        async with other.running(**elsewhere(store)):
            await other.hold(validator)
        with pytest.raises(StartRefused, match="is in an external store; set share_store"):
            async with other.running():
                pass


async def test_a_token_is_shown_and_told_to_nobody(
    signer: Signer, world: SigningWorld, validator: Validator, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN + "\n")
    store = stand_in(world, validator.share, token=TOKEN)
    async with store.running():
        async with signer.running(**elsewhere(store), remote_share_store_bearer_file=file):
            await signer.hold(validator)
            draft = world.post_consensus([validator], signer.slot)
            (answer,) = await signer.sign(draft)
            file.write_text("another")
            (refused,) = await signer.sign(draft)
        async with signer.running(**elsewhere(store)):
            await told(signer, "401")
    assert signed_roots(answer, [validator])
    assert "401; it wants to know the caller" in refused.failed.reason
    assert TOKEN not in signer.lines.getvalue() + str(refused)


async def test_certificates_of_both_ends(
    signer: Signer, world: SigningWorld, validator: Validator, tmp_path: Path
) -> None:
    files = write_certificates(tmp_path / "tls", ["signer", "exporter"])
    foreign = write_certificates(tmp_path / "foreign", ["signer"])
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=files / "ca.pem")
    tls.load_cert_chain(files / "exporter.pem", files / "exporter.key")
    tls.verify_mode = ssl.CERT_REQUIRED

    def shown(folder: Path, ca: Path) -> dict[str, object]:
        return elsewhere(store) | {
            "remote_share_store_url": store.url.replace("127.0.0.1", "localhost"),
            "remote_share_store_ca": ca / "ca.pem",
            "remote_share_store_cert": folder / "signer.pem",
            "remote_share_store_key": folder / "signer.key",
        }

    store = stand_in(world, validator.share)
    async with store.running(tls):
        async with signer.running(**shown(files, files)):
            await signer.hold(validator)
            (answer,) = await signer.sign(world.post_consensus([validator], signer.slot))
        for folder, ca in ((foreign, files), (files, foreign)):
            async with signer.running(**shown(folder, ca)):
                (refused,) = await signer.sign(world.post_consensus([validator], signer.slot))
                assert refused.failed.reason.startswith("the share store "), refused
    assert signed_roots(answer, [validator])


LOCAL = "http://127.0.0.1:9"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "remote_share_store_url: must be set"),
        ({"remote_share_store_url": "web3signer:9000"}, "must be set"),
        ({"remote_share_store_url": "ftp://127.0.0.1"}, "must be set"),
        ({"remote_share_store_url": "https://user:word@store.example"}, "credentials go into"),
        ({"remote_share_store_url": "http://127.0.0.1:99999"}, "must be set"),
        ({"remote_share_store_url": "http://store.example:9000"}, "without TLS"),
        ({"remote_share_store_url": LOCAL, "remote_share_store_bearer_file": Path("nowhere")}, "No such file"),
    ],
)
async def test_a_start_is_refused(signer: Signer, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(StartRefused, match=words) as caught:
        async with signer.running(share_store="remote", **settings):
            pass
    assert "word@" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe", b"two\nlines"])
async def test_a_token_file_without_a_token(signer: Signer, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    with pytest.raises(StartRefused, match="holds no token"):
        async with signer.running(
            share_store="remote", remote_share_store_url=LOCAL, remote_share_store_bearer_file=file
        ):
            pass
