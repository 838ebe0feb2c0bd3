"""Every status that the OpenAPI document names for an operation, every verdict of a batch item and every reason of a
refusal is reached by a real request; and nothing is answered that the document does not name."""

from __future__ import annotations

import asyncio
import os
import re
from typing import Any

import pytest
from services.signer.tests.databases import ON_SQLITE
from services.signer.tests.harness import Signer
from services.signer.tests.remote.api import PASSWORD, Answered, Api, begin, serving, write_keystore
from services.signer.tests.remote.world import (
    CLOCK,
    CLOCK_EPOCH,
    OTHER_ROOT,
    Json,
    attestation,
    block,
    contribution,
    deposit,
    fork_info,
    hexed,
    new_key,
)
from tests.support.signing_world import SigningWorld

from ssv_protocol.types.ids import BlsPublicKey
from ssv_signer.remote.errors import RemoteReason
from ssv_signer.remote.openapi import MAX_BODY_BYTES, document
from ssv_signer.store.database import StoreError
from ssv_signer.store.sqlite import SqliteStore

pytestmark = [pytest.mark.asyncio, ON_SQLITE]
SIGN, MANY, RELOAD = "/api/v1/eth2/sign/{identifier}", "/api/v1/eth2/sign", "/reload"
FOREIGN = {"Host": "evil.example"}


def documented() -> set[tuple[str, str, int]]:
    return {
        (method.upper(), path, int(status))
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
        for status in operation["responses"]
    }


class Recorded(Api):
    """Calls, and which answer of which operation each was; what the document does not name is an error."""

    def __init__(self, api: Api) -> None:
        super().__init__(api.session, api.base)
        self.reached: set[tuple[str, str, int]] = set()
        self.verdicts: set[int] = set()
        self.reasons: set[str] = set()

    async def call(self, method: str, path: str, body: object = None, **options: Any) -> Answered:
        answer = await super().call(method, path, body, **options)
        operation = SIGN if re.fullmatch(r"/api/v1/eth2/sign/.+", path) else path
        place = (method, operation, answer.status)
        assert place in documented(), answer.body
        self.reached.add(place)
        if operation == MANY and answer.status == 200:
            self.verdicts |= {item["status"] for item in answer.body}
        elif isinstance(answer.body, dict) and "reason" in answer.body:
            self.reasons.add(answer.body["reason"])
        return answer


def no_space(store: SqliteStore) -> None:
    raise StoreError("no space")


async def refusals(api: Recorded, key: BlsPublicKey, share: BlsPublicKey, validator: BlsPublicKey) -> None:
    """Have everything refused that a single request can be refused for."""
    subcommittee: Json = {
        "type": "SYNC_COMMITTEE_CONTRIBUTION_AND_PROOF",
        "fork_info": fork_info(),
        "contribution_and_proof": contribution(subcommittee=9),
    }
    for identifier, plain in (
        (new_key().public_key(), attestation()),
        (key, attestation(head=OTHER_ROOT)),
        (key, attestation(CLOCK_EPOCH) | {"fork_info": fork_info(0)}),
        (key, attestation() | {"signingRoot": OTHER_ROOT}),
        (key, block(version="CAPELLA")),
        (key, subcommittee),
        (key, {"type": "DEPOSIT", "deposit": deposit(share)}),
        (key, {"type": "VOLUNTARY_EXIT", "fork_info": fork_info(), "voluntary_exit": {}}),
        (key, {"type": "RANDAO_REVEAL", "fork_info": fork_info(), "randao_reveal": {"epoch": str(CLOCK_EPOCH)}}),
        (share, attestation()),
        (validator, attestation()),
    ):
        await api.sign(identifier, plain)


async def bodies(api: Recorded, key: BlsPublicKey) -> None:
    """Send what is no request to both forms."""
    for path in (f"/api/v1/eth2/sign/{hexed(key)}", MANY):
        await api.call("POST", path, b"{")
        await api.call("POST", path, b" " * (MAX_BODY_BYTES + 1))
        await api.call("POST", path, b"{}", headers={"Content-Type": "text/plain"})


async def reloads(api: Recorded, signer: Signer) -> None:
    """Have the keystores read while they are being read, and see both in the health."""
    await api.call("GET", "/healthcheck")
    folder = signer.folder / "keys"
    write_keystore(folder, "slow", new_key())
    password = folder / "slow.txt"
    password.unlink()
    os.mkfifo(password)  # whoever reads it waits for us
    await api.call("POST", RELOAD)
    await api.call("POST", RELOAD)
    await api.call("GET", "/healthcheck")
    await asyncio.to_thread(password.write_text, PASSWORD)  # which waits for its reader
    await api.loaded()


async def test_every_documented_answer_is_reached(
    signer: Signer, remote_world: SigningWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret, validator = new_key(), remote_world.validator(1)
    key = secret.public_key()
    async with serving(signer, [secret], remote_denied_types=("RANDAO_REVEAL",)) as plain:
        api = Recorded(plain)
        await begin(api, signer, key)
        await signer.hold(validator)
        signer.slot = CLOCK
        for method, path, _ in sorted(documented()):
            called = path.replace("{identifier}", hexed(key))
            await api.call(method, called, {} if method == "POST" else None, headers=FOREIGN)
        for path in ("/upcheck", "/openapi.json", "/api/v1/eth2/publicKeys"):
            await api.call("GET", path)
        assert (await api.sign(key, attestation())).status == 200
        assert (await api.sign(key, block(CLOCK))).status == 200
        await refusals(api, key, validator.share_pubkey, validator.pubkey)
        await bodies(api, key)
        await reloads(api, signer)
        named = {"identifier": hexed(key)}
        stranger = {"identifier": hexed(new_key().public_key())}
        await api.sign_many([named | attestation(), named, stranger | attestation(), named | block(CLOCK, OTHER_ROOT)])
        monkeypatch.setattr(SqliteStore, "commit", no_space)
        await api.sign(key, attestation())
        await api.sign_many([named | attestation()])
        monkeypatch.undo()
    assert api.reached == documented()
    statuses = document()["components"]["schemas"]["BatchVerdict"]["oneOf"]
    refused = statuses[1]["allOf"][0]["properties"]["status"]["enum"]
    assert api.verdicts == {statuses[0]["properties"]["status"]["const"], *refused}
    assert {str(reason) for reason in RemoteReason} <= api.reasons
    assert api.reasons >= {"malformed", "not_durable", "forbidden", "content_type", "too_large"}
