"""The registry at the size of a large network: contract events per second and peak memory, by the listener's own path.

Half of the events are ValidatorAdded with real ownership signatures and nonces (one in a thousand is bad), the others
are removals, exits, liquidations, fee recipients, deposits. Blocks hold four events, batches 500 blocks. What is
measured is decoding, checking and SQLite, without a provider. The signed events are made once and kept under `build/`.

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
from collections.abc import Iterator
from hashlib import sha256
from itertools import islice
from pathlib import Path

from eth_abi.abi import encode

from ssv_eth1_listener.chain_sync import ChainSync, FollowRules
from ssv_eth1_listener.feed import Feed
from ssv_eth1_listener.instruments import Instruments
from ssv_eth1_listener.store import RegistryStore
from ssv_ethereum.execution.pool import ExecutionPool
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
    with file.open("ab") as out:
        out.truncate(held * _ENTRY_BYTES)
        for validator in range(held, count):
            secret = SecretKey(int.from_bytes(sha256(b"key %d" % validator).digest(), "big") % (CURVE_ORDER - 1) + 1)
            root = ownership_root(owner_of(validator), validator % OF_ONE_OWNER)
            out.write(secret.public_key() + secret.sign(root))
    raw = file.read_bytes()
    return [raw[at : at + _ENTRY_BYTES] for at in range(0, count * _ENTRY_BYTES, _ENTRY_BYTES)]


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


def others(validator: int, key: bytes) -> Iterator[tuple[tuple[bytes, ...], bytes]]:
    """Events without signatures about what the chain holds already, for ever."""
    owner = owner_of(validator)
    ids = word(4) + b"".join(map(word, committee_of(validator)))
    of_key = word(7 * 32) + word(7 * 32 + len(ids)) + _CLUSTER + ids + padded(key)
    of_cluster = word(6 * 32) + _CLUSTER + ids
    while True:
        yield event("ValidatorExited", owner, word(64) + word(64 + len(ids)) + ids + padded(key))
        yield event("FeeRecipientAddressUpdated", owner, bytes(12) + os.urandom(20))
        if validator % OF_ONE_OWNER == 0:
            yield event("ClusterLiquidated", owner, of_cluster)
            yield event("ClusterReactivated", owner, of_cluster)
        yield event("ClusterDeposited", owner, of_cluster)
        yield event("ValidatorRemoved", owner, of_key)
        yield event("ValidatorExited", owner, word(64) + word(64 + len(ids)) + ids + padded(key))  # of nobody: skipped


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


async def run(events: int) -> dict[str, dict[str, float]]:
    """Three measurements on one registry: ValidatorAdded alone, other events alone, half of each."""
    validators = events // 2
    entries = signed(validators)
    baseline = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    results: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        log, metrics = make_logger("eth1-listener", file=io.StringIO(), level="error"), Metrics("eth1-listener")
        instruments = Instruments(log, metrics, Health(log, metrics, asyncio.Event()))
        store = RegistryStore(Path(folder) / "registry.sqlite", CONTRACT, 0)
        saved = store.load()
        sync = ChainSync(
            pool=ExecutionPool([]),
            store=store,
            state=saved.state,
            feed=Feed(),
            network=local_network(CONTRACT, slot_duration_s=12),
            rules=FollowRules(8, 1.0, None),
            instruments=instruments,
            now=time.time,
        )
        await measured(sync, operators())
        alone = validators // 5
        results["ValidatorAdded"] = await measured(
            sync, (added(number, entry) for number, entry in enumerate(entries[:alone]))
        )
        left = events - validators
        each = 3
        changing = (one for number in range(alone) for one in islice(others(number, entries[number][:48]), each))
        results["other events"] = await measured(sync, islice(changing, left // 3))

        def mixed() -> Iterator[tuple[tuple[bytes, ...], bytes]]:
            of_old = (one for number in range(validators) for one in islice(others(number, entries[number][:48]), 7))
            for number in range(alone, validators):
                yield added(number, entries[number])
                yield from islice(of_old, 1)

        results["mixed"] = await measured(sync, mixed())
        begun = time.perf_counter()
        loaded = store.load().state
        results["load from disk"] = {"events": len(loaded.validators), "seconds": time.perf_counter() - begun}
        assert loaded == sync.state
        results["registry"] = {
            "validators": len(sync.state.validators),
            "file_mib": (Path(folder) / "registry.sqlite").stat().st_size / 2**20,
            "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            "peak_before_mib": baseline / 1024,
        }
        store.close()
    return results


def main() -> None:
    """Print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=300_000)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    results = asyncio.run(run(arguments.events))
    for name, row in results.items():
        print(f"{name:16}", "  ".join(f"{key} {value:,.1f}" for key, value in row.items()))
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
