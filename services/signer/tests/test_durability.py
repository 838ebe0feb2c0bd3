"""Nothing is signed unless its record is durable: commits that fail, disks that are full, writers that break."""

from __future__ import annotations

import pytest
from services.signer.tests.databases import ON_SQLITE
from services.signer.tests.harness import Draft, Signer
from tests.support.signing_world import SigningWorld

from ssv_protocol.types.ids import Slot
from ssv_protocol.types.roles import QbftMessageType
from ssv_signer import judge
from ssv_signer.signatures import Signed, SigningPool
from ssv_signer.store import consensus
from ssv_signer.store.database import StoreError
from ssv_signer.store.sqlite import SqliteStore
from ssv_signer.work import Asked, Refusal, Work

pytestmark = pytest.mark.asyncio
PREPARE = QbftMessageType.PREPARE


async def test_a_commit_that_fails_signs_nothing(
    signer: Signer, world: SigningWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    validator = world.validator(1)
    async with signer.running():
        assert signer.service is not None
        await signer.hold(validator)
        drafts: list[Draft] = [
            world.post_consensus([validator], signer.slot),
            *(world.qbft(PREPARE, Slot(signer.slot - n), b"v") for n in range(20)),
        ]
        with monkeypatch.context() as broken:

            def fail(*_: object) -> None:
                raise StoreError("disk I/O error")

            def signs(_pool: SigningPool, _work: Work, _signed: Signed) -> None:
                raise AssertionError("a signature without a record")

            broken.setattr(signer.database.store, "commit", fail)
            broken.setattr(SigningPool, "begin", signs)
            answers = await signer.sign(*drafts)
            assert {answer.WhichOneof("verdict") for answer in answers} == {"failed"}
            assert "database" in signer.service.health.problems()
        assert signer.rows("consensus_steps") == signer.rows("partial_signatures") == 0
        # nothing was promised, so another value may still be signed; and the signer goes on by itself
        if signer.database.store.comes_back:
            await signer.ready()
        other = world.vote(signer.slot, b"other")
        answers = await signer.sign(world.post_consensus([validator], signer.slot, other))
        assert answers[0].signed.message
        assert not signer.service.health.problems()


async def test_the_record_is_durable_before_the_first_signature_is_made(
    signer: Signer, world: SigningWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, int]] = []
    begin = SigningPool.begin

    def look_first(pool: SigningPool, work: Work, signed: Signed) -> None:
        seen.append((signer.rows("consensus_steps"), signer.rows("partial_signatures")))
        begin(pool, work, signed)

    validators = [world.validator(index) for index in range(3)]
    async with signer.running():
        await signer.hold(*validators)
        monkeypatch.setattr(SigningPool, "begin", look_first)
        await signer.sign(world.qbft(PREPARE, signer.slot, b"v"))
        await signer.sign(world.post_consensus(validators, signer.slot))
    assert seen == [(1, 0), (1, 3)]


@ON_SQLITE
async def test_a_full_disk_signs_nothing(signer: Signer, world: SigningWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = SqliteStore.open.__func__  # type: ignore[attr-defined]

    def open_small(cls: type[SqliteStore], folder: object) -> SqliteStore:
        store: SqliteStore = opened(cls, folder)
        (pages,) = store.raw.execute("PRAGMA page_count").fetchone()
        store.raw.execute(f"PRAGMA max_page_count = {pages + 1}")
        return store

    async with signer.running():
        await signer.hold(world.validator(1))
    monkeypatch.setattr(SqliteStore, "open", classmethod(open_small))
    async with signer.running():
        big = world.qbft(QbftMessageType.PROPOSAL, signer.slot, bytes(100_000))
        (answer,) = await signer.sign(big)
        assert answer.failed.reason
        assert signer.service is not None
        assert "database" in signer.service.health.problems()
        (small,) = await signer.sign(world.qbft(PREPARE, signer.slot, b"small"))
    assert small.signed.message
    assert signer.rows("consensus_steps") == 1


async def test_a_request_that_breaks_fails_alone_and_leaves_no_trace(
    signer: Signer, world: SigningWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged = judge.Sitting.judge

    def breaks(self: judge.Sitting, asked: Asked) -> Work | Refusal:
        verdict = judged(self, asked)
        if b"\x00broken" in getattr(asked.draft, "full_data", b""):
            raise RuntimeError("after its writes")
        return verdict

    monkeypatch.setattr(judge.Sitting, "judge", breaks)
    proposal = QbftMessageType.PROPOSAL
    async with signer.running():
        await signer.hold(world.validator(1))
        good, bad, retry = await signer.sign(
            world.qbft(proposal, Slot(signer.slot - 1), b"good"),
            world.qbft(proposal, signer.slot, b"\x00broken"),
            world.qbft(proposal, signer.slot, b"another"),
        )
    assert good.signed.message
    assert bad.failed.reason
    assert retry.signed.message
    assert signer.rows("consensus_steps") == 2


async def test_a_record_that_would_contradict_itself_is_stopped_by_the_tables(
    signer: Signer, world: SigningWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consensus, "records", lambda *_: {})  # a signer that forgot
    async with signer.running():
        await signer.hold(world.validator(1))
        (first,) = await signer.sign(world.qbft(PREPARE, signer.slot, b"a"))
        (second,) = await signer.sign(world.qbft(PREPARE, signer.slot, b"b"))
    assert first.signed.message
    assert second.failed.reason
