"""What a batch of requests costs the signer on each database, on one core and on two: how much of it is signing?

A batch is one post-consensus request for the attestations of N validators (N BLS signatures, one RSA signature), or N
consensus messages of 20 committees at once (N RSA signatures). It runs through all of the signer but the gRPC library:
requests from bytes, leases, rules, the record made durable, signatures, answers to bytes. Beside it the same signatures
are made alone, in as many threads. The last row is a whole signer over gRPC with mTLS, its client in the same process.

The record is a real SQLite file with synchronous=FULL, or in a real PostgreSQL on this machine behind a Unix socket,
which is confined to the same cores. CPU is that of the signer's process, without PostgreSQL's.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import combinations, islice
from pathlib import Path
from statistics import median
from typing import Any, cast

import grpc
from rich.console import Console
from rich.table import Table

from ssv_api.v1 import signer_pb2 as pb
from ssv_devnet.postgres import running_postgres
from ssv_protocol.types.ids import OperatorId, Root, Slot
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.roles import QbftMessageType
from ssv_runtime.logs import make_logger
from ssv_runtime.service import Service
from ssv_signer.audit import Audit
from ssv_signer.batch import GroupCommit
from ssv_signer.meters import Meters
from ssv_signer.service import collect_rarely
from ssv_signer.servicer import SignerServer
from ssv_signer.signatures import SigningPool
from ssv_signer.store.database import Store
from ssv_signer.vault import Vault

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the signer of the tests

from services.signer.tests import harness
from services.signer.tests.databases import Database, PostgresDatabase, SqliteDatabase
from services.signer.tests.harness import Signer
from tests.support.signing_world import OWN, SigningWorld, Validator, local_chain

OUTPUT = Path(__file__).resolve().parents[1] / "build" / "bench" / "signer.json"
BATCHES = (1, 32, 500)
TOGETHER = 100
OPERATORS = 7
MAX_BATCH = 512
FEWER = {1: 1, 32: 2, 500: 4}
"""So many times fewer rounds for larger batches."""
Cost = tuple[float, float]
"""Wall and CPU, seconds."""


class InProcess:
    """Stands for the connection of a worker, where there is none."""

    def auth_context(self) -> dict[str, list[bytes]]:
        """Return what a certificate said."""
        return {"x509_subject_alternative_name": [b"ssv://consensus"]}


@dataclass
class Bench:
    """A signer without a port. `commits` counts transactions that were made durable."""

    signer: Signer
    server: SignerServer
    threads: int
    commits: list[int]

    async def answer(self, requests: Sequence[bytes]) -> list[bytes]:
        """Answer encoded requests that arrive at once."""

        async def arriving() -> AsyncIterator[pb.SignRequest]:
            for each in requests:
                yield pb.SignRequest.FromString(each)

        context = cast(grpc.aio.ServicerContext[Any, Any], InProcess())
        return [each.SerializeToString() async for each in self.server.Sign(arriving(), context)]

    async def batch(self, drafts: Sequence[harness.Draft]) -> tuple[Cost, list[SignedSSVMessage]]:
        """Have a batch signed."""
        leases = self.signer.leases
        requests = [leases.request(number, draft).SerializeToString() for number, draft in enumerate(drafts)]
        begun = _now()
        encoded = await self.answer(requests)
        cost = _since(begun)
        answers = [pb.SignResponse.FromString(each) for each in encoded]
        assert all(each.HasField("signed") for each in answers)
        for each in answers:
            leases.note(leases.committee_of(drafts[each.request_id]), each)
        return cost, [SignedSSVMessage.decode(each.signed.message) for each in answers]

    def alone(self, sign: Callable[[int], object], count: int) -> Cost:
        """Make signatures in as many threads as the signer has, and do nothing else."""

        def part(first: int) -> None:
            for number in range(first, count, self.threads):
                sign(number)

        with ThreadPoolExecutor(self.threads) as pool:
            begun = _now()
            list(pool.map(part, range(self.threads)))
            return _since(begun)


def _now() -> Cost:
    return time.perf_counter(), time.process_time()


def _since(begun: Cost) -> Cost:
    return time.perf_counter() - begun[0], time.process_time() - begun[1]


def committees(world: SigningWorld) -> list[tuple[OperatorId, ...]]:
    """Return the committees of our operator and three others."""
    return [(OWN, *three) for three in combinations([number for number in world.keys if number != OWN], 3)]


def prepares(signer: Signer) -> Iterator[harness.Draft]:
    """Yield steps that are all new and all allowed: committee after committee, slot after slot, round after round."""
    for at_round in range(1, 100_000):
        for slot in range(signer.slot - 30, signer.slot):
            for committee in committees(signer.world):
                yield signer.world.qbft(QbftMessageType.PREPARE, Slot(slot), b"value", at_round, committee)


@asynccontextmanager
async def opened(signer: Signer, threads: int) -> AsyncIterator[Bench]:
    """Give a signer without a port."""
    log, commits = make_logger("signer", "error"), [0]
    async with Service("signer", log=log) as service:
        vault = await Vault.open(
            lambda: _counted(signer.database.open(), commits),
            network=signer.world.network,
            operator_key=signer.world.own_key,
            now=signer.now,
            log=log,
            health=service.health.dependency("database"),
            trust_disk=True,
        )
        meters, pool = Meters(service.metrics), SigningPool(signer.world.own_key, threads)
        queue = GroupCommit(vault.record, MAX_BATCH, meters, log)
        server = SignerServer(
            vault=vault,
            commits=queue,
            pool=pool,
            operator_key=signer.world.own_key,
            audit_log=Audit(log, meters),
            meters=meters,
            show_quiet=lambda _: None,
            plain_keys=frozenset,
            max_stream_requests=2 * MAX_BATCH,
        )
        committing = asyncio.create_task(queue.run())
        collect_rarely()
        yield Bench(signer, server, threads, commits)
        queue.stop()
        await committing
        pool.close()
        await vault.close()


def _counted(store: Store, commits: list[int]) -> Store:
    commit: Callable[..., object] = vars(type(store))["commit"]

    def count(*arguments: object) -> object:
        commits[0] += 1
        return commit(store, *arguments)

    vars(store)["commit"] = count
    return store


def row(costs: Sequence[Cost], alone: Sequence[Cost], signatures: int, commits: float) -> dict[str, float]:
    """Return the figures of one kind and size."""
    wall, cpu = (median(cost[which] for cost in costs) for which in range(2))
    wall_alone, cpu_alone = (median(cost[which] for cost in alone) for which in range(2))
    return {
        "ms": wall * 1000,
        "signatures per s": signatures / wall,
        "signing, % of time": 100 * wall_alone / wall,
        "CPU ms": cpu * 1000,
        "signing, % of CPU": 100 * cpu_alone / cpu,
        "commits": commits,
    }


async def attestations(bench: Bench, validators: Sequence[Validator], rounds: int) -> dict[str, float]:
    """Measure requests for the attestations of validators."""
    signer, costs, alone, before = bench.signer, [], [], bench.commits[0]
    for _ in range(rounds):
        signer.slot = Slot(signer.slot + harness.SLOTS_PER_EPOCH)
        cost, (signed,) = await bench.batch([signer.world.post_consensus(validators, signer.slot)])
        costs.append(cost)
        root, own = Root(signer.slot.to_bytes(32)), signer.world.own_key
        bls = bench.alone(lambda number: validators[number].share.sign(root), len(validators))  # noqa: B023
        rsa = bench.alone(lambda _: own.sign(signed.ssv_message), 1)  # noqa: B023
        alone.append((bls[0] + rsa[0], bls[1] + rsa[1]))
    return row(costs, alone, len(validators), (bench.commits[0] - before) / rounds)


async def steps(bench: Bench, made: Iterator[harness.Draft], size: int, rounds: int) -> dict[str, float]:
    """Measure consensus messages that come at once."""
    costs, alone, before, own = [], [], bench.commits[0], bench.signer.world.own_key
    for _ in range(rounds):
        cost, signed = await bench.batch(list(islice(made, size)))
        costs.append(cost)
        alone.append(bench.alone(lambda number: own.sign(signed[number].ssv_message), size))  # noqa: B023
    return row(costs, alone, size, (bench.commits[0] - before) / rounds)


async def over_grpc(signer: Signer, made: Iterator[harness.Draft], count: int) -> float:
    """Return messages signed per second in one stream that is kept full."""
    drafts = list(islice(made, count))
    begun = time.perf_counter()
    answers = await signer.sign(*drafts)
    assert all(answer.HasField("signed") for answer in answers)
    return count / (time.perf_counter() - begun)


async def measure(folder: Path, database: Database, rounds: int, threads: int) -> dict[str, Any]:
    """Run everything on one database."""
    world = SigningWorld(local_chain(harness.SLOTS_PER_EPOCH, 6.0), range(1, OPERATORS + 1))
    signer = Signer(folder, world, database)
    validators = [world.validator(index) for index in range(max(BATCHES))]
    found: dict[str, Any] = {}
    async with signer.running(log_level="error", max_batch=MAX_BATCH, signing_threads=threads):
        await signer.hold(*validators, *(world.validator(0, each) for each in committees(world)))
        found["over gRPC"] = await over_grpc(signer, prepares(signer), 20 * rounds)
    async with opened(signer, threads) as bench:
        for size in BATCHES:
            fewer = max(rounds // FEWER[size], 1)
            found[f"{size} attestations"] = await attestations(bench, validators[:size], fewer)
        made = prepares(signer)
        for size in BATCHES:
            found[f"{size} consensus messages"] = await steps(bench, made, size, max(rounds // FEWER[size], 1))
        before = bench.commits[0]
        await bench.batch(list(islice(made, TOGETHER)))
        found["together"] = bench.commits[0] - before
    return found


def on_cores(cores: int, rounds: int) -> dict[str, Any]:
    """Run everything in a process that is confined to so many cores, PostgreSQL too."""
    command = [sys.executable, __file__, "--cores", str(cores), "--rounds", str(rounds)]
    return cast(dict[str, Any], json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout))


def child(cores: int, rounds: int) -> None:
    """Measure both databases on the first cores, and print JSON."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    found = {}
    with tempfile.TemporaryDirectory(prefix="signer-bench-") as name, running_postgres() as server:
        for store in ("SQLite", "PostgreSQL"):
            folder = Path(name) / store
            folder.mkdir()
            database: Database = SqliteDatabase(folder / "data")
            if store == "PostgreSQL":
                database = PostgresDatabase(server, folder)
            found[store] = asyncio.run(measure(folder, database, rounds, cores))
    print(json.dumps(found))


def show(found: dict[str, dict[str, Any]]) -> None:
    """Print the table."""
    kinds = [f"{size} {what}" for what in ("attestations", "consensus messages") for size in BATCHES]
    for cores, stores in found.items():
        for store, figures in stores.items():
            columns = list(figures[kinds[0]])
            table = Table("batch", *columns, title=f"{store}, {cores} core(s)")
            for kind in kinds:
                table.add_row(kind, *(f"{figures[kind][column]:,.1f}" for column in columns))
            Console(width=120).print(table)
            print(f"{TOGETHER} Prepares at once: {figures['together']} commit(s)")
            print(f"over gRPC, one stream: {figures['over gRPC']:,.0f} consensus messages per s\n")


def main() -> None:
    """Print the table and write the JSON."""
    parser = argparse.ArgumentParser(description="Benchmark of the signer")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--cores", type=int, help="measure on so many cores, and print JSON")
    arguments = parser.parse_args()
    if arguments.cores:
        child(arguments.cores, arguments.rounds)
        return
    found = {str(cores): on_cores(cores, arguments.rounds) for cores in (1, 2) if cores <= (os.cpu_count() or 1)}
    show(found)
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
