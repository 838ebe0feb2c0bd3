"""Many rows and many keys in one statement, on both databases; many requests about one consensus in one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from services.signer.tests.databases import ON_POSTGRES, Database
from services.signer.tests.harness import Signer
from services.signer.tests.replicas import two_replicas
from tests.support.signing_world import SigningWorld

from ssv_protocol.signing.verdict import DenialReason
from ssv_protocol.types.roles import QbftMessageType
from ssv_signer.store.database import MAX_INTEGER, Contradiction, Store, select_in
from ssv_signer.work import EnvelopeWork, Refusal

PREPARE, COMMIT = QbftMessageType.PREPARE, QbftMessageType.COMMIT
MANY = 1200
"""More than the keys that SQLite takes at once."""
QUERY = "SELECT share_pubkey, slot, signing_root FROM proposals WHERE"


@pytest.fixture
def store(database: Database) -> Iterator[Store]:
    with closing(database.open()) as opened:
        yield opened


def key(number: int) -> bytes:
    return number.to_bytes(48)


def test_any_number_of_rows_is_inserted_and_found(store: Store) -> None:
    rows = [(key(number), number * (MAX_INTEGER // MANY), key(number)[16:]) for number in range(MANY)]
    wanted = rows[1:MANY:2]
    with store.judging([b"a"]) as connection:
        connection.insert("proposals", rows)
        connection.insert("proposals", [])
        found = list(select_in(connection, f"{QUERY} share_pubkey IN", [row[0] for row in wanted]))
        pairs = list(connection.select_among(f"{QUERY} (slot, share_pubkey) IN", [(row[1], row[0]) for row in wanted]))
        crossed = list(connection.select_among(f"{QUERY} (slot, share_pubkey) IN", [(rows[1][1], rows[2][0])]))
        nothing = list(select_in(connection, f"{QUERY} share_pubkey IN", []))
        join = "SELECT share_pubkey, slot, signing_root FROM asked JOIN proposals USING (slot, share_pubkey)"
        joined = list(connection.select_joined("slot, share_pubkey", [(row[1], row[0]) for row in wanted], join))
        nothing += connection.select_joined("slot, share_pubkey", [], join)
    assert sorted(found) == sorted(pairs) == sorted(joined) == wanted
    assert crossed == nothing == []


@pytest.mark.parametrize("roots", [(None, None), (None, b"\x0a" * 32), (b"\x0a" * 32, None)])
def test_what_is_not_there_stays_so(store: Store, roots: tuple[bytes | None, ...]) -> None:
    rows = [(key(number), number, root) for number, root in enumerate(roots)]
    with store.judging([b"a"]) as connection:
        connection.insert("proposals", rows)
    with store.reading() as connection:
        assert sorted(select_in(connection, f"{QUERY} share_pubkey IN", [row[0] for row in rows])) == rows


def test_one_row_that_contradicts_undoes_them_all(store: Store) -> None:
    with store.judging([b"a"]) as connection:
        connection.insert("proposals", [(key(1), 5, None)])
    rise = "ON CONFLICT (share_pubkey) DO UPDATE SET slot = excluded.slot, signing_root = excluded.signing_root"
    with pytest.raises(Contradiction), store.judging([b"a"]) as connection:
        connection.insert("proposals", [(key(0), 9, None), (key(1), 4, None), (key(2), 9, None)], rise)
    with store.reading() as connection:
        assert connection.execute(f"{QUERY} slot > 0").fetchall() == [(key(1), 5, None)]


@ON_POSTGRES
@pytest.mark.asyncio
async def test_requests_about_one_consensus_see_each_other_in_one_transaction(
    signer: Signer, world: SigningWorld
) -> None:
    async with signer.running():
        await signer.hold(world.validator(1))
    steps = [
        world.qbft(PREPARE, signer.slot, b"one"),
        world.qbft(COMMIT, signer.slot, b"another"),
        world.qbft(PREPARE, signer.slot, b"another"),
        world.qbft(COMMIT, signer.slot, b"one"),
        world.qbft(PREPARE, signer.slot, b"another", 2),
        world.qbft(COMMIT, signer.slot, b"one"),
        world.qbft(PREPARE, signer.slot, b"one"),
    ]
    async with two_replicas(signer) as (one, _):
        first, other, again, commit, second, late, repeated = await one.vault.record(
            [one.asked(step) for step in steps]
        )
    assert isinstance(other, Refusal)
    assert other.denied.reason is DenialReason.SECOND_ROOT
    assert isinstance(first, EnvelopeWork)
    assert isinstance(again, EnvelopeWork)
    assert isinstance(commit, EnvelopeWork)
    assert isinstance(second, EnvelopeWork)
    assert isinstance(late, EnvelopeWork)
    assert isinstance(repeated, EnvelopeWork)
    assert again.message == repeated.message == first.message, "what is on record for a step is the answer"
    assert late.message == commit.message
    assert signer.rows("consensus_steps") == 3
