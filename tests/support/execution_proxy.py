"""A proxy in front of a real execution node that shows what providers do: limits, broken connections, another chain."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import aiohttp
from aiohttp import web


@dataclass
class ExecutionProxy:
    """`lies_from` makes blocks from that number on others, without logs; every `drops_every`-th request is cut off."""

    target: str
    largest_range: int = 1_000_000
    drops_every: int = 0
    lies_from: int | None = None
    down: bool = False
    requests: int = 0
    url: str = ""
    session: aiohttp.ClientSession = field(init=False)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.requests += 1
        if self.down or (self.drops_every and self.requests % self.drops_every == 0):
            assert request.transport is not None
            request.transport.abort()
            raise asyncio.CancelledError
        call = await request.json()
        if call["method"] == "eth_getLogs":
            wanted = call["params"][0]
            if int(wanted["toBlock"], 16) - int(wanted["fromBlock"], 16) + 1 > self.largest_range:
                refused = {"code": -32005, "message": "query returned more than 10000 results"}
                return web.json_response({"jsonrpc": "2.0", "id": call["id"], "error": refused})
        async with self.session.post(self.target, json=call) as response:
            body = await response.json()
        if self.lies_from is not None and body.get("result") is not None:
            body["result"] = self._lie(call["method"], body["result"])
        return web.json_response(body)

    def _lie(self, method: str, result: Any) -> Any:
        if method == "eth_getLogs":
            return [log for log in result if not self._is_false(int(log["blockNumber"], 16))]
        if method == "eth_getBlockByNumber":
            number = int(result["number"], 16)
            for key, of in (("hash", number), ("parentHash", number - 1)):
                if self._is_false(of):
                    result[key] = "0x" + sha256(result[key].encode()).hexdigest()
        return result

    def _is_false(self, number: int) -> bool:
        return self.lies_from is not None and number >= self.lies_from


@asynccontextmanager
async def proxied(target: str, **fields: int) -> AsyncIterator[ExecutionProxy]:
    """Serve a proxy on a free port of loopback."""
    proxy = ExecutionProxy(target, **fields)  # type: ignore[arg-type]
    app = web.Application()
    app.router.add_post("/", proxy.answer)
    runner = web.AppRunner(app, handler_cancellation=True)
    await runner.setup()
    async with aiohttp.ClientSession() as proxy.session:
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            host, port = runner.addresses[0][:2]
            proxy.url = f"http://{host}:{port}/"
            yield proxy
        finally:
            await runner.cleanup()
