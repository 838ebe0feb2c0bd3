"""Each error that the API documents, and who may call it at all."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from services.signer.tests.databases import ON_SQLITE
from services.signer.tests.harness import SLOTS_PER_EPOCH, Signer
from services.signer.tests.remote.api import PASSWORD, Api, begin, serving, tls_session, write_keystore
from services.signer.tests.remote.world import CLOCK_EPOCH, ROOT, Json, attestation, hexed, new_key

from ssv_protocol.types.ids import BlsPublicKey, Slot
from ssv_signer.errors import StartRefused
from ssv_signer.remote.openapi import MAX_BATCH_ITEMS, MAX_BODY_BYTES
from ssv_signer.store.database import StoreError
from ssv_signer.store.sqlite import SqliteStore

pytestmark = [pytest.mark.asyncio, ON_SQLITE]
STRANGER = BlsPublicKey(new_key().public_key())
CHANGED: dict[str, tuple[Json, str]] = {
    "no type": ({"type": None}, "type"),
    "unknown type": ({"type": "TRANSFER"}, "type"),
    "no fork_info": ({"fork_info": None}, "fork_info"),
    "signing root": ({"signingRoot": "0x12"}, "signingRoot"),
    "no attestation": ({"attestation": []}, "attestation"),
    "missing": ({"attestation": {}}, "attestation.slot"),
    "a number": ({"attestation": {"slot": 1}}, "attestation.slot"),
    "other digits": ({"attestation": {"slot": "\u0661"}}, "attestation.slot"),
    "too large": ({"attestation": {"slot": str(2**64)}}, "attestation.slot"),
    "much too large": ({"attestation": {"slot": "9" * 10_000}}, "attestation.slot"),
    "odd hex": ({"attestation": {"slot": "1", "index": "0", "beacon_block_root": ROOT[:-1]}}, "beacon_block_root"),
}


@pytest.mark.parametrize("name", CHANGED)
async def test_400_names_the_field(signer: Signer, name: str) -> None:
    changes, field = CHANGED[name]
    async with serving(signer) as api:
        answer = await api.sign(STRANGER, attestation() | changes)
    assert (answer.status, answer.reason) == (400, "malformed")
    assert str(answer.body["field"]).endswith(field)


async def test_each_refusal_is_a_line_with_its_caller(signer: Signer) -> None:
    async with serving(signer) as api:
        await api.sign(STRANGER, attestation() | {"fork_info": 5})
        await api.sign(STRANGER, b"{")
        await api.sign_many(json.dumps([attestation()]).encode())
        await api.sign(STRANGER, attestation())
    lines = [json.loads(line) for line in signer.lines.getvalue().splitlines()]
    refused = [line for line in lines if line["level"] == "warning"]
    assert [line["reason"] for line in refused] == ["malformed", "malformed", "malformed", "unknown_key"]
    assert {(line["event"], line["caller"]) for line in refused} == {("refused to sign", "loopback")}


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 100_000, b"\xff", b'"\\ud800"', b"NaN", b"[]", b"1"])
async def test_400_for_what_is_no_request(signer: Signer, body: bytes) -> None:
    async with serving(signer) as api:
        answer = await api.sign(STRANGER, body)
        many = await api.sign_many(body)
    assert (answer.status, many.status) == (400, 400)


async def test_400_for_an_identifier_that_is_none(signer: Signer) -> None:
    async with serving(signer) as api:
        answer = await api.call("POST", "/api/v1/eth2/sign/0x12", attestation())
    assert (answer.status, answer.body["field"]) == (400, "identifier")


async def test_404_405_413_415(signer: Signer) -> None:
    async with serving(signer) as api:
        unknown = await api.sign(STRANGER, attestation())
        nowhere = await api.call("GET", "/api/v2")
        method = await api.call("DELETE", "/reload")
        large = await api.sign(STRANGER, b" " * (MAX_BODY_BYTES + 1))
        many = await api.sign_many([{}] * (MAX_BATCH_ITEMS + 1))
        text = await api.sign(STRANGER, attestation(), headers={"Content-Type": "text/plain"})
    assert (unknown.status, unknown.reason) == (404, "unknown_key")
    assert (nowhere.status, nowhere.reason) == (404, "unknown_path")
    assert (method.status, method.headers["Allow"]) == (405, "GET,POST")
    assert (large.status, large.reason) == (413, "too_large")
    assert (many.status, many.reason) == (400, "malformed")
    assert (text.status, text.reason) == (415, "content_type")


async def test_409_while_the_keystores_are_read(signer: Signer) -> None:
    secret = new_key()
    async with serving(signer) as api:
        await api.loaded()
        folder = signer.folder / "keys"
        write_keystore(folder, "slow", secret)
        password = folder / "slow.txt"
        password.unlink()
        os.mkfifo(password)  # whoever reads it waits for us
        assert (await api.call("POST", "/reload")).status == 202
        again = await api.call("POST", "/reload")
        health = await api.call("GET", "/healthcheck")
        await asyncio.to_thread(password.write_text, PASSWORD)  # which waits for its reader
        assert (await api.loaded())["status"] == "completed"
        after = await api.call("GET", "/healthcheck")
        await begin(api, signer, secret.public_key())
        signed = await api.sign(secret.public_key(), attestation())
    assert (again.status, again.body["status"]) == (409, "error")
    assert (health.status, health.body["status"]) == (503, "DOWN")
    assert (after.status, after.body["outcome"], signed.status) == (200, "UP", 200)


async def test_503_when_the_record_can_not_be_written(signer: Signer, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = new_key()
    async with serving(signer, [secret]) as api:
        await begin(api, signer, secret.public_key())
        with monkeypatch.context() as patched:
            patched.setattr(SqliteStore, "commit", _no_space)
            answer = await api.sign(secret.public_key(), attestation())
            health = await api.call("GET", "/healthcheck")
        # the database that comes back may be another one, so an epoch passes
        other = await api.sign(secret.public_key(), attestation())
        signer.slot = Slot(signer.slot + SLOTS_PER_EPOCH)
        repaired = await api.sign(secret.public_key(), attestation(CLOCK_EPOCH + 1))
    assert (answer.status, answer.reason) == (503, "not_durable")
    assert health.status == 503
    assert (other.status, other.reason) == (412, "double_vote")
    assert repaired.status == 200


def _no_space(store: SqliteStore) -> None:
    raise StoreError("no space")


async def test_text_and_upcheck(signer: Signer) -> None:
    secret = new_key()
    async with serving(signer, [secret]) as api:
        await begin(api, signer, secret.public_key())
        signed = await api.sign(secret.public_key(), attestation(), headers={"Accept": "text/plain"})
        by_name = await api.call("POST", f"/api/v1/eth2/sign/{secret.public_key().hex()}", attestation())
        up = await api.call("GET", "/upcheck")
    assert (signed.status, signed.body) == (200, by_name.body["signature"])
    assert (up.status, up.body) == (200, "OK")


async def test_403_for_a_page_that_names_another_host(signer: Signer) -> None:
    async with serving(signer) as api:
        for host, expected in (("evil.example:80", 403), ("127.0.0.1.evil.example", 403), ("localhost:9000", 200)):
            assert (await api.call("GET", "/upcheck", headers={"Host": host})).status == expected


async def test_certificates_say_who_may_call(signer: Signer) -> None:
    secret = new_key()
    chosen: dict[str, Any] = {"remote_api_tls": True, "remote_api_callers": ("consensus",)}
    async with serving(signer, [secret], **chosen) as plain:
        base = plain.base.replace("http:", "https:")
        async with tls_session(signer.certificates, "consensus") as session:
            api = Api(session, base)
            await begin(api, signer, secret.public_key())
            assert (await api.sign(secret.public_key(), attestation())).status == 200
        async with tls_session(signer.certificates, "p2p-gateway") as session:
            other = await Api(session, base).sign(secret.public_key(), attestation())
        assert (other.status, other.reason) == (403, "forbidden")
        for unnamed, url in ((None, base), ("consensus", plain.base)):
            async with tls_session(signer.certificates, unnamed) as session:
                with pytest.raises(aiohttp.ClientError):
                    await Api(session, url).call("GET", "/upcheck")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"remote_api_listen": "0.0.0.0:0"}, "without TLS anybody"),
        ({"remote_api_listen": "signer.example:9000"}, "without TLS anybody"),
        ({"remote_api_listen": "127.0.0.1"}, "write host:port"),
        ({"remote_api_listen": "127.0.0.1:99999"}, "write host:port"),
        ({"remote_api_tls": True}, "remote_api_callers"),
        ({"remote_keys_dir": Path("nowhere")}, "is no folder"),
        ({"remote_denied_types": ("TRANSFER",)}, "TRANSFER is no type"),
    ],
)
async def test_a_start_is_refused(signer: Signer, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(StartRefused, match=words):
        async with serving(signer, **settings):
            pass


async def test_it_is_off_by_default(signer: Signer) -> None:
    async with signer.running():
        assert "remote signing" not in signer.lines.getvalue()


async def test_keystores_that_can_not_be_used_keep_no_other_from_it(signer: Signer) -> None:
    good, folder = new_key(), signer.folder / "keys"
    for name in ("damaged", "unnamed", "other", "wrong", "lonely", "old"):
        write_keystore(folder, name, new_key())
    (folder / "damaged.json").write_text("{")
    write_keystore(folder, "other", new_key(), pubkey=hexed(STRANGER))
    write_keystore(folder, "old", new_key(), version=3)
    (folder / "wrong.txt").write_text("another word")
    (folder / "lonely.txt").unlink()
    write_keystore(folder, "unnamed", good, pubkey="")
    async with serving(signer) as api:
        status = await api.loaded()
        keys = (await api.call("GET", "/api/v1/eth2/publicKeys")).body
    assert status["status"] == "completed_with_errors"
    unusable = ["damaged", "lonely", "old", "other", "wrong"]
    assert [name for name in [*unusable, "unnamed"] if f"{name}." in status["lastError"]] == unusable
    assert keys == [hexed(good.public_key())]
    assert PASSWORD not in signer.lines.getvalue() + str(status)
