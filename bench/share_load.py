"""How long a signer takes to hold many shares: added one call each, as the listener does, and opened at a start.

Real RSA, BLS, gRPC with mTLS, and databases that are durable: SQLite with synchronous=FULL, PostgreSQL on this machine
behind a Unix socket. Client and server share this process and its interpreter. While the shares are added, one that was
added before signs again and again: what it waits is what loading costs others.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from ssv_api.v1 import signer_pb2 as pb
from ssv_devnet.postgres import running_postgres
from ssv_protocol.types.ids import Slot
from ssv_protocol.types.roles import QbftMessageType

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the signer of the tests

from services.signer.tests import harness
from services.signer.tests.databases import Database, PostgresDatabase, SqliteDatabase
from services.signer.tests.harness import Signer

OUTPUT = Path(__file__).resolve().parents[1] / "build" / "bench" / "share_load.json"
AT_ONCE = 16
"""AddShare calls in flight, as the listener has them."""
PAUSE_S = 0.2


async def sign_meanwhile(signer: Signer, done: asyncio.Event) -> list[float]:
    """Sign attestations of the share that is there already; returns the milliseconds of each."""
    times_ms: list[float] = []
    (validator,) = [signer.world.validator(0)]
    await signer.hold(validator)
    async with signer.client() as stub:
        while not done.is_set():
            draft = signer.world.qbft(QbftMessageType.PREPARE, Slot(signer.slot), b"v", len(times_ms) + 1)
            begun = time.perf_counter()
            (answer,) = await harness.sign(stub, signer.leases, draft)
            assert answer.HasField("signed")
            times_ms.append((time.perf_counter() - begun) * 1000)
            await asyncio.sleep(PAUSE_S)
    return times_ms


async def add(signer: Signer, requests: list[pb.AddShareRequest]) -> tuple[float, float]:
    """Add all shares; returns the seconds, and those of CPU time."""
    async with signer.client("eth1-listener") as stub:
        begun, cpu_begun = time.perf_counter(), time.process_time()
        waiting = iter(requests)
        while some := list(islice(waiting, AT_ONCE)):
            answers = await asyncio.gather(*(stub.AddShare(request) for request in some))
            assert all(answer.added for answer in answers)
        return time.perf_counter() - begun, time.process_time() - cpu_begun


async def measure(folder: Path, database: Database, count: int) -> dict[str, float]:
    """Add and open `count` shares on one database."""
    signer = Signer(folder, harness.make_world(), database)
    requests = [signer.world.validator(number).add for number in range(1, count + 1)]
    found: dict[str, float] = {"shares": count}
    async with signer.running(log_level="error"):
        done = asyncio.Event()
        signing = asyncio.create_task(sign_meanwhile(signer, done))
        found["added, s"], found["CPU of this process, s"] = await add(signer, requests)
        done.set()
        times_ms = await signing
    found["a signature meanwhile, ms"] = median(times_ms)
    found["the slowest, ms"] = max(times_ms)
    begun, cpu_begun = time.perf_counter(), time.process_time()
    async with signer.running(log_level="error"):
        found["started with all open, s"] = time.perf_counter() - begun
        found["CPU of the start, s"] = time.process_time() - cpu_begun
        await signer.ready()
    return found


def main() -> None:
    """Print the table and write the JSON."""
    parser = argparse.ArgumentParser(description="Benchmark of taking and opening shares")
    parser.add_argument("--shares", type=int, default=10_000)
    count = parser.parse_args().shares
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(prefix="share-bench-") as name, running_postgres() as server:
        for store in ("sqlite", "postgres"):
            folder = Path(name) / store
            folder.mkdir()
            database: Database = SqliteDatabase(folder / "data")
            if store == "postgres":
                database = PostgresDatabase(server, folder)
            found[store] = asyncio.run(measure(folder, database, count))
    table = Table("figure", "SQLite", "PostgreSQL")
    for figure in found["sqlite"]:
        table.add_row(figure, *(f"{found[store][figure]:,.2f}" for store in found))
    Console().print(table)
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
