"""A loopback server in a beacon node's place: it answers what a test says and keeps what it was sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from aiohttp import web
from libs.protocol.tests.types.zeros import zero

from ssv_consensus.beacon_port import BeaconPort
from ssv_consensus.ports import Handed
from ssv_devnet.simulation.chain import simulated_chain
from ssv_ethereum.pool.pool import BeaconPool
from ssv_protocol.beacon_chain import BeaconFork
from ssv_protocol.effects import Event, Fetch, Submit
from ssv_protocol.types.beacon import fulu
from ssv_protocol.types.beacon.block_proposal import BlockProposal
from ssv_protocol.types.ids import BlsSignature, Slot, ValidatorIndex

T = TypeVar("T")
SLOT = Slot(9)
SIGNATURE = BlsSignature(b"\x0c" * 96)
PROPOSER = ValidatorIndex(5)
BLOCK = zero(fulu.BeaconBlock, slot=SLOT, proposer_index=PROPOSER)
FULL = BlockProposal(BeaconFork.FULU, fulu.BlockContents(BLOCK, (b"\x01" * 48,), (b"\x02" * 131_072,)))

AtOnce = Callable[[web.Request], web.Response]
Answer = AtOnce | Callable[[web.Request], Awaitable[web.Response]]


def says(data: Any) -> AtOnce:
    return lambda _: web.json_response({"data": data})


def refuses(status: int, **body: Any) -> AtOnce:
    return lambda _: web.json_response({"code": status, "message": "made to fail", **body}, status=status)


def hands_out(block: bytes, *, is_blinded: bool) -> AtOnce:
    headers = {"Eth-Consensus-Version": "fulu", "Eth-Execution-Payload-Blinded": str(is_blinded).lower()}
    return lambda _: web.Response(body=block, content_type="application/octet-stream", headers=headers)


@dataclass
class ScriptedNode:
    """`answers` by path, or by method and path; what has none is taken."""

    answers: dict[str, Answer] = field(default_factory=dict)
    paths: list[str] = field(default_factory=list)
    queries: list[dict[str, str]] = field(default_factory=list)
    bodies: dict[str, bytes] = field(default_factory=dict)

    async def handle(self, request: web.Request) -> web.Response:
        self.paths.append(request.path)
        self.queries.append(dict(request.query))
        self.bodies[request.path] = await request.read()
        named = self.answers.get(f"{request.method} {request.path}") or self.answers.get(request.path)
        answer = named(request) if named else web.Response()
        return answer if isinstance(answer, web.Response) else await answer

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator[str, None]:
        """Answer inside the block; the URL is yielded."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.handle)
        runner = web.AppRunner(app, shutdown_timeout=0.001)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()

    def run(
        self,
        work: Callable[[BeaconPort], Awaitable[T]],
        boost_percent: int | None = None,
        others: Sequence[ScriptedNode] = (),
    ) -> T:
        """Do `work` with a port to this node, and to `others` after it."""

        async def scenario() -> T:
            async with AsyncExitStack() as stack:
                urls = [await stack.enter_async_context(node.serving()) for node in (self, *others)]
                pool = await stack.enter_async_context(BeaconPool(urls, simulated_chain()))
                return await work(BeaconPort(pool, builder_boost_percent=boost_percent))

        return asyncio.run(scenario())

    def answer(self, question: Fetch, boost_percent: int | None = None) -> Event:
        return self.run(lambda port: port.answer(question), boost_percent)

    def refused(self, work: Submit) -> set[Handed]:
        return set(self.run(lambda port: port.submit(SLOT, work)))
