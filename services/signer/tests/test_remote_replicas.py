"""Two signers on one database serve the remote-signing API for the same plain keys, asked for what conflicts."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

import pytest
from services.signer.tests.harness import Signer
from services.signer.tests.remote import api
from services.signer.tests.remote.api import Answered, Api
from services.signer.tests.remote.world import NETWORK, OTHER_ROOT, ROOT, Json, attestation, block, new_key
from tests.support.signing_world import SigningWorld

from ssv_protocol.crypto import eip2335
from ssv_protocol.types.ids import BlsPublicKey

pytestmark = pytest.mark.asyncio
KEYS = 12
CONFLICTS: tuple[tuple[Json, Json], ...] = (
    (attestation(head=ROOT), attestation(head=OTHER_ROOT)),
    (block(state=ROOT), block(state=OTHER_ROOT)),
)


@pytest.fixture(autouse=True)
def cheap_keystores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eip2335, "SCRYPT_N", 2)


async def test_of_what_conflicts_exactly_one_is_signed(signer: Signer) -> None:
    world, keys = SigningWorld(NETWORK), [new_key() for _ in range(KEYS)]
    pubkeys = [key.public_key() for key in keys]
    (signer.folder / "twin").mkdir()
    both = [Signer(folder, world, signer.database) for folder in (signer.folder, signer.folder / "twin")]
    async with api.serving(both[0], keys) as one, api.serving(both[1], keys) as other:
        for each, served in zip(both, (one, other), strict=True):
            await api.begin(served, each, *pubkeys)

        async def ask(number: int, key: BlsPublicKey, sides: tuple[Json, Json]) -> tuple[tuple[Api, Json], ...]:
            """Ask each signer for one side, this one first for the one and that one for the other."""
            asked = list(zip((one, other), sides if number % 2 else sides[::-1], strict=True))
            answers = await asyncio.gather(*(served.sign(key, plain) for served, plain in asked))
            assert sorted(answer.status for answer in answers) == [HTTPStatus.OK, HTTPStatus.PRECONDITION_FAILED]
            (winner,) = (each for each, answer in zip(asked, answers, strict=True) if answer.status == HTTPStatus.OK)
            (loser,) = (each for each in asked if each is not winner)
            return winner, loser

        for sides in CONFLICTS:
            outcomes = await asyncio.gather(*(ask(number, key, sides) for number, key in enumerate(pubkeys)))
            for key, ((winner, won), (_, lost)) in zip(pubkeys, outcomes, strict=True):
                again: list[Answered] = [await served.sign(key, won) for served in (winner, one, other)]
                assert len({answer.body["signature"] for answer in again}) == 1
                for served in (one, other):
                    assert (await served.sign(key, lost)).status == HTTPStatus.PRECONDITION_FAILED
