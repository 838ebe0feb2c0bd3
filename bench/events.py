"""The registry at the size of a large network: contract events per second and peak memory, by the listener's own path.

Half of the events are ValidatorAdded with real ownership signatures and nonces (one in a thousand is bad), the others
are removals, exits, liquidations, fee recipients, deposits. Blocks hold four events, batches 500 blocks. What is
measured is decoding, checking and SQLite, without a provider. `ValidatorAdded` and `other events` are measured in one
process and by kind; `all of it` is the whole history at once as the listener reads it, with a process a core for
signatures. The signed events are made once and kept under `build/`.

    python bench/events.py [--events 300000] [--json FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import os
import resource
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from hashlib import sha256
from itertools import islice
from pathlib import Path

from eth_abi.abi import encode

from ssv_eth1_listener.chain_sync import ChainSync, FollowRules
from ssv_eth1_listener.feed import Feed
from ssv_eth1_listener.instruments import Instruments
from ssv_eth1_listener.store import RegistryStore
from ssv_ethereum.execution.pool import ExecutionPool
from ssv_ethereum.ownership import OwnershipChecks, useful_processes
from ssv_ethereum.registry_blocks import Batch, BlockUpdate
from ssv_protocol.crypto.bls import CURVE_ORDER, SecretKey
from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.crypto.shares import ownership_root
from ssv_protocol.networks import local_network
from ssv_protocol.registry.abi import HANDLED_EVENTS, IGNORED_EVENTS, topic0
from ssv_protocol.registry.log import Log
from ssv_protocol.registry.operator_key import encode_operator_key
from ssv_protocol.types.ids import ExecutionAddress
from ssv_runtime.health import Health
from ssv_runtime.logs import make_logger
from ssv_runtime.metrics import Metrics

CONTRACT = ExecutionAddress(b"\xcc" * 20)
OPERATORS = 16
OF_ONE_OWNER = 100
EVENTS_OF_BLOCK = 4
BLOCKS_OF_BATCH = 500
BAD_ONE_IN = 1000
OUTPUT = Path(__file__).parents[1] / "build" / "bench" / "events.json"
CACHE = Path(__file__).parents[1] / "build" / "bench-events"
_ENTRY_BYTES = 48 + 96
_TOPICS = {abi.name: topic0(abi.signature) for abi in HANDLED_EVENTS}
_DEPOSITED = topic0(next(each for each in IGNORED_EVENTS if each.startswith("ClusterDeposited")))
_CLUSTER = bytes(3 * 32) + (1).to_bytes(32, "big") + bytes(32)


def word(value: int) -> bytes:
    """A number as an ABI word."""
    return value.to_bytes(32, "big")


def padded(data: bytes) -> bytes:
    """Bytes as ABI encodes them, with their length."""
    return word(len(data)) + data + bytes(-len(data) % 32)


def owner_of(validator: int) -> ExecutionAddress:
    """Who registers a validator."""
    return ExecutionAddress(sha256(b"owner %d" % (validator // OF_ONE_OWNER)).digest()[:20])


def committee_of(validator: int) -> list[int]:
    """The operators of a validator, the same for all of one owner."""
    first = (validator // OF_ONE_OWNER) % (OPERATORS - 3)
    return [first + place + 1 for place in range(4)]


def signed(count: int) -> list[bytes]:
    """Each validator's key and ownership signature, from the cache as far as it goes."""
    CACHE.mkdir(parents=True, exist_ok=True)
    file = CACHE / "signed.bin"
    held = file.stat().st_size // _ENTRY_BYTES if file.exists() else 0
    with file.open("ab") as out, ProcessPoolExecutor() as processes:
        out.truncate(held * _ENTRY_BYTES)
        for entry in processes.map(sign, range(held, count), chunksize=500):
            out.write(entry)
    raw = file.read_bytes()
    return [raw[at : at + _ENTRY_BYTES] for at in range(0, count * _ENTRY_BYTES, _ENTRY_BYTES)]


def sign(validator: int) -> bytes:
    """A validator's key and its ownership signature."""
    secret = SecretKey(int.from_bytes(sha256(b"key %d" % validator).digest(), "big") % (CURVE_ORDER - 1) + 1)
    return secret.public_key() + secret.sign(ownership_root(owner_of(validator), validator % OF_ONE_OWNER))


def event(name: str, owner: bytes, data: bytes) -> tuple[tuple[bytes, ...], bytes]:
    """Topics and data of an event of an owner."""
    return (_TOPICS.get(name, _DEPOSITED), bytes(12) + owner), data


def added(validator: int, entry: bytes) -> tuple[tuple[bytes, ...], bytes]:
    """A ValidatorAdded, now and then with a bad signature."""
    key, signature = entry[:48], entry[48:]
    if validator % BAD_ONE_IN == BAD_ONE_IN - 1:
        signature = b"\x80" + signature[1:]
    shares = signature + os.urandom(4 * (48 + 256))
    ids = word(4) + b"".join(map(word, committee_of(validator)))
    head = word(256) + word(256 + len(ids)) + word(256 + len(ids) + len(padded(key))) + _CLUSTER
    return event("ValidatorAdded", owner_of(validator), head + ids + padded(key) + padded(shares))


def ids_of(validator: int) -> bytes:
    """The operators of a validator as an ABI list."""
    return word(4) + b"".join(map(word, committee_of(validator)))


def exited(validator: int, key: bytes) -> tuple[tuple[bytes, ...], bytes]:
    """A ValidatorExited."""
    ids = ids_of(validator)
    return event("ValidatorExited", owner_of(validator), word(64) + word(64 + len(ids)) + ids + padded(key))


def removed(validator: int, key: bytes) -> tuple[tuple[bytes, ...], bytes]:
    """A ValidatorRemoved."""
    ids = ids_of(validator)
    return event(
        "ValidatorRemoved",
        owner_of(validator),
        word(7 * 32) + word(7 * 32 + len(ids)) + _CLUSTER + ids + padded(key),
    )


def fee_recipient(validator: int) -> tuple[tuple[bytes, ...], bytes]:
    """A FeeRecipientAddressUpdated."""
    return event("FeeRecipientAddressUpdated", owner_of(validator), bytes(12) + os.urandom(20))


def of_cluster(name: str, validator: int) -> tuple[tuple[bytes, ...], bytes]:
    """An event of a validator's whole cluster."""
    return event(name, owner_of(validator), word(6 * 32) + _CLUSTER + ids_of(validator))


def others(validator: int, key: bytes) -> Iterator[tuple[tuple[bytes, ...], bytes]]:
    """Events without signatures about what the chain holds already, for ever."""
    while True:
        yield exited(validator, key)
        yield fee_recipient(validator)
        if validator % OF_ONE_OWNER == 0:
            yield of_cluster("ClusterLiquidated", validator)
            yield of_cluster("ClusterReactivated", validator)
        yield of_cluster("ClusterDeposited", validator)
        yield removed(validator, key)
        yield exited(validator, key)  # of nobody: skipped


def operators() -> Iterator[tuple[tuple[bytes, ...], bytes]]:
    """The operators that all committees are made of."""
    for number in range(1, OPERATORS + 1):
        key = encode_operator_key(OperatorPrivateKey.generate().public_pem())
        topics = (_TOPICS["OperatorAdded"], word(number), bytes(12) + owner_of(0))
        yield topics, encode(["bytes", "uint256"], [key, 0])


def batches(events: Iterator[tuple[tuple[bytes, ...], bytes]], first_block: int) -> Iterator[Batch]:
    """Events in blocks, blocks in batches, far behind the head."""
    block, head = first_block, 1 << 40
    while True:
        updates = []
        for _ in range(BLOCKS_OF_BATCH):
            of_block = list(islice(events, EVENTS_OF_BLOCK))
            if not of_block:
                break
            block_hash = sha256(b"%d" % block).digest()
            logs = tuple(
                Log(block, block_hash, index, CONTRACT, topics, data) for index, (topics, data) in enumerate(of_block)
            )
            updates.append(BlockUpdate(block, block_hash, logs, head, 1_600_000_000 + 12 * block))
            block += 1
        if not updates:
            return
        yield Batch(tuple(updates), head, 0)


async def measured(sync: ChainSync, events: Iterator[tuple[tuple[bytes, ...], bytes]]) -> dict[str, float]:
    """Apply events; only what the listener does is on the clocks."""
    count, wall_s, cpu_s = 0, 0.0, 0.0
    for batch in batches(events, sync.state.block_number + 1):
        begun, cpu_begun = time.perf_counter(), time.process_time()
        await sync._take(batch)
        wall_s += time.perf_counter() - begun
        cpu_s += time.process_time() - cpu_begun
        count += sum(len(update.logs) for update in batch.updates)
    return {"events": count, "seconds": wall_s, "per_second": count / wall_s, "per_core_second": count / cpu_s}


@asynccontextmanager
async def listener(folder: Path, processes: int) -> AsyncIterator[tuple[ChainSync, RegistryStore, OwnershipChecks]]:
    """The listener's path from blocks to its database, with its operators registered."""
    log, metrics = make_logger("eth1-listener", file=io.StringIO(), level="error"), Metrics("eth1-listener")
    store = RegistryStore(folder / "registry.sqlite", CONTRACT, 0)
    ownership = OwnershipChecks(processes)
    sync = ChainSync(
        pool=ExecutionPool([]),
        store=store,
        state=store.load().state,
        feed=Feed(),
        network=local_network(CONTRACT, slot_duration_s=12),
        rules=FollowRules(8, 1.0, None),
        instruments=Instruments(log, metrics, Health(log, metrics, asyncio.Event())),
        now=time.time,
        ownership=ownership,
    )
    try:
        await measured(sync, operators())
        yield sync, store, ownership
    finally:
        await ownership.rest()
        store.close()


async def one_process(entries: Sequence[bytes]) -> dict[str, dict[str, float]]:
    """ValidatorAdded alone, then events of each other kind about the same validators."""
    results: dict[str, dict[str, float]] = {}
    keys = list(enumerate(entry[:48] for entry in entries))
    owners = range(0, len(entries), OF_ONE_OWNER)
    with tempfile.TemporaryDirectory() as name:
        async with listener(Path(name), 0) as (sync, _, _):
            kinds: list[tuple[str, Iterator[tuple[tuple[bytes, ...], bytes]]]] = [
                ("ValidatorAdded", (added(*each) for each in enumerate(entries))),
                ("ValidatorExited", (exited(*each) for each in keys)),
                ("FeeRecipientAddressUpdated", (fee_recipient(number) for number, _ in keys)),
                ("ClusterDeposited", (of_cluster("ClusterDeposited", number) for number, _ in keys)),
                ("ClusterLiquidated", (of_cluster("ClusterLiquidated", number) for number in owners)),
                ("ClusterReactivated", (of_cluster("ClusterReactivated", number) for number in owners)),
                ("ValidatorRemoved", (removed(*each) for each in keys)),
                ("skipped", (exited(*each) for each in keys)),
            ]
            for kind, events in kinds:
                results[kind] = await measured(sync, events)
    left_out = {"ValidatorAdded", "ClusterLiquidated", "ClusterReactivated"}  # these two change 100 validators each
    rows = [row for kind, row in results.items() if kind not in left_out]
    results["other events"] = total(rows)
    return results


def total(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    """Several rows as one."""
    events, seconds = sum(row["events"] for row in rows), sum(row["seconds"] for row in rows)
    cpu_s = sum(row["events"] / row["per_core_second"] for row in rows)
    return {"events": events, "seconds": seconds, "per_second": events / seconds, "per_core_second": events / cpu_s}


async def all_of_it(entries: Sequence[bytes]) -> dict[str, dict[str, float]]:
    """As many other events as validators, among them, from an empty database on, with all cores."""

    def mixed() -> Iterator[tuple[tuple[bytes, ...], bytes]]:
        old = len(entries) // 5
        of_old = (one for number in range(old) for one in islice(others(number, entries[number][:48]), 7))
        for number, entry in enumerate(entries):
            yield added(number, entry)
            if number >= old:
                yield from islice(of_old, 1)
        yield from islice(of_old, old)

    results: dict[str, dict[str, float]] = {}
    cpu_begun = children_cpu_s()
    with tempfile.TemporaryDirectory() as name:
        async with listener(Path(name), useful_processes()) as (sync, store, ownership):
            results["all of it"] = {**await measured(sync, mixed()), "processes": useful_processes()}
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # before there is a second copy
            begun = time.perf_counter()
            loaded = store.load().state
            results["load from disk"] = {"events": len(loaded.validators), "seconds": time.perf_counter() - begun}
            assert loaded == sync.state
            results["registry"] = {
                "validators": len(sync.state.validators),
                "file_mib": (Path(name) / "registry.sqlite").stat().st_size / 2**20,
                "peak_mib": peak,
            }
            results["signatures"] = {
                "processes": len(ownership.pids),
                "peak_mib_each": max(map(peak_mib, ownership.pids)),
            }
    results["signatures"]["cpu_s"] = children_cpu_s() - cpu_begun
    return results


def children_cpu_s() -> float:
    """The CPU time of all processes that were started and have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime


def peak_mib(pid: int) -> float:
    """The most memory that a process held."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


async def run(events: int) -> dict[str, dict[str, float]]:
    """All measurements."""
    entries = signed(events // 2)
    return {**await one_process(entries[: len(entries) // 10]), **await all_of_it(entries)}


def main() -> None:
    """Print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=300_000)
    parser.add_argument("--json", type=Path, default=OUTPUT)
    arguments = parser.parse_args()
    results = asyncio.run(run(arguments.events))
    for name, row in results.items():
        print(f"{name:27}", "  ".join(f"{key} {value:,.1f}" for key, value in row.items()))
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
