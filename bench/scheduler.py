"""The duty-scheduler of a large operator: 10,000 own validators out of 150,000, and whether its ticks come in time.

This process is the scheduler and nothing else: the whole service, on a real NATS. A second process is its world: a
beacon node over HTTP that makes up its answers, the registry and the signer over gRPC with mTLS, and a reader of the
bucket of duties that notes when an epoch's values are all there. Epochs are short, so rounds come far more often than
on a real chain; what a round costs is the same.

    first epochs    from the service's start until the values of this epoch and the next one are in the bucket: the
                    registry's snapshot, the look-up of all validators, duties, values
    next epoch      from an epoch's start until all values of the next one are there
    tick            from a slot's start until a task that waits for it runs, as the service's own does
    loop            the same for a timer every 5 ms, over the same time

Prints a table and writes build/bench/scheduler.json. No figure is asserted.

    python bench/scheduler.py [--own 10000] [--validators 150000] [--epochs 4] [--slot-s 0.5] [--slots 32]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from aiohttp import web
from rich.console import Console
from rich.table import Table

from ssv_duty_scheduler.service import run
from ssv_duty_scheduler.settings import DutySchedulerSettings
from ssv_ethereum.slot_clock import SlotClock
from ssv_protocol.beacon_chain import BeaconChain, BeaconFork, ScheduledFork
from ssv_protocol.forks import Network
from ssv_protocol.networks import local_network
from ssv_protocol.registry.state import ValidatorRecord
from ssv_protocol.types.ids import BlsPublicKey, Epoch, ExecutionAddress, ForkVersion, Root
from ssv_runtime.logs import make_logger
from ssv_runtime.service import Service

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the world of the tests

from tests.support.beacon_spec import spec_of
from tests.support.nats import Nats, running_nats
from tests.support.scheduler import SchedulerWorld, record
from tests.support.service_certificates import tls_settings

OUTPUT = Path(__file__).resolve().parents[1] / "build" / "bench" / "scheduler.json"
OWN_COMMITTEES, OTHER_COMMITTEES, OPERATORS = 100, 1_500, 1_000
PARTS = 16
PROBE_S = 0.005
FORKS = (ScheduledFork(BeaconFork.PHASE0, ForkVersion(bytes(4)), Epoch(0)),)
READY_WITHIN_S = 240.0
SYNC_SEATS = 80
"""How many of 150,000 sit in a committee of 512 out of a million."""


def key_of(index: int) -> BlsPublicKey:
    """A validator's key, which tells its index."""
    return BlsPublicKey(index.to_bytes(8, "big") + sha256(b"%d" % index).digest() + bytes([index & 0xFF]) * 8)


def index_of(key: bytes) -> int:
    """The index of a key."""
    return int.from_bytes(key[:8], "big")


def registry(own: int, validators: int) -> list[ValidatorRecord]:
    """Own validators in a hundred committees, the others in fifteen hundred."""
    ours = [(1, 2 + 3 * n, 3 + 3 * n, 4 + 3 * n) for n in range(OWN_COMMITTEES)]
    theirs = [
        tuple(sorted({2 + (n * 7 + step * 251) % OPERATORS for step in range(4)})) for n in range(OTHER_COMMITTEES)
    ]
    places = [*islice(cycle(ours), own), *islice(cycle(theirs), validators - own)]
    return [record(key_of(index), operators) for index, operators in enumerate(places)]


class GeneratedBeacon:
    """A beacon node that makes up its answers as fast as it can."""

    def __init__(self, chain: BeaconChain) -> None:
        self.chain = chain

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer what the scheduler asks; everything else is taken and forgotten."""
        path = request.path
        name = path.rpartition("/")[2]
        if path.endswith("/events"):
            response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            await response.prepare(request)
            await asyncio.Event().wait()
        if "/node/" in path or name in {"genesis", "spec"}:
            return web.json_response({"data": self._itself(name)})
        if path.endswith("/states/head/validators"):
            keys = [bytes.fromhex(each[2:]) for each in json.loads(await request.read())["ids"]]
            return self._data(",".join(self._validator(key) for key in keys))
        if "/duties/" not in path:
            return web.Response()
        epoch = int(name)
        first = epoch * self.chain.slots_per_epoch
        if "/proposer/" in path:
            slots = range(first, first + self.chain.slots_per_epoch)
            return self._data(",".join(self._proposer(slot, slot * 7919 % 1_000_000) for slot in slots), root=True)
        indices = [int(each) for each in json.loads(await request.read())]
        if "/attester/" in path:
            return self._data(",".join(self._attester(first, index) for index in indices), root=True)
        return self._data(",".join(self._seat(index) for index in indices if index % 1_875 == 0))

    def _itself(self, what: str) -> Any:
        if what == "genesis":
            return {
                "genesis_time": str(self.chain.genesis_time_s),
                "genesis_validators_root": "0x" + self.chain.genesis_validators_root.hex(),
                "genesis_fork_version": "0x" + self.chain.forks[0].version.hex(),
            }
        syncing = {"head_slot": "1", "sync_distance": "0", "is_syncing": False}
        return {"version": {"version": "generated/1"}, "syncing": syncing, "spec": spec_of(self.chain)}[what]

    def _data(self, items: str, *, root: bool = False) -> web.Response:
        depends = f'"dependent_root":"0x{"11" * 32}",' if root else ""
        return web.Response(text=f'{{{depends}"data":[{items}]}}', content_type="application/json")

    def _validator(self, key: bytes) -> str:
        return (
            f'{{"index":"{index_of(key)}","balance":"32000000000","status":"active_ongoing","validator":{{'
            f'"pubkey":"0x{key.hex()}","activation_epoch":"0","exit_epoch":"18446744073709551615"}}}}'
        )

    def _attester(self, first: int, index: int) -> str:
        slot = first + index * 31 % self.chain.slots_per_epoch
        return (
            f'{{"pubkey":"0x{key_of(index).hex()}","validator_index":"{index}","committee_index":"{index % 64}",'
            f'"committee_length":"450","committees_at_slot":"64","validator_committee_index":"{index % 450}",'
            f'"slot":"{slot}"}}'
        )

    def _proposer(self, slot: int, index: int) -> str:
        return f'{{"pubkey":"0x{key_of(index).hex()}","validator_index":"{index}","slot":"{slot}"}}'

    def _seat(self, index: int) -> str:
        return (
            f'{{"pubkey":"0x{key_of(index).hex()}","validator_index":"{index}",'
            f'"validator_sync_committee_indices":["{index % 512}"]}}'
        )


# the world's process
async def be_the_world(folder: Path, own: int, validators: int, epochs: int) -> None:
    """Serve until stdin ends; tell the ports first, and then when each epoch's values were all there."""
    network = await asyncio.to_thread(_network_of, folder)
    nats = Nats(folder / "nats")
    nats.port = json.loads((folder / "chain.json").read_text())["nats"]
    world = SchedulerWorld(folder, network, nats)
    beacon = GeneratedBeacon(network.chain)
    world.register(*registry(own, validators))
    world.hold(*(key_of(index) for index in range(own)))
    app = web.Application(client_max_size=1 << 26)
    app.router.add_route("*", "/{path:.*}", beacon.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.001)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    async with world.serving_signer(), world.serving_registry(), world.reading() as reader:
        ports = {"beacon": runner.addresses[0][1], "registry": world.registry_port, "signer": world.signer_port}
        print(json.dumps(ports), flush=True)
        watching = asyncio.create_task(_tell_when_complete(reader.bucket, epochs))
        await asyncio.to_thread(sys.stdin.read)
        watching.cancel()
    await runner.cleanup()


def _network_of(folder: Path) -> Network:
    content = json.loads((folder / "chain.json").read_text())
    chain = BeaconChain(content["genesis"], Root(bytes(32)), content["slot_s"], content["slots"], 256, 512, FORKS)
    return Network(local_network(ExecutionAddress(b"\x0c" * 20), content["slot_s"]), chain)


async def _tell_when_complete(bucket: Any, epochs: int) -> None:
    """Print the time at which an epoch has its values: of each own committee, of the network, and of its parts."""
    seen: dict[int, set[str]] = {}
    async for entry in bucket.watch(">"):
        epoch, _, rest = entry.key.partition(".")
        keys = seen.setdefault(int(epoch), set())
        before = len(keys)
        keys.add(rest)
        if before < len(keys) == OWN_COMMITTEES + 1 + PARTS:
            print(json.dumps({"epoch": int(epoch), "at": time.time()}), flush=True)


# the scheduler's process
@dataclass
class Lateness:
    """Seconds that something came late."""

    seconds: list[float] = field(default_factory=list)

    def at(self, share: float) -> float:
        """The quantile in milliseconds."""
        ordered = sorted(self.seconds)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@dataclass(frozen=True)
class Result:
    """What came out. Times in seconds, lateness in milliseconds."""

    own: int
    validators: int
    first_epochs_s: float
    next_epoch_s: list[float]
    parts_s: dict[str, float]
    fetches_s: dict[str, float]
    tick_p50_ms: float
    tick_p99_ms: float
    tick_max_ms: float
    ticks: int
    loop_p50_ms: float
    loop_p99_ms: float
    loop_max_ms: float
    cpu_share: float
    peak_mib: float


async def measure(folder: Path, nats: Nats, arguments: argparse.Namespace) -> Result:
    """Run the service beside its world for some epochs."""
    slot_s, slots = arguments.slot_s, arguments.slots
    genesis = int(time.time()) - int(10 * slots * slot_s)
    (folder / "chain.json").write_text(
        json.dumps({"genesis": genesis, "slot_s": slot_s, "slots": slots, "nats": nats.port})
    )
    command = [sys.executable, __file__, "--world", str(folder), *_sizes(arguments)]
    world = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: ASYNC220
    try:
        assert world.stdout is not None
        ports = json.loads(await asyncio.to_thread(world.stdout.readline))
        return await _measured(folder, nats, arguments, world.stdout, ports)
    finally:
        assert world.stdin is not None
        world.stdin.close()
        world.wait()


async def _measured(
    folder: Path, nats: Nats, arguments: argparse.Namespace, told: Any, ports: dict[str, int]
) -> Result:
    chain = _network_of(folder).chain
    clock = SlotClock(chain)
    settings = DutySchedulerSettings(
        network_file=folder / "network.json",
        **tls_settings(folder / "certs", "duty-scheduler"),  # type: ignore[arg-type]
        **nats.settings("duty-scheduler"),  # type: ignore[arg-type]
        registry_target=f"127.0.0.1:{ports['registry']}",
        signer_target=f"127.0.0.1:{ports['signer']}",
        beacon_urls=[f"http://127.0.0.1:{ports['beacon']}"],
        doppelganger_protection=False,
    )
    ticks, loop_timer = Lateness(), Lateness()

    async def tick() -> None:
        async for slot in clock.ticks():
            ticks.seconds.append(clock.now() - chain.slot_start(slot))

    async def probe() -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + PROBE_S
            await asyncio.sleep(PROBE_S)
            loop_timer.seconds.append(loop.time() - due)

    async with Service("duty-scheduler", log=make_logger("duty-scheduler", level="warning")) as service:
        begun, cpu_begun = time.time(), time.process_time()
        running = [asyncio.create_task(run(settings, service))]
        complete: dict[int, float] = {}
        running += [asyncio.create_task(each()) for each in (tick, probe)]
        first_epochs: tuple[int, int] | None = None
        async with asyncio.timeout(READY_WITHIN_S):
            while first_epochs is None or max(complete) < first_epochs[1] + arguments.epochs:
                line = json.loads(await asyncio.to_thread(told.readline))
                complete[line["epoch"]] = line["at"]
                if first_epochs is None and len(complete) == 2:
                    first_epochs = (min(complete), max(complete))
        seconds, cpu_s = time.time() - begun, time.process_time() - cpu_begun
        parts = _sums(service, "ssv_duty_scheduler_round_seconds_sum", "part")
        fetches = _sums(service, "ssv_duty_scheduler_fetch_seconds_sum", "what")
        service.stopping.set()
        await running[0]
        for task in running[1:]:
            task.cancel()
        await asyncio.gather(*running[1:], return_exceptions=True)
    later = [epoch for epoch in complete if epoch > first_epochs[1]]
    return Result(
        own=arguments.own,
        validators=arguments.validators,
        first_epochs_s=max(complete[epoch] for epoch in first_epochs) - begun,
        next_epoch_s=[
            complete[epoch] - chain.slot_start(chain.first_slot(Epoch(epoch - 1))) for epoch in sorted(later)
        ],
        parts_s=parts,
        fetches_s=fetches,
        tick_p50_ms=ticks.at(0.5),
        tick_p99_ms=ticks.at(0.99),
        tick_max_ms=ticks.at(1.0),
        ticks=len(ticks.seconds),
        loop_p50_ms=loop_timer.at(0.5),
        loop_p99_ms=loop_timer.at(0.99),
        loop_max_ms=loop_timer.at(1.0),
        cpu_share=cpu_s / seconds,
        peak_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )


def _sums(service: Service, name: str, label: str) -> dict[str, float]:
    return {
        sample.labels[label]: sample.value
        for metric in service.metrics.registry.collect()
        for sample in metric.samples
        if sample.name == name
    }


def _sizes(arguments: argparse.Namespace) -> list[str]:
    return [f"--{name}={getattr(arguments, name)}" for name in ("own", "validators", "epochs")]


def table(result: Result) -> Table:
    """What a human reads."""
    shown = Table("what", "figure")
    shown.add_row("validators", f"{result.own} own of {result.validators}")
    shown.add_row("first epochs", f"{result.first_epochs_s:.2f} s")
    shown.add_row("next epoch", ", ".join(f"{each:.2f}" for each in result.next_epoch_s) + " s after its turn")
    for name, seconds in result.parts_s.items():
        shown.add_row(f"all rounds: {name}", f"{seconds:.2f} s")
    for name, seconds in result.fetches_s.items():
        shown.add_row(f"all fetches: {name}", f"{seconds:.2f} s")
    for what, figures in (
        (f"tick ({result.ticks})", (result.tick_p50_ms, result.tick_p99_ms, result.tick_max_ms)),
        ("loop", (result.loop_p50_ms, result.loop_p99_ms, result.loop_max_ms)),
    ):
        shown.add_row(f"{what}: p50, p99, max", " ms, ".join(f"{each:.1f}" for each in figures) + " ms")
    shown.add_row("CPU", f"{result.cpu_share:.0%} of a core")
    shown.add_row("peak memory", f"{result.peak_mib:.0f} MiB")
    return shown


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--own", type=int, default=10_000)
    parser.add_argument("--validators", type=int, default=150_000)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--slot-s", type=float, default=0.5)
    parser.add_argument("--slots", type=int, default=32)
    parser.add_argument("--world", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.world is not None:
        asyncio.run(be_the_world(options.world, options.own, options.validators, options.epochs))
        return
    with tempfile.TemporaryDirectory() as name, running_nats(Path(name) / "nats") as nats:
        result = asyncio.run(measure(Path(name), nats, options))
    Console().print(table(result))
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps(asdict(result), indent=1))


if __name__ == "__main__":
    main()
