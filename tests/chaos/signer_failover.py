"""Two signers on one PostgreSQL and a worker's stream to them: does every request get its answer, whatever befalls one?

    python -m tests.chaos.signer_failover [--kills 10] [--stops 4]

Each signer is killed with -9 in turn while requests are under way, and started again at its address; then each is
stopped (SIGSTOP) while it is asked, and wakes when the other has answered, with what it had been asked before still to
do. A request that the database made fail is made again, as a duty does. Exit status 0: all were answered, and nothing
that was answered contradicts anything else or is missing on record.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import sys
import tempfile
import time
from asyncio.subprocess import Process
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from ssv_api.v1 import signer_pb2 as pb
from ssv_api.v1.signer_pb2_grpc import SignerStub
from ssv_consensus.sign_stream import SignStream
from ssvctl.supervisor.ports import free_ports
from tests.chaos.databases import new_database
from tests.chaos.received import Received
from tests.chaos.record_check import RecordCheck
from tests.chaos.signer_ground import Ground
from tests.chaos.signer_process import Signers, kill
from tests.chaos.signing_load import Draft

OPERATORS = 7
AT_ONCE = 16
TIMEOUT_S = 60.0
_BETWEEN_S = (0.1, 0.4)


@dataclass
class Outcome:
    """`worst_s` has, for each kind of misfortune, how long the requests under way took that took longest."""

    asked: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    unanswered: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    stops: Counter[str] = field(default_factory=Counter)
    met: int = 0
    left: list[str] = field(default_factory=list)
    worst_s: dict[str, list[float]] = field(default_factory=lambda: {"kill": [], "stop": []})
    violations: list[str] = field(default_factory=list)


@dataclass
class Replica:
    """A signer at an address, and the process that waits to be the next one there."""

    name: str
    port: int
    signers: Signers
    process: Process


class Trial:
    """One database, two signers, one stream."""

    def __init__(self, ground: Ground, rng: random.Random) -> None:
        self.ground, self.rng = ground, rng
        self.received = Received(ground.world.network.chain)
        self.outcome = Outcome()
        self._under_way: dict[int, tuple[float, asyncio.Future[float]]] = {}
        self._going = True

    async def run(self, kills: int, stops: int) -> None:
        """Ask all the time; kill, then stop, one signer after the other."""
        await self.ground.add_shares()
        async with AsyncExitStack() as stack:
            replicas = [await self._replica(stack, name, port) for name, port in zip("ab", free_ports(2), strict=True)]
            target = ",".join(f"127.0.0.1:{replica.port}" for replica in replicas)
            channel = await stack.enter_async_context(self.ground.channel_to(target))
            stream = SignStream(SignerStub(channel).Sign, self.outcome.left.append)
            async with asyncio.TaskGroup() as tasks:
                running = tasks.create_task(stream.run())
                askers = [tasks.create_task(self._ask_on(stream)) for _ in range(AT_ONCE)]
                for number in range(kills):
                    await self._kill(replicas[number % 2])
                for number in range(stops):
                    await self._stop(replicas[number % 2])
                self._going = False
                await asyncio.gather(*askers)
                running.cancel()
        check = RecordCheck(self.ground.database, self.ground.shares)
        self.outcome.violations += self.received.violations
        self.outcome.violations += check.uncovered(self.received, [*self.received.steps, *self.received.batches])

    async def _replica(self, stack: AsyncExitStack, name: str, port: int) -> Replica:
        folder = self.ground.folder / name
        folder.mkdir()
        signers = self.ground.signers(folder=folder, port=port)
        stack.push_async_callback(signers.stop)
        process, _ = await signers.start()
        replica = Replica(name, port, signers, process)
        stack.push_async_callback(lambda: kill(replica.process))
        await signers.prepare()
        return replica

    # asking

    async def _ask_on(self, stream: SignStream) -> None:
        while self._going:
            await self._ask(stream, self.ground.load.draft())

    async def _ask(self, stream: SignStream, draft: Draft) -> None:
        leases, begun = self.ground.leases, time.perf_counter()
        self.outcome.asked += 1
        number, done = self.outcome.asked, asyncio.get_running_loop().create_future()
        self._under_way[number] = begun, done
        try:
            async with asyncio.timeout(TIMEOUT_S):
                while True:
                    answer = await stream.ask(leases.request(0, draft), TIMEOUT_S)
                    leases.note(leases.committee_of(draft), answer)
                    self._take(answer)
                    if not answer.HasField("failed"):
                        return
        except TimeoutError:
            self.outcome.unanswered += 1
        finally:
            del self._under_way[number]
            done.set_result(time.perf_counter() - begun)

    def _take(self, answer: pb.SignResponse) -> None:
        self.outcome.answers[str(answer.WhichOneof("verdict"))] += 1
        if answer.HasField("signed"):
            self.received.add(answer.signed.message)

    # misfortunes

    async def _kill(self, replica: Replica) -> None:
        await self._some_time()
        self.outcome.met += bool(self._under_way)
        affected = self._watched()
        await kill(replica.process)
        self.outcome.kills[replica.name] += 1
        replica.process, _ = await replica.signers.start()
        self.outcome.worst_s["kill"].append(max(await asyncio.gather(*affected), default=0.0))
        await replica.signers.prepare()

    async def _stop(self, replica: Replica) -> None:
        await self._some_time()
        self.outcome.met += bool(self._under_way)
        os.kill(replica.process.pid, signal.SIGSTOP)
        self.outcome.stops[replica.name] += 1
        try:
            self.outcome.worst_s["stop"].append(max(await asyncio.gather(*self._watched()), default=0.0))
        finally:
            os.kill(replica.process.pid, signal.SIGCONT)

    async def _some_time(self) -> None:
        await asyncio.sleep(self.rng.uniform(*_BETWEEN_S))

    def _watched(self) -> list[asyncio.Future[float]]:
        return [done for _, done in self._under_way.values()]


def trial(kills: int, stops: int, seed: int = 1) -> Outcome:
    """Run a trial in a folder that goes away."""
    rng = random.Random(seed)
    with (
        tempfile.TemporaryDirectory(prefix="signer-failover-") as folder,
        new_database("postgres", Path(folder)) as database,
    ):
        made = Trial(Ground(Path(folder), database, OPERATORS, rng), rng)
        asyncio.run(made.run(kills, stops))
    return made.outcome


def good(outcome: Outcome) -> bool:
    """Tell whether every request was answered and nothing contradicts anything."""
    return bool(outcome.answers["signed"]) and not outcome.unanswered and not outcome.violations


def table(outcome: Outcome, took_s: float) -> str:
    """Return the result for humans."""
    lines = [f"{name:<34}{value}" for name, value in _rows(outcome, took_s)]
    return "\n".join([*lines, *(f"  {problem}" for problem in outcome.violations[:10])])


def _rows(outcome: Outcome, took_s: float) -> Iterator[tuple[str, str]]:
    yield "requests, without an answer", f"{outcome.asked}, {outcome.unanswered}"
    yield "answers", ", ".join(f"{n} {verdict}" for verdict, n in sorted(outcome.answers.items()))
    yield "kills, stops", f"{dict(outcome.kills)}, {dict(outcome.stops)}"
    yield "with requests under way", f"{outcome.met}"
    yield "times the stream was left", f"{len(outcome.left)}"
    for kind, worst in outcome.worst_s.items():
        if worst:
            ms = sorted(round(1000 * each) for each in worst)
            yield f"slowest answer at a {kind}, ms", f"median {ms[len(ms) // 2]}, worst {ms[-1]}"
    yield "violations", f"{len(outcome.violations)}"
    yield "took", f"{took_s:.0f} s"


def main() -> int:
    """Return the exit status."""
    parser = argparse.ArgumentParser(description="Two signers, one of which dies or hangs")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--stops", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    begun = time.perf_counter()
    done = trial(arguments.kills, arguments.stops, arguments.seed)
    print(table(done, time.perf_counter() - begun))
    print("passed" if good(done) else "FAILED")
    return 0 if good(done) else 1


if __name__ == "__main__":
    sys.exit(main())
