"""What the worker makes of duties, heads and the beacon node's state."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import cast

import pytest
from libs.protocol.tests.signing.world import CHAIN, COMMITTEE
from services.consensus.tests.beacon_server import BeaconServer
from services.consensus.tests.fake_time import now, run
from services.consensus.tests.test_committee_inbox import message
from services.consensus.tests.test_duty_book import EPOCH, FIRST, attester, duties_at, value

from ssv_api.v1 import duties_pb2 as pb
from ssv_consensus.duty_book import DutyBook
from ssv_consensus.instruments import REFUSED_IN_A_ROW, Instruments
from ssv_consensus.watches import check_duties, head_handler, watch_duties
from ssv_consensus.worker import Worker
from ssv_devnet.simulation.chain import SimulatedChain, simulated_chain
from ssv_ethereum.pool.pool import BeaconPool
from ssv_ethereum.slot_clock import SlotClock
from ssv_protocol.types.ids import CommitteeId, Slot
from ssv_runtime.bus import Bus, KvEntry
from ssv_runtime.health import Health
from ssv_runtime.logs import make_logger
from ssv_runtime.metrics import Metrics


@dataclass
class FakeWorker:
    changed: list[CommitteeId] = field(default_factory=list)
    heads: list[Slot] = field(default_factory=list)
    holdings: dict[CommitteeId, object] = field(default_factory=dict)

    def duties_changed(self, committee: CommitteeId) -> None:
        self.changed.append(committee)

    def head_seen(self, slot: Slot) -> None:
        self.heads.append(slot)


@dataclass
class FakeBus:
    entries: list[KvEntry]

    def kv(self, bucket: str) -> FakeBus:
        assert bucket == "duties"
        return self

    async def watch(self) -> AsyncIterator[KvEntry]:
        for entry in self.entries:
            yield entry


class Told:
    """Instruments that can be read."""

    def __init__(self) -> None:
        self.output = io.StringIO()
        metrics, log = Metrics("consensus"), make_logger("consensus", file=self.output)
        self.health = Health(log, metrics, asyncio.Event())
        self.instruments = Instruments(log, metrics, self.health)

    def problem(self, dependency: str) -> str | None:
        return self.health.problems().get(dependency)


KEY = f"{EPOCH}.{COMMITTEE.hex()}"
GOOD = KvEntry(KEY, value(attester(1, FIRST)).SerializeToString(), 1)


def watched(*entries: KvEntry) -> tuple[DutyBook, FakeWorker, Told]:
    book, worker, told = DutyBook(CHAIN), FakeWorker(), Told()
    bus = cast(Bus, FakeBus(list(entries)))
    run(lambda: watch_duties(bus, book, cast(Worker, worker), told.instruments))
    return book, worker, told


def test_duties_go_into_the_book_and_the_seat_is_renewed() -> None:
    book, worker, told = watched(KvEntry(f"{EPOCH}.network", b"whatever", 1), GOOD)
    assert duties_at(book, FIRST) == (attester(1, FIRST),)
    assert worker.changed == [COMMITTEE]
    assert told.output.getvalue() == ""


@pytest.mark.parametrize(
    "bad",
    [KvEntry(KEY, b"\xff", 1), KvEntry("soon.00", None, 1), KvEntry(f"{EPOCH}.not-hex", None, 1)],
    ids=["value", "epoch", "committee"],
)
def test_what_cannot_be_read_is_told_and_skipped(bad: KvEntry) -> None:
    book, _, told = watched(bad, GOOD)
    assert duties_at(book, FIRST) == (attester(1, FIRST),)
    assert "duties cannot be read" in told.output.getvalue()


def test_a_deleted_value_is_forgotten() -> None:
    book, _, _ = watched(GOOD, KvEntry(KEY, None, 2))
    assert book.newest_epoch is None


def test_heads_are_passed_on() -> None:
    worker = FakeWorker()
    run(lambda: head_handler(cast(Worker, worker))(message(pb.Head(slot=7).SerializeToString())))
    assert worker.heads == [7]


async def while_running(work: Awaitable[None], look: Callable[[], Awaitable[None]]) -> None:
    task = asyncio.ensure_future(work)
    try:
        await look()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def test_duties_are_up_once_the_running_epoch_is_written() -> None:
    async def scenario() -> None:
        told, book, worker = Told(), DutyBook(CHAIN), FakeWorker()
        await asyncio.sleep(CHAIN.slot_start(FIRST))

        async def look() -> None:
            await asyncio.sleep(0)
            assert told.problem("duties") is None, "who holds no committee waits for no duties"
            worker.holdings[COMMITTEE] = object()
            await asyncio.sleep(CHAIN.slot_duration_s)
            assert told.problem("duties") == f"none of epoch {EPOCH}"
            book.put(value())
            await asyncio.sleep(CHAIN.slot_duration_s)
            assert told.problem("duties") is None
            await asyncio.sleep(CHAIN.slots_per_epoch * CHAIN.slot_duration_s)
            assert told.problem("duties") == f"none of epoch {EPOCH + 1}"

        await while_running(check_duties(book, cast(Worker, worker), SlotClock(CHAIN, now), told.instruments), look)

    run(scenario)


@pytest.mark.parametrize(("is_syncing", "problem"), [(False, ""), (True, "is syncing")])
def test_the_beacon_nodes_state_shows(is_syncing: bool, problem: str) -> None:
    async def scenario() -> None:
        told = Told()
        server = BeaconServer(SimulatedChain(simulated_chain(0.05), {}, seed=1))
        server.is_syncing = is_syncing
        async with (
            server.running(),
            BeaconPool([server.url], server.world.chain, report=told.instruments.beacon) as pool,
        ):
            await pool.look()
            assert problem in (told.problem("beacon") or "")
            assert bool(problem) == bool(told.problem("beacon"))

    asyncio.run(scenario())


def test_a_beacon_node_of_another_chain_is_not_ready() -> None:
    async def scenario() -> None:
        told = Told()
        server = BeaconServer(SimulatedChain(simulated_chain(0.05), {}, seed=1))
        async with server.running(), BeaconPool([server.url], CHAIN, report=told.instruments.beacon) as pool:
            await pool.look()
            assert f"beacon node {server.url} is of another network" in (told.problem("beacon") or "")

    asyncio.run(scenario())


def test_one_slow_publication_is_no_reason_to_call_the_gateways_down() -> None:
    told = Told()
    told.instruments.publication(None)
    for _ in range(REFUSED_IN_A_ROW - 1):
        told.instruments.publication("no answer")
    assert told.problem("p2p-gateway") is None
    told.instruments.publication("no answer")
    assert told.problem("p2p-gateway") == "no answer"
    told.instruments.publication(None)
    assert told.problem("p2p-gateway") is None
