"""A beacon node over real HTTP that says what it is told to, and fails as it is told to."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum, auto
from typing import Any

from aiohttp import web

from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.types.ids import Root
from tests.support.beacon_spec import spec_of

_ABOUT_ITSELF = ("/eth/v1/node/", "/eth/v1/beacon/genesis", "/eth/v1/config/spec")


class Fault(StrEnum):
    """What may be wrong with a node's answers."""

    HANG = auto()
    ERROR = auto()
    RESET = auto()
    TRUNCATED = auto()
    NONSENSE = auto()


@dataclass
class FaultyNode:
    """`answers` by path; `fault` holds for all that is not about the node itself, `away` for everything."""

    chain: BeaconChain
    answers: dict[str, Any] = field(default_factory=dict)
    refusals: dict[str, list[int]] = field(default_factory=dict)
    """Places of the refused items of a batch, by path."""
    fault: Fault | None = None
    away: bool = False
    head_slot: int = 1
    is_syncing: bool = False
    is_optimistic: bool = False
    sync_distance: int = 0
    requests: Counter[str] = field(default_factory=Counter)
    began: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[FaultyNode]:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(app, shutdown_timeout=0.001)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield self
        finally:
            await runner.cleanup()

    def __hash__(self) -> int:
        return id(self)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        path = request.path
        self.requests[path] += 1
        if self.away:
            return web.Response(status=502)
        if path.startswith(_ABOUT_ITSELF):
            return web.json_response({"data": self._itself(path.rpartition("/")[2])})
        self.began.set()
        if self.fault is not None:
            return await self._fail(request, self.fault)
        if path in self.refusals:
            failures = [{"index": place, "message": "no"} for place in self.refusals[path]]
            return web.json_response({"code": 400, "message": "some refused", "failures": failures}, status=400)
        if path in self.answers:
            return web.json_response(self.answers[path])
        if request.method == "POST":
            return web.Response()
        return web.json_response({"code": 404, "message": "unknown"}, status=404)

    async def _fail(self, request: web.Request, fault: Fault) -> web.StreamResponse:
        match fault:
            case Fault.HANG:
                await asyncio.Event().wait()
            case Fault.RESET:
                assert request.transport is not None
                request.transport.abort()
            case Fault.TRUNCATED:
                response = web.StreamResponse(headers={"Content-Length": "1000"})
                await response.prepare(request)
                await response.write(b'{"data": ')
                assert request.transport is not None
                request.transport.close()
                return response
            case Fault.NONSENSE:
                return web.json_response({"data": "nonsense"})
            case Fault.ERROR:
                pass
        return web.json_response({"code": 500, "message": "made to fail"}, status=500)

    def _itself(self, what: str) -> Any:
        return {
            "version": {"version": "faulty/1"},
            "genesis": {
                "genesis_time": str(self.chain.genesis_time_s),
                "genesis_validators_root": "0x" + self.chain.genesis_validators_root.hex(),
                "genesis_fork_version": "0x" + self.chain.forks[0].version.hex(),
            },
            "syncing": {
                "head_slot": str(self.head_slot),
                "sync_distance": str(self.sync_distance),
                "is_syncing": self.is_syncing,
                "is_optimistic": self.is_optimistic,
                "el_offline": False,
            },
            "spec": spec_of(self.chain),
        }[what]


def block_root(number: int) -> Root:
    """Return a root that stands for a block."""
    return Root(bytes([number]) * 32)
