"""The signer on each database: what transactions of 1, 32 and 100 requests and the attestations of 16 and 500
validators cost, and signed messages per second over gRPC.

The record is a real SQLite file with synchronous=FULL, or in a real PostgreSQL on this machine behind a Unix socket;
the keys are real, gRPC is mTLS over loopback. Client and server are in this process and share its interpreter, so a
signer of its own does better than these rates.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations, islice
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from ssv_api.v1 import signer_pb2 as pb
from ssv_devnet.postgres import running_postgres
from ssv_protocol.signing.verdict import Denied
from ssv_protocol.types.ids import OperatorId, Root, Slot
from ssv_protocol.types.roles import QbftMessageType
from ssv_runtime import lease_wire
from ssv_runtime.logs import make_logger
from ssv_runtime.service import Service
from ssv_signer import drafts
from ssv_signer.vault import Vault
from ssv_signer.work import Asked

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the signer of the tests

from services.signer.tests import harness
from services.signer.tests.databases import Database, PostgresDatabase, SqliteDatabase
from services.signer.tests.harness import Signer
from tests.support.signing_world import OWN, SigningWorld, Validator, local_chain

OUTPUT = Path(__file__).resolve().parents[1] / "build" / "bench" / "signer.json"
BATCHES = (1, 32, 100)
OPERATORS = 7
VALIDATORS = (16, 500)
FEWER = 5
"""So many times fewer rounds for the larger committee."""


def prepares(signer: Signer) -> Iterator[harness.Draft]:
    """Yield steps that are all new and all allowed: committee after committee, slot after slot, round after round."""
    for at_round in range(1, 100_000):
        for slot in range(signer.slot - 30, signer.slot):
            for committee in committees(signer.world):
                yield signer.world.qbft(QbftMessageType.PREPARE, Slot(slot), b"value", at_round, committee)


def committees(world: SigningWorld) -> list[tuple[OperatorId, ...]]:
    """Return the committees of our operator and three others."""
    return [(OWN, *three) for three in combinations([number for number in world.keys if number != OWN], 3)]


def parsed(signer: Signer, draft: harness.Draft) -> Asked:
    """Return what the signer makes of a request."""
    request = signer.leases.request(0, draft)
    found = drafts.parse(request)
    assert not isinstance(found, Denied)
    return Asked(found, lease_wire.decode(request.lease))


async def transactions(signer: Signer, steps: Iterator[harness.Draft], rounds: int) -> dict[str, float]:
    """Return the median milliseconds of judging and recording, by the number of requests."""
    log = make_logger("signer", "error")
    async with Service("signer", log=log) as service:
        vault = await Vault.open(
            signer.database.open,
            network=signer.world.network,
            operator_key=signer.world.own_key,
            now=signer.now,
            log=log,
            health=service.health.dependency("database"),
            trust_disk=True,
        )
        medians = {}
        for size in BATCHES:
            times_ms = []
            for _ in range(rounds):
                batch = [parsed(signer, step) for step in islice(steps, size)]
                begun = time.perf_counter()
                await vault.record(batch)
                times_ms.append((time.perf_counter() - begun) * 1000)
            medians[f"transaction of {size}, ms"] = median(times_ms)
        await vault.close()
    return medians


async def rate(signer: Signer, made: list[harness.Draft]) -> float:
    """Return messages signed per second in one stream that is kept full."""
    begun = time.perf_counter()
    answers = await signer.sign(*made)
    assert all(answer.HasField("signed") for answer in answers)
    return len(made) / (time.perf_counter() - begun)


async def attestations(signer: Signer, validators: list[Validator], rounds: int) -> tuple[float, float]:
    """Return the median milliseconds of one request, and of its BLS signatures alone in as many threads."""
    times_ms, alone_ms = [], []
    for _ in range(rounds):
        signer.slot = Slot(signer.slot + harness.SLOTS_PER_EPOCH)
        draft = signer.world.post_consensus(validators, signer.slot)
        async with signer.client() as stub:
            await stub.Identity(pb.IdentityRequest())  # the connection is there
            begun = time.perf_counter()
            (answer,) = await harness.sign(stub, signer.leases, draft)
            times_ms.append((time.perf_counter() - begun) * 1000)
        assert answer.HasField("signed")
        root = Root(signer.slot.to_bytes(32))
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            begun = time.perf_counter()
            list(pool.map(lambda each: each.share.sign(root), validators, chunksize=1))  # noqa: B023
            alone_ms.append((time.perf_counter() - begun) * 1000)
    return median(times_ms), median(alone_ms)


async def measure(folder: Path, database: Database, rounds: int) -> dict[str, float]:
    """Run everything on one database."""
    signer = Signer(folder, SigningWorld(local_chain(harness.SLOTS_PER_EPOCH, 6.0), range(1, OPERATORS + 1)), database)
    validators = [signer.world.validator(index) for index in range(max(VALIDATORS))]
    found: dict[str, float] = {}
    async with signer.running(log_level="error"):
        await signer.hold(*validators, *(signer.world.validator(0, each) for each in committees(signer.world)))
        found["consensus messages per s"] = await rate(signer, list(islice(prepares(signer), 20 * rounds)))
        for size in VALIDATORS:
            fewer = rounds if size == min(VALIDATORS) else max(rounds // FEWER, 1)
            whole_ms, alone_ms = await attestations(signer, validators[:size], fewer)
            found[f"attestations of {size}, ms"] = whole_ms
            found[f"attestations of {size}, BLS alone, ms"] = alone_ms
    return found | await transactions(signer, prepares(signer), rounds)


def main() -> None:
    """Print the table and write the JSON."""
    parser = argparse.ArgumentParser(description="Benchmark of the signer")
    parser.add_argument("--rounds", type=int, default=50)
    rounds = parser.parse_args().rounds
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(prefix="signer-bench-") as name, running_postgres() as server:
        for store in ("sqlite", "postgres"):
            folder = Path(name) / store
            folder.mkdir()
            database: Database = SqliteDatabase(folder / "data")
            if store == "postgres":
                database = PostgresDatabase(server, folder)
            found[store] = asyncio.run(measure(folder, database, rounds))
    table = Table("figure", "SQLite", "PostgreSQL")
    for figure in found["sqlite"]:
        table.add_row(figure, *(f"{found[store][figure]:,.2f}" for store in found))
    Console().print(table)
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
