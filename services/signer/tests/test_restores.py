"""Real databases of which copies are put back at any moment: nothing is said twice, and the successor goes on.

The rules alone are played at length in the protocol's `test_leases_model`; here the transactions are, in SQLite and
PostgreSQL, without the wire.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from services.signer.tests.databases import Database, PostgresDatabase, SqliteDatabase
from services.signer.tests.harness import SLOTS_PER_EPOCH, START
from tests.support.signer_leases import Draft, SignerLeases
from tests.support.signing_world import SigningWorld, Validator

from ssv_devnet.postgres import Postgres
from ssv_protocol.signing.leases import Lease
from ssv_protocol.signing.records import ShareSigning
from ssv_protocol.signing.verdict import DenialReason, Denied
from ssv_protocol.types.ids import CommitteeId, Epoch, Slot
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import QbftMessageType
from ssv_runtime.logs import make_logger
from ssv_runtime.service import Service
from ssv_signer import custody, drafts
from ssv_signer.leasing import Wanted
from ssv_signer.vault import Vault
from ssv_signer.work import Asked, BatchWork, EnvelopeWork, Judgement, Refusal

WORKERS, VALUES = ("w1", "w2"), (b"a", b"b")
STEP = st.one_of(
    st.tuples(st.just("claim"), st.sampled_from(WORKERS)),
    st.tuples(st.just("speak"), st.sampled_from(WORKERS), st.sampled_from(VALUES), st.integers(0, 1)),
    st.tuples(st.just("speak"), st.sampled_from(WORKERS), st.sampled_from(VALUES), st.integers(0, 1)),
    st.tuples(st.just("attest"), st.sampled_from(WORKERS), st.sampled_from(VALUES), st.integers(0, 1)),
    st.tuples(st.just("attest"), st.sampled_from(WORKERS), st.sampled_from(VALUES), st.integers(0, 1)),
    st.tuples(st.just("wait"), st.sampled_from((1, 1, SLOTS_PER_EPOCH))),
    st.tuples(st.just("copy")),
    st.tuples(st.just("restore"), st.integers(0, 3), st.booleans(), st.booleans()),
    st.tuples(st.just("restart")),
    st.tuples(st.just("forget"), st.sampled_from(WORKERS)),
)
Program = list[tuple[object, ...]]


class Play:
    """One database, signers that come and go, two workers. What the world has seen must never be contradicted."""

    def __init__(self, world: SigningWorld, database: Database, validator: Validator) -> None:
        self.world, self.database, self.validator = world, database, validator
        self.committee = CommitteeId(world.committee_id())
        self.clock = START
        self.leases: dict[str, Lease] = {}
        self.holder = ""
        self.copies: list[int] = []
        self.said: dict[Slot, bytes] = {}
        self.attested: dict[Epoch, ShareSigning] = {}

    async def run(self, program: Program) -> None:
        async with self.signer() as vault:
            await vault.add_share(self._share())
            self.vault = vault
            await self.claim("w1")
            self.clock = Slot(self.clock + SLOTS_PER_EPOCH)
            self.copies.append(self.database.copy())
        steps = iter([("restart",), *program])
        more = True
        while more:
            async with self.signer() as self.vault:
                more = await self._until_restart(steps)
        async with self.signer() as self.vault:
            await self._go_on()

    async def _until_restart(self, steps: Iterator[tuple[object, ...]]) -> bool:
        for name, *details in steps:
            if name == "restart":
                self.only_the_holder_believes_in_its_lease()
                return True
            if name == "restore":
                number, restarts, forgets = details
                assert isinstance(number, int)
                self.only_the_holder_believes_in_its_lease()
                if forgets:
                    self.leases.clear()
                self.database.restore(self.copies[-1 - number % len(self.copies)])
                if restarts:
                    return True
            elif name == "copy":
                self.copies.append(self.database.copy())
            else:
                await getattr(self, str(name))(*details)
        return False

    async def _go_on(self) -> None:
        quiet_until = await self.claim("w2")
        assert quiet_until - self.clock <= SLOTS_PER_EPOCH + 1
        self.clock = Slot(max(quiet_until, self.clock + SLOTS_PER_EPOCH))
        draft = self.world.post_consensus([self.validator], self.clock)
        judged = await self.ask("w2", self.world.qbft(QbftMessageType.PREPARE, self.clock, b"a"))
        assert isinstance(judged, EnvelopeWork)
        assert isinstance(await self.ask("w2", draft), BatchWork)

    def only_the_holder_believes_in_its_lease(self) -> None:
        """What the rules do not guarantee: see `ssv_protocol.signing.leases`."""
        self.leases = {worker: lease for worker, lease in self.leases.items() if worker == self.holder}

    # steps

    async def claim(self, worker: str) -> Slot:
        (outcome,) = await self.vault.claim(worker, [Wanted(self.committee, witness=self.leases.get(worker))])
        assert isinstance(outcome.result, Lease)
        self.leases[worker], self.holder = outcome.result, worker
        return outcome.quiet_until

    async def speak(self, worker: str, value: bytes, back: int) -> None:
        slot = Slot(self.clock - back)
        judged = await self.ask(worker, self.world.qbft(QbftMessageType.PREPARE, slot, value))
        if isinstance(judged, EnvelopeWork):
            root = QbftMessage.decode(judged.message.message.data).root
            assert self.said.setdefault(slot, root) == root, "two values in one round"

    async def attest(self, worker: str, value: bytes, back: int) -> None:
        slot = Slot(self.clock - back)
        judged = await self.ask(worker, self.world.post_consensus([self.validator], slot, self.world.vote(slot, value)))
        if isinstance(judged, BatchWork):
            (item,) = judged.record.items
            epoch = self.world.network.chain.epoch_of(slot)
            assert self.attested.setdefault(epoch, item) == item, "two votes for one target"

    async def wait(self, slots: int) -> None:
        self.clock = Slot(self.clock + slots)

    async def forget(self, worker: str) -> None:
        self.leases.pop(worker, None)

    # inside

    async def ask(self, worker: str, draft: Draft) -> Judgement:
        parsed = drafts.parse(SignerLeases().request(0, draft))
        assert not isinstance(parsed, Denied)
        if worker not in self.leases:
            await self.claim(worker)
        (judged,) = await self.vault.record([Asked(parsed, self.leases[worker])])
        if isinstance(judged, EnvelopeWork | BatchWork):
            assert judged.lease is not None
            self.leases[worker] = judged.lease
        elif isinstance(judged, Refusal) and judged.denied.reason in (DenialReason.STALE_FENCE, DenialReason.NO_LEASE):
            del self.leases[worker]
        return judged

    @asynccontextmanager
    async def signer(self) -> AsyncIterator[Vault]:
        log = make_logger("signer", "error")
        async with Service("signer", log=log) as service:
            vault = await Vault.open(
                self.database.open,
                network=self.world.network,
                operator_key=self.world.own_key,
                now=lambda: self.world.network.chain.slot_start(self.clock),
                log=log,
                health=service.health.dependency("database"),
            )
            try:
                yield vault
            finally:
                await vault.close()

    def _share(self) -> custody.NewShare:
        add = self.validator.add
        return custody.check_share(
            self.world.own_key,
            self.world.network.ssv.alan_domain,
            validator_pubkey=add.validator_pubkey,
            share_pubkey=add.share_pubkey,
            encrypted_share=add.encrypted_share,
            operator_id=add.operator_id,
            operators=[(each.operator_id, each.public_key) for each in add.committee],
        )


@pytest.fixture(params=["sqlite", "postgres"])
def new_database(request: pytest.FixtureRequest, tmp_path: Path) -> object:
    if request.param == "sqlite":
        return lambda: SqliteDatabase(Path(tempfile.mkdtemp(dir=tmp_path)))
    server: Postgres = request.getfixturevalue("postgres")
    return lambda: PostgresDatabase(server, Path(tempfile.mkdtemp(dir=tmp_path)))


@given(program=st.lists(STEP, max_size=25))
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_put_back_nothing_is_contradicted(
    new_database: type[SqliteDatabase], world: SigningWorld, program: Program
) -> None:
    database = new_database()  # type: ignore[call-arg]
    try:
        asyncio.run(Play(world, database, world.validator(1)).run(program))
    finally:
        shutil.rmtree(getattr(database, "folder", "nowhere"), ignore_errors=True)


def test_the_play_notices_what_is_contradicted(world: SigningWorld, tmp_path: Path) -> None:
    class Believer(Play):
        @asynccontextmanager
        async def signer(self) -> AsyncIterator[Vault]:
            async with super().signer() as vault:
                vault._recorder.leasing.match = lambda *_: None  # type: ignore[method-assign]
                yield vault

    program: Program = [("attest", "w1", b"a", 0), ("restore", 0, True, False), ("attest", "w1", b"b", 0)]
    with pytest.raises(AssertionError, match="two votes"):
        asyncio.run(Believer(world, SqliteDatabase(tmp_path), world.validator(1)).run(program))
