"""The signer: what a transaction of 1, 32 and 100 requests costs, and signed messages per second over gRPC.

The record is a real SQLite file with synchronous=FULL, the keys are real, gRPC is mTLS over loopback. Client and
server are in this process and share its interpreter, so a signer of its own does better than these rates.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from ssv_api.v1 import signer_pb2 as pb
from ssv_protocol.effects import Draft
from ssv_protocol.signing.verdict import Denied
from ssv_protocol.types.ids import Slot
from ssv_protocol.types.roles import QbftMessageType
from ssv_runtime.logs import make_logger
from ssv_runtime.service import Service
from ssv_signer import drafts
from ssv_signer.vault import Vault

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the signer of the tests

from services.signer.tests import harness
from services.signer.tests.harness import Signer

OUTPUT = Path(__file__).resolve().parents[1] / "build" / "bench" / "signer.json"
BATCHES = (1, 32, 100)
VALIDATORS = 16


def prepares(signer: Signer) -> Iterator[harness.Draft]:
    """Yield steps that are all new and all allowed: slot after slot, round after round."""
    for at_round in range(1, 100_000):
        for slot in range(signer.slot - 30, signer.slot):
            yield signer.world.qbft(QbftMessageType.PREPARE, Slot(slot), b"value", at_round)


def parsed(draft: harness.Draft) -> Draft:
    """Return what the signer makes of a draft."""
    found = drafts.parse(harness.request(0, draft))
    assert not isinstance(found, Denied)
    return found


async def transactions(signer: Signer, steps: Iterator[harness.Draft], rounds: int) -> dict[int, float]:
    """Return the median milliseconds of judging and recording, by the number of requests."""
    log = make_logger("signer", "error")
    async with Service("signer", log=log) as service:
        vault = await Vault.open(
            signer.folder / "data",
            network=signer.world.network,
            operator_key=signer.world.own_key,
            now=signer.now,
            log=log,
            health=service.health.dependency("database"),
        )
        medians = {}
        for size in BATCHES:
            times_ms = []
            for _ in range(rounds):
                batch = [parsed(step) for step in islice(steps, size)]
                begun = time.perf_counter()
                await vault.record(batch)
                times_ms.append((time.perf_counter() - begun) * 1000)
            medians[size] = median(times_ms)
        await vault.close()
    return medians


async def rate(signer: Signer, made: list[harness.Draft]) -> float:
    """Return messages signed per second in one stream that is kept full."""
    begun = time.perf_counter()
    answers = await signer.sign(*made)
    assert all(answer.HasField("signed") for answer in answers)
    return len(made) / (time.perf_counter() - begun)


async def measure(folder: Path, rounds: int) -> dict[str, object]:
    """Run everything on one database."""
    signer = Signer(folder, harness.make_world())
    validators = [signer.world.validator(index) for index in range(VALIDATORS)]
    async with signer.running(log_level="error"):
        await signer.hold(*validators)
        qbft = await rate(signer, list(islice(prepares(signer), 20 * rounds)))
        times_ms = []
        for _ in range(rounds):
            signer.slot = Slot(signer.slot + harness.SLOTS_PER_EPOCH)
            draft = signer.world.post_consensus(validators, signer.slot)
            async with signer.client() as stub:
                await stub.Identity(pb.IdentityRequest())  # the connection is there
                begun = time.perf_counter()
                (answer,) = await harness.sign(stub, draft)
                times_ms.append((time.perf_counter() - begun) * 1000)
            assert answer.HasField("signed")
    return {
        "transaction_ms": await transactions(signer, prepares(signer), rounds),
        "qbft_messages_per_s": qbft,
        f"post_consensus_of_{VALIDATORS}_ms": median(times_ms),
    }


def main() -> None:
    """Print the table and write the JSON."""
    parser = argparse.ArgumentParser(description="Benchmark of the signer")
    parser.add_argument("--rounds", type=int, default=50)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory(prefix="signer-bench-") as folder:
        found = asyncio.run(measure(Path(folder), rounds))
    table = Table("figure", "value")
    for name, value in found.items():
        rows = value if isinstance(value, dict) else {"": value}
        for key, each in rows.items():
            table.add_row(f"{name} {key}".strip(), f"{each:,.2f}")
    Console().print(table)
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
