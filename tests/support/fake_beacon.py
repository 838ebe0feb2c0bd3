"""A beacon node for tests, over real HTTP on loopback, with what a real one cannot be made to show on demand.

Duties depend on the epoch's root, so that another root shows in the values made of them.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.types.ids import BlsPublicKey
from tests.support.beacon_spec import spec_of

HANG = -1
_ABOUT_ITSELF = ("/eth/v1/node/", "/eth/v1/beacon/genesis", "/eth/v1/config/spec")


@dataclass
class FakeBeacon:
    """`indices` are the validators of the chain; `sync_seats` says who sits in the sync committee."""

    indices: dict[BlsPublicKey, int]
    chain: BeaconChain
    sync_seats: dict[int, list[int]] = field(default_factory=dict)
    later_sync_seats: dict[int, dict[int, list[int]]] = field(default_factory=dict)
    """By the first epoch in which they hold."""
    statuses: dict[int, str] = field(default_factory=dict)
    """By index, where it is not active_ongoing."""
    roots: dict[int, bytes] = field(default_factory=dict)
    trouble: dict[str, int] = field(default_factory=dict)
    """By part of the path: an HTTP status, or HANG."""
    live_since: dict[int, int] = field(default_factory=dict)
    """By index, the first epoch in which the validator is seen at work."""
    missing_votes: set[tuple[int, int]] = field(default_factory=set)
    """Slot and index of attestations that no block holds; all others are in the next slot's."""
    requests: Counter[str] = field(default_factory=Counter)
    subscriptions: list[dict[str, Any]] = field(default_factory=list)
    sync_subscriptions: list[dict[str, Any]] = field(default_factory=list)
    preparations: list[dict[str, Any]] = field(default_factory=list)
    listeners: list[asyncio.Queue[bytes | None]] = field(default_factory=list)
    url: str = ""

    @property
    def slots_per_epoch(self) -> int:
        return self.chain.slots_per_epoch

    def root(self, epoch: int) -> bytes:
        return self.roots.get(epoch, bytes([epoch % 256]) * 32)

    def key(self, index: int) -> BlsPublicKey:
        return next(key for key, each in self.indices.items() if each == index)

    def attester_slot(self, epoch: int, index: int) -> int:
        return epoch * self.slots_per_epoch + (index * 7 + self.root(epoch)[0]) % self.slots_per_epoch

    def proposer_of(self, epoch: int, offset: int) -> int:
        ordered = sorted(self.indices.values())
        return ordered[(offset + self.root(epoch)[0]) % len(ordered)]

    def proposals(self, epoch: int) -> list[tuple[int, int]]:
        """The first few slots' proposers: an epoch of these tests may be long."""
        return [(epoch * self.slots_per_epoch + offset, self.proposer_of(epoch, offset)) for offset in range(8)]

    def seats(self, epoch: int) -> dict[int, list[int]]:
        started = [first for first in self.later_sync_seats if first <= epoch]
        return self.later_sync_seats[max(started)] if started else self.sync_seats

    def break_streams(self) -> None:
        """Close every event stream; listeners may open them again."""
        for listener in self.listeners:
            listener.put_nowait(None)

    def head(self, slot: int, root: bytes) -> None:
        """Tell all listeners of a new head; the dependent roots are those of `roots`."""
        epoch = slot // self.slots_per_epoch
        data = {
            "slot": str(slot),
            "block": "0x" + root.hex(),
            "state": "0x" + bytes(32).hex(),
            "epoch_transition": False,
            "previous_duty_dependent_root": "0x" + self.root(epoch).hex(),
            "current_duty_dependent_root": "0x" + self.root(epoch + 1).hex(),
            "execution_optimistic": False,
        }
        for listener in self.listeners:
            listener.put_nowait(f"event: head\ndata: {json.dumps(data)}\n\n".encode())

    async def answer(self, request: web.Request) -> web.StreamResponse:
        path = request.path
        self.requests[path.removeprefix("/eth/v1/")] += 1
        for part, what in self.trouble.items():
            if part in path:
                if what == HANG:
                    await asyncio.Event().wait()
                return web.json_response({"code": what, "message": "made to fail"}, status=what)
        if path.startswith(_ABOUT_ITSELF):
            return self._data(self._itself(path.rpartition("/")[2]))
        if path.endswith("/events"):
            return await self._events(request)
        if path.endswith("/states/head/validators"):
            return self._data(self._validators((await request.json())["ids"]))
        if (notices := self._notices(path)) is not None:
            notices += await request.json()
            return web.Response()
        if "/eth/v1/validator/" not in path:
            return self._data(self._seen(path, request.query))
        kind, epoch = path.split("/")[-2], int(path.split("/")[-1])
        if kind == "proposer":
            return self._data(self._proposers(epoch), epoch)
        wanted = [int(index) for index in await request.json()]
        if not wanted:
            return web.json_response({"code": 400, "message": "no validators"}, status=400)  # as some nodes do
        known = [index for index in wanted if index in self.indices.values()]
        if kind == "liveness":
            lives = {index: epoch >= self.live_since.get(index, epoch + 1) for index in known}
            return self._data([{"index": str(index), "is_live": lives[index]} for index in known])
        if kind == "attester":
            return self._data([self._attester(epoch, index) for index in known], epoch)
        assert kind == "sync"
        seats = self.seats(epoch)
        return self._data([self._seats(index, seats[index]) for index in wanted if index in seats])

    def _notices(self, path: str) -> list[dict[str, Any]] | None:
        """Return where what is told under a path is kept."""
        return {
            "beacon_committee_subscriptions": self.subscriptions,
            "sync_committee_subscriptions": self.sync_subscriptions,
            "prepare_beacon_proposer": self.preparations,
        }.get(path.rpartition("/")[2])

    def _seen(self, path: str, query: Mapping[str, str]) -> Any:
        """Return a slot's committees or a block."""
        if path.endswith("/states/head/committees"):
            return self._committees(int(query["slot"]))
        assert "/beacon/blocks/" in path
        return {"message": self._block(int(path.rpartition("/")[2]))}

    def _members(self, slot: int) -> list[int]:
        epoch = slot // self.slots_per_epoch
        return [index for index in sorted(self.indices.values()) if self.attester_slot(epoch, index) == slot]

    def _committees(self, slot: int) -> list[Any]:
        return [{"index": "0", "slot": str(slot), "validators": [str(index) for index in self._members(slot)]}]

    def _block(self, slot: int) -> dict[str, Any]:
        """Return what is read of a block: the votes of the slot before it."""
        members = self._members(slot - 1)
        bits = [(slot - 1, index) not in self.missing_votes for index in members] + [True]
        number = sum(bit << place for place, bit in enumerate(bits))
        vote = {
            "aggregation_bits": "0x" + number.to_bytes((len(bits) + 7) // 8, "little").hex(),
            "committee_bits": "0x0100000000000000",
            "data": {"slot": str(slot - 1)},
        }
        zero = "0x" + bytes(32).hex()
        return {
            "slot": str(slot),
            "proposer_index": "0",
            "parent_root": zero,
            "body": {
                "graffiti": zero,
                "attestations": [vote] if members else [],
                "voluntary_exits": [],
                "sync_aggregate": {"sync_committee_bits": "0x" + bytes(64).hex()},
                "execution_payload": {"fee_recipient": "0x" + bytes(20).hex(), "block_hash": zero},
            },
        }

    def _itself(self, what: str) -> Any:
        chain = self.chain
        genesis = {
            "genesis_time": str(chain.genesis_time_s),
            "genesis_validators_root": "0x" + chain.genesis_validators_root.hex(),
            "genesis_fork_version": "0x" + chain.forks[0].version.hex(),
        }
        syncing = {"head_slot": "1", "sync_distance": "0", "is_syncing": False}
        return {"version": {"version": "fake/1"}, "genesis": genesis, "syncing": syncing, "spec": spec_of(chain)}[what]

    def _data(self, data: Any, epoch: int | None = None) -> web.Response:
        root = {} if epoch is None else {"dependent_root": "0x" + self.root(epoch).hex()}
        return web.json_response({"data": data, "execution_optimistic": False, **root})

    def _validators(self, ids: list[str]) -> list[Any]:
        known = [BlsPublicKey(bytes.fromhex(key[2:])) for key in ids]
        return [
            {
                "index": str(self.indices[key]),
                "status": self.statuses.get(self.indices[key], "active_ongoing"),
                "validator": {
                    "pubkey": "0x" + key.hex(),
                    "activation_epoch": "0",
                    "exit_epoch": str(2**64 - 1),
                },
            }
            for key in known
            if key in self.indices
        ]

    def _attester(self, epoch: int, index: int) -> dict[str, str]:
        return {
            "pubkey": "0x" + self.key(index).hex(),
            "validator_index": str(index),
            "committee_index": str(index % 4),
            "committee_length": "64",
            "committees_at_slot": "4",
            "validator_committee_index": str(index % 64),
            "slot": str(self.attester_slot(epoch, index)),
        }

    def _proposers(self, epoch: int) -> list[dict[str, str]]:
        return [
            {"pubkey": "0x" + self.key(index).hex(), "validator_index": str(index), "slot": str(slot)}
            for slot, index in self.proposals(epoch)
        ]

    def _seats(self, index: int, seats: list[int]) -> dict[str, Any]:
        return {
            "pubkey": "0x" + self.key(index).hex(),
            "validator_index": str(index),
            "validator_sync_committee_indices": [str(seat) for seat in seats],
        }

    async def _events(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.listeners.append(queue)
        try:
            while (event := await queue.get()) is not None:
                await response.write(event)
        finally:
            self.listeners.remove(queue)
        return response


@asynccontextmanager
async def served_beacon(beacon: FakeBeacon, port: int = 0) -> AsyncIterator[FakeBeacon]:
    """Serve it; its port is free, or `port`."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", beacon.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.001)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        beacon.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield beacon
    finally:
        await runner.cleanup()
