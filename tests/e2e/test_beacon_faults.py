"""Two real beacon nodes of one chain, one of which is faulty: no duty is missed while the other one answers in time.

All duties of all validators are done through a worker's beacon port, on a pool of both nodes, slot after slot. The
faults come one after the other, each for two slots, and each befalls the node that the pool would ask first. What
became of the duties is read from the chain, of the nodes themselves and not through the proxies.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.support.slot_duties import SlotDuties

from ssv_devnet.beacon_node import BeaconNodeSettings
from ssv_devnet.beacon_pair import BeaconPair, running_beacon_pair
from ssv_devnet.faults import CutOff, Delay, Halved, Hang, Reset, ServerError, Swallowed, another_chain
from ssv_devnet.observer import Observation, Observer
from ssv_devnet.proxy import Fault
from ssv_devnet.relay import BLOCK_PATHS
from ssv_ethereum.beacon.node import BeaconNode
from ssv_ethereum.pool.pool import BeaconPool
from ssv_ethereum.pool.standing import Standing
from ssv_ethereum.slot_clock import SlotClock
from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.types.ids import Epoch, ExecutionAddress, Root, Slot, ValidatorIndex

SLOT_S, VALIDATORS, GENESIS_DELAY_S = 3, 64, 14
DEADLINE_S = 2.0
"""As a worker has it."""
FAULTY_SLOTS, SLOTS_A_FAULT = 2, 3
FIRST = Slot(2)
"""In the first slots there are no blocks yet whose votes could be counted."""
STALE, KILLED, WRONG = "stale head", "killed, then from genesis", "another chain"
FAULTS: dict[str, Fault | None] = {
    "half a slot late": Delay(SLOT_S / 2),
    "HTTP 500": ServerError(),
    "hangs": Hang(),
    STALE: Swallowed(BLOCK_PATHS),
    WRONG: another_chain(),
    "connection reset": Reset(),
    "body cut off": CutOff(),
    "body halved": Halved(),
    KILLED: None,
}
LAST = Slot(FIRST + SLOTS_A_FAULT * len(FAULTS) - 1)
ABOUT_ITSELF = ("/eth/v1/node/", "/eth/v1/beacon/genesis", "/eth/v1/config/spec", "/eth/v1/events")
FEE_RECIPIENT = ExecutionAddress(b"\x0e" * 20)


@dataclass
class Span:
    """A fault and the slots in which it held."""

    fault: str
    victim: int
    slots: range
    standing: Standing = Standing.UNKNOWN
    """What the pool thought of the node at the end of it."""
    problem: str = ""


@dataclass
class Run:
    chain: BeaconChain
    spans: list[Span] = field(default_factory=list)
    observation: Observation | None = None
    problems: dict[Slot, list[str]] = field(default_factory=dict)
    slowest_s: dict[Slot, float] = field(default_factory=dict)
    asked_while_wrong: set[str] = field(default_factory=set)
    heads: list[Root | None] = field(default_factory=list)

    def counts(self, slots: range) -> list[tuple[int, int]]:
        """(due, landed) of proposals, attestations and sync committee messages."""
        seen = self.observation
        assert seen is not None
        return [
            (len(wanted), len(wanted & landed))
            for due, landed in (
                (seen.proposals_due, seen.proposals_made),
                (seen.due, seen.included.keys()),
                (seen.sync_due, seen.sync_included),
            )
            if (wanted := {vote for vote in due if vote[0] in slots}) is not None
        ]

    def table(self) -> str:
        lines = [f"{'fault':<26} node  pool says  blocks  attestations  sync messages  slowest answer, ms"]
        for span in self.spans:
            (b_due, b), (a_due, a), (s_due, s) = self.counts(span.slots)
            slowest_ms = 1000 * max(self.slowest_s.get(Slot(slot), 0) for slot in span.slots)
            lines.append(
                f"{span.fault:<26} {span.victim + 1:>4}  {span.standing.name.lower():<9}  {b:>3}/{b_due:<2}  "
                f"{a:>6}/{a_due:<5}  {s:>7}/{s_due:<5}  {slowest_ms:>8.0f}"
            )
        return "\n".join(lines)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    result = asyncio.run(_run(tmp_path_factory.mktemp("beacons")))
    print(f"\n{result.table()}")
    return result


async def _run(folder: Path) -> Run:
    settings = BeaconNodeSettings(int(time.time()) + GENESIS_DELAY_S, SLOT_S, VALIDATORS)
    indices = tuple(map(ValidatorIndex, range(VALIDATORS)))
    async with running_beacon_pair(settings, folder) as pair, BeaconNode(pair.any_node.url) as node:
        chain = await node.chain.describe()
        async with BeaconPool([proxy.url for proxy in pair.proxies], chain, DEADLINE_S) as pool:
            clock = SlotClock(chain)
            duties, observer, run = SlotDuties(pool, clock, indices), Observer(node, chain, indices), Run(chain)
            async with _beside(_look(observer, clock), pool.watch(), _inflict(pair, pool, clock, run)):
                await clock.wait_for_slot(Slot(0))
                await _learn(duties, Epoch(0))
                async with asyncio.TaskGroup() as slots:
                    for slot in map(Slot, range(1, LAST + 2)):
                        if (slot + 1) % chain.slots_per_epoch == 0:
                            slots.create_task(_learn(duties, Epoch(chain.epoch_of(slot) + 1)))
                        slots.create_task(duties.do(slot))
                        await clock.wait_for_slot(Slot(slot + 1))
            await observer.advance(Slot(LAST + 1))
            for each in pair.nodes:
                async with BeaconNode(each.url) as direct:
                    run.heads.append(await direct.blocks.root("head"))
            run.observation = observer.observation(FIRST, LAST)
            run.problems, run.slowest_s = dict(duties.problems), dict(duties.slowest_s)
            return run


async def _learn(duties: SlotDuties, epoch: Epoch) -> None:
    await duties.learn(epoch)
    fee_recipients = dict.fromkeys(duties.indices, FEE_RECIPIENT)
    await duties.pool.every(lambda node: node.proposers.prepare(fee_recipients))


async def _look(observer: Observer, clock: SlotClock) -> None:
    for slot in map(Slot, range(1, LAST + 1)):
        await clock.wait_for_slot(slot, 0.9 * SLOT_S)
        await observer.advance(slot)


async def _inflict(pair: BeaconPair, pool: BeaconPool, clock: SlotClock, run: Run) -> None:
    """Each fault begins shortly before its first slot and ends shortly before the slot after its last."""
    endpoints = [state.endpoint for state in pool.states()]
    for place, (name, fault) in enumerate(FAULTS.items()):
        slots = range(FIRST + place * SLOTS_A_FAULT, FIRST + place * SLOTS_A_FAULT + FAULTY_SLOTS)
        await clock.wait_for_slot(Slot(slots[0] - 1), 0.9 * SLOT_S)
        assert pool.best is not None
        span = Span(name, endpoints.index(pool.best.endpoint), slots)
        run.spans.append(span)
        proxy = pair.proxies[span.victim]
        if name == STALE:
            pair.relay.part(span.victim)
        if name == KILLED:
            await pair.kill(span.victim)
        proxy.fault = fault
        await clock.wait_for_slot(Slot(slots[0]), 0.9 * SLOT_S)
        before = Counter(proxy.requests)
        # Who was cut off, or begins again, has not the votes of its last slot, and should build no block without them.
        ends = Slot(slots[-1] + 1) if name == STALE else Slot(LAST + 1) if name == KILLED else None
        await clock.wait_for_slot(ends or Slot(slots[-1]), (0.5 if ends else 0.9) * SLOT_S)
        look = pool.states()[span.victim].look
        span.standing, span.problem = look.standing, look.problem
        proxy.fault = None
        if name == WRONG:
            run.asked_while_wrong = {path for path in proxy.requests - before if not path.startswith(ABOUT_ITSELF)}
        if name == STALE:
            pair.relay.rejoin(span.victim)
        if name == KILLED:
            await pair.revive(span.victim)


@asynccontextmanager
async def _beside(*works: object) -> AsyncIterator[None]:
    tasks = [asyncio.ensure_future(work) for work in works]  # type: ignore[call-overload]
    try:
        yield
        await asyncio.gather(tasks[0], tasks[2])
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize("fault", FAULTS)
def test_no_duty_is_missed_while_one_node_is_faulty(run: Run, fault: str) -> None:
    (span,) = (each for each in run.spans if each.fault == fault)
    for due, landed in run.counts(span.slots):
        assert due
        assert landed == due, (span, {slot: run.problems.get(Slot(slot)) for slot in span.slots})


def test_no_duty_is_missed_in_between(run: Run) -> None:
    for due, landed in run.counts(range(FIRST, LAST + 1)):
        assert landed == due, run.problems


def test_every_question_was_answered_and_everything_was_taken(run: Run) -> None:
    assert run.problems == {}


def test_a_node_of_another_chain_is_named_and_asked_nothing_else(run: Run) -> None:
    (span,) = (each for each in run.spans if each.fault == WRONG)
    assert span.standing is Standing.WRONG
    assert "genesis validators root" in span.problem
    assert run.asked_while_wrong == set()


def test_a_node_that_began_again_from_genesis_has_the_chain_of_the_other(run: Run) -> None:
    assert run.heads[0] is not None
    assert run.heads[0] == run.heads[1]
