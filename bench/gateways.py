"""Gateways over real libp2p on one machine: from a worker's request to another operator's bus.

Each gateway is a process with a nats-server of its own; this process takes the place of all workers. Latency begins
before the request `ssv.gossip.out` and ends when `ssv.gossip.in` is heard, so both buses are in it. Operators take
turns in publishing at an even pace. CPU is that of one gateway per message that it published or received.

Prints a table and writes build/bench/gateways.json. No figure is asserted; a message that does not arrive is an error.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from nats.aio.msg import Msg
from rich.console import Console
from rich.table import Table

from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.types.ids import OperatorId
from ssv_runtime.nats_permissions import GOSSIP_IN

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the operators of the tests

from tests.support.gateway_messages import Crowd, network_from_now
from tests.support.gateway_operators import Operator, World, registry_state, until, world_of

OUTPUT = Path(__file__).resolve().parents[1] / "build" / "bench" / "gateways.json"
COMMITTEE = (1, 2, 3, 4)
COMMITTEES = 16
"""On the topic, so that there are enough messages that validation lets through."""
CASES = ((2, 20, 0), (2, 100, 0), (4, 20, 0), (4, 60, 0), (4, 10, 100_000))
"""Gateways, messages a second of all together, bytes of a proposal's value (0: a prepare)."""
TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Result:
    """One row of the table."""

    gateways: int
    rate_per_s: int
    message_bytes: int
    delivered: int
    p50_ms: float
    p99_ms: float
    cpu_ms_per_message: float
    rss_mb: float


def cpu_s(operator: Operator) -> float:
    """Return the CPU time that a gateway has used."""
    assert operator.process is not None
    fields = Path(f"/proc/{operator.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def rss_mb(operator: Operator) -> float:
    """Return the memory that a gateway holds."""
    assert operator.process is not None
    status = Path(f"/proc/{operator.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


async def measure(world: World, crowd: Crowd, rate_per_s: int, size: int, seconds: float) -> Result:
    """Publish at an even pace and wait for all of it."""
    operators = world.operators
    count = int(rate_per_s * seconds)
    messages = [crowd.message(number % len(operators), size) for number in range(count)]
    sent: dict[bytes, float] = {}
    took_ms: list[float] = []
    heard = []

    async def hear(message: Msg) -> None:
        took_ms.append((time.perf_counter() - sent[message.data]) * 1e3)

    for operator in operators:
        heard.append(await operator.worker.subscribe(f"{GOSSIP_IN}.*", cb=hear))
        await operator.worker.flush()
    before = cpu_s(operators[0])
    begun = time.perf_counter()
    requests = []
    for number, data in enumerate(messages):
        await asyncio.sleep(max(0.0, begun + number / rate_per_s - time.perf_counter()))
        sent[data] = time.perf_counter()
        requests.append(asyncio.create_task(operators[number % len(operators)].publish(crowd.topic, data)))
    replies = await asyncio.gather(*requests)
    assert {reply.peers for reply in replies} == {len(operators) - 1}
    expected = count * (len(operators) - 1)
    await until(f"{expected} deliveries", lambda: len(took_ms) >= expected)
    used = cpu_s(operators[0]) - before
    for subscription in heard:
        await subscription.unsubscribe()
    for operator in operators:
        operator.came.clear()
    took_ms.sort()
    return Result(
        gateways=len(operators),
        rate_per_s=rate_per_s,
        message_bytes=len(messages[0]),
        delivered=len(took_ms),
        p50_ms=round(took_ms[len(took_ms) // 2], 2),
        p99_ms=round(took_ms[int(len(took_ms) * 0.99)], 2),
        cpu_ms_per_message=round(used / count * 1e3, 2),
        rss_mb=round(rss_mb(operators[0]), 1),
    )


async def restart_s(operator: Operator) -> float:
    """Return how long a killed gateway takes until it is ready again, peers included."""
    operator.kill()
    begun = time.perf_counter()
    operator.start()
    await operator.ready()
    await operator.metric("peers 1.0")
    return time.perf_counter() - begun


async def run(seconds: float) -> tuple[list[Result], float]:
    """Run all cases."""
    keys = {OperatorId(number): OperatorPrivateKey.generate() for number in COMMITTEE}
    network = network_from_now()
    results: list[Result] = []
    started_s = 0.0
    for gateways in sorted({case[0] for case in CASES}):
        crowd = Crowd(network, keys, COMMITTEE, COMMITTEES)
        state = registry_state(crowd.keys, crowd.committees)
        with tempfile.TemporaryDirectory() as folder:
            async with world_of(Path(folder), network, keys, list(COMMITTEE[:gateways]), state) as world:
                await world.meshed(crowd.topic)
                for _, rate_per_s, size in (case for case in CASES if case[0] == gateways):
                    results.append(await measure(world, crowd, rate_per_s, size, seconds))
                if gateways == 2:
                    started_s = await restart_s(world.operators[0])
    return results, started_s


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each case")
    results, started_s = asyncio.run(run(parser.parse_args().seconds))
    table = Table(title="gossip between gateways on one machine")
    for heading in ("gateways", "msg/s", "bytes", "delivered", "p50 ms", "p99 ms", "CPU ms/msg", "RSS MB"):
        table.add_column(heading, justify="right")
    for result in results:
        table.add_row(*(str(value) for value in asdict(result).values()))
    Console().print(table)
    print(f"a killed gateway is ready again, with a peer, after {started_s:.1f} s")
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(
        json.dumps({"restart_s": round(started_s, 2), "results": [asdict(result) for result in results]}, indent=2)
    )


if __name__ == "__main__":
    main()
