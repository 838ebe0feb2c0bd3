"""Committees taken up and let go at run time, each for itself. Holdings are fakes; the registry's values are real."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import cast

from libs.protocol.tests.signing.world import CHAIN, NETWORK, OPERATORS, keys
from services.consensus.tests.fake_time import now, run
from services.consensus.tests.test_duty_book import key, value
from services.consensus.tests.test_seats import COMMITTEE, ME, OWNER, validator, view

from ssv_consensus.duty_book import DutyBook
from ssv_consensus.holding import Holding
from ssv_consensus.instruments import Instruments
from ssv_consensus.worker import Worker
from ssv_ethereum.slot_clock import SlotClock
from ssv_protocol.registry.state import OperatorRecord, Recipient, ValidatorRecord
from ssv_protocol.runners.committee import CommitteeSeat
from ssv_protocol.types.committee import committee_id
from ssv_protocol.types.ids import CommitteeId, ExecutionAddress, OperatorId, Slot, ValidatorIndex
from ssv_runtime.logs import make_logger
from ssv_runtime.registry_client import RegistryView
from ssv_runtime.service import Service

OTHERS = tuple(map(OperatorId, (1, 2, 3, 9)))
OTHER_COMMITTEE = committee_id(OTHERS)


@dataclass
class FakeNode:
    seat: CommitteeSeat
    heads: list[Slot] = field(default_factory=list)
    draining: asyncio.Event = field(default_factory=asyncio.Event)
    changes: int = 0

    def drain(self) -> None:
        self.draining.set()

    def duties_changed(self) -> None:
        self.changes += 1

    def head_seen(self, slot: Slot) -> None:
        self.heads.append(slot)


@dataclass
class FakeHolding:
    """Its running duties end two slots after it is drained; it fails as often as `failures` says."""

    node: FakeNode
    failures: int = 0
    runs: int = 0

    async def run(self) -> None:
        self.runs += 1
        if self.runs <= self.failures:
            raise RuntimeError("made to fail")
        await self.node.draining.wait()
        await asyncio.sleep(2 * CHAIN.slot_duration_s)

    async def catch_up(self) -> None: ...


@dataclass
class Scene:
    worker: Worker
    book: DutyBook
    service: Service
    output: io.StringIO
    made: list[FakeHolding]

    def holding(self, committee: CommitteeId = COMMITTEE) -> FakeHolding:
        return cast(FakeHolding, self.worker.holdings[committee])

    def sample(self, name: str) -> float | None:
        return self.service.metrics.registry.get_sample_value(f"ssv_consensus_{name}")


def registry(*validators: ValidatorRecord, without_key: tuple[int, ...] = ()) -> RegistryView:
    """Return the registry of these validators, with operator 9 besides the four."""
    base = view(*validators, without_key=without_key)
    nine = OperatorId(9)
    record = OperatorRecord(nine, bytes(20), b"", None if 9 in without_key else keys()[nine].public_pem())  # type: ignore[arg-type]
    state = replace(base.state, operators={**base.state.operators, nine: record})
    return RegistryView(state, ME)


def with_worker(scenario: Callable[[Scene], Awaitable[None]], failures: int = 0) -> None:
    async def run_it() -> None:
        output = io.StringIO()
        async with Service("consensus", log=make_logger("consensus", "debug", file=output)) as service:
            book = DutyBook(CHAIN)
            made: list[FakeHolding] = []

            def make(seat: CommitteeSeat) -> Holding:
                made.append(FakeHolding(FakeNode(seat), failures))
                return cast(Holding, made[-1])

            worker = Worker(
                NETWORK,
                SlotClock(CHAIN, now),
                book,
                make_holding=make,
                service=service,
                instruments=Instruments(service.log, service.metrics, service.health),
            )
            await scenario(Scene(worker, book, service, output, made))

    run(run_it)


def test_committees_appear_and_go_with_their_validators() -> None:
    async def scenario(scene: Scene) -> None:
        worker = scene.worker
        worker.registry_changed(registry())
        assert not worker.holdings
        worker.registry_changed(registry(validator(1)))
        assert set(worker.holdings) == {COMMITTEE}
        first = scene.holding()
        worker.registry_changed(registry(validator(1), validator(2, OTHERS)))
        assert set(worker.holdings) == {COMMITTEE, OTHER_COMMITTEE}
        assert scene.holding() is first
        assert scene.sample("committees") == 2
        assert scene.sample("validators") == 2
        worker.registry_changed(registry(validator(1, liquidated=True), validator(2, OTHERS)))
        assert first.node.draining.is_set()
        assert not scene.holding(OTHER_COMMITTEE).node.draining.is_set()
        await asyncio.sleep(3 * CHAIN.slot_duration_s)
        assert set(worker.holdings) == {OTHER_COMMITTEE}
        assert scene.sample("committees") == 1

    with_worker(scenario)


def test_a_committee_that_comes_back_while_it_drains_is_taken_up_anew() -> None:
    async def scenario(scene: Scene) -> None:
        scene.worker.registry_changed(registry(validator(1)))
        first = scene.holding()
        await asyncio.sleep(1)
        scene.worker.registry_changed(registry())
        scene.worker.registry_changed(registry(validator(1)))
        await asyncio.sleep(3 * CHAIN.slot_duration_s)
        assert scene.holding() is not first
        assert not scene.holding().node.draining.is_set()

    with_worker(scenario)


def test_a_committee_that_cannot_run_keeps_no_other_from_running() -> None:
    async def scenario(scene: Scene) -> None:
        broken = registry(validator(1), validator(2, OTHERS), without_key=(3, 9))
        scene.worker.registry_changed(broken)
        assert set(scene.worker.holdings) == {COMMITTEE}
        assert "cannot be run" in scene.output.getvalue()
        scene.worker.registry_changed(registry(validator(1), validator(2, OTHERS)))
        assert set(scene.worker.holdings) == {COMMITTEE, OTHER_COMMITTEE}

    with_worker(scenario)


def test_shares_come_with_the_indices() -> None:
    async def scenario(scene: Scene) -> None:
        scene.worker.registry_changed(registry(validator(1), validator(2)))
        node = scene.holding().node
        assert not node.seat.shares
        scene.worker.duties_changed(scene.book.put(value()))
        assert {index: share.validator_pubkey for index, share in node.seat.shares.items()} == {1: key(1), 2: key(2)}
        assert node.changes == 1, "the node looks for what is new once its seat has the shares"
        scene.worker.registry_changed(registry(validator(1)))
        assert set(node.seat.shares) == {1}
        scene.worker.duties_changed(scene.book.put(value(committee=b"\x07" * 32)))
        assert set(scene.worker.holdings) == {COMMITTEE}

    with_worker(scenario)


def test_a_new_fee_recipient_reaches_the_seat() -> None:
    async def scenario(scene: Scene) -> None:
        before = registry(validator(1))
        scene.worker.registry_changed(before)
        scene.worker.duties_changed(scene.book.put(value()))
        node, address = scene.holding().node, ExecutionAddress(b"\x0e" * 20)
        assert node.seat.shares[ValidatorIndex(1)].fee_recipient == before.state.fee_recipient(OWNER)
        state = replace(before.state, recipients=MappingProxyType({OWNER: Recipient(address)}))
        scene.worker.registry_changed(RegistryView(state, ME))
        assert node.seat.shares[ValidatorIndex(1)].fee_recipient == address

    with_worker(scenario)


def test_an_operators_new_key_reaches_the_seat() -> None:
    async def scenario(scene: Scene) -> None:
        scene.worker.registry_changed(registry(validator(1)))
        scene.worker.registry_changed(registry(validator(1), without_key=(4,)))
        assert scene.holding().node.seat.member.public_key_of(OPERATORS[3]) is None

    with_worker(scenario)


def test_heads_reach_every_committee() -> None:
    async def scenario(scene: Scene) -> None:
        scene.worker.registry_changed(registry(validator(1), validator(2, OTHERS)))
        scene.worker.head_seen(Slot(5))
        assert [holding.node.heads for holding in scene.made] == [[5], [5]]

    with_worker(scenario)


def test_a_committee_that_fails_is_run_again() -> None:
    async def scenario(scene: Scene) -> None:
        scene.worker.registry_changed(registry(validator(1)))
        await asyncio.sleep(10)
        assert scene.holding().runs == 3
        assert len(scene.made) == 1

    with_worker(scenario, failures=2)


def test_draining_waits_for_all_and_takes_up_nothing() -> None:
    async def scenario(scene: Scene) -> None:
        scene.worker.registry_changed(registry(validator(1), validator(2, OTHERS)))
        await asyncio.sleep(1)
        draining = asyncio.create_task(scene.worker.drain())
        await asyncio.sleep(1)
        assert not draining.done()
        scene.worker.registry_changed(registry(validator(1), validator(2, OTHERS), validator(3, OPERATORS)))
        await draining
        await asyncio.sleep(1)
        assert not scene.worker.holdings
        assert len(scene.made) == 2

    with_worker(scenario)
