"""An execution node for tests: JSON-RPC over real HTTP on loopback, with failures that a real node can't be made
to show on demand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from aiohttp import web

CONTRACT = b"\xaa" * 20
CHAIN_ID = 31337


class Pauses:
    """Stands in for `asyncio.sleep`: takes no time, and ends a test that waits for ever."""

    def __init__(self, limit: int = 100) -> None:
        self.left = limit

    async def __call__(self, _seconds: float) -> None:
        self.left -= 1
        assert self.left, "the client keeps on waiting"
        await asyncio.sleep(0)


@dataclass
class ExecutionNode:
    """Block n's hash depends on `branch` from `branched_at` on. `log_indexes` says which logs a block has."""

    blocks: int = 10
    branch: int = 0
    branched_at: int = 0
    log_indexes: dict[int, list[int]] = field(default_factory=dict)
    topics: dict[int, bytes] = field(default_factory=dict)
    """By block: the first topic of its logs where it is not that of an unknown event."""
    removed: set[int] = field(default_factory=set)
    largest_range: int = 1000
    unavailable: int = 0
    """Requests that will still be answered with HTTP 503."""
    chain_id: int = CHAIN_ID
    finalized: int = 0
    earliest: int = 0
    """The first block that the node has."""
    pruned_before: int = 0
    """The first block whose logs it has."""
    forgets: bool = False
    """It has no logs of the blocks before `pruned_before`, and does not say so."""
    requests: list[str] = field(default_factory=list)
    url: str = ""

    def block_hash(self, number: int) -> bytes:
        branch = self.branch if number >= self.branched_at else 0
        return sha256(f"{branch}:{number}".encode()).digest()

    def time_s(self, number: int) -> int:
        return 1_700_000_000 + number

    async def answer(self, request: web.Request) -> web.Response:
        if self.unavailable:
            self.unavailable -= 1
            return web.Response(status=503, text="starting")
        call = await request.json()
        self.requests.append(call["method"])
        body: dict[str, Any] = {"jsonrpc": "2.0", "id": call["id"]}
        return web.json_response(body | self.result(call["method"], call["params"]))

    def result(self, method: str, params: list[Any]) -> dict[str, Any]:
        match method:
            case "eth_chainId":
                return {"result": hex(self.chain_id)}
            case "eth_getCode":
                return {"result": "0x6001"}
            case "eth_getBlockByNumber":
                tags = {"latest": self.blocks - 1, "finalized": self.finalized, "earliest": self.earliest}
                number = tags[params[0]] if params[0] in tags else int(params[0], 16)
                return {"result": self.header(number) if self.earliest <= number < self.blocks else None}
            case "eth_getLogs":
                first, last = int(params[0]["fromBlock"], 16), int(params[0]["toBlock"], 16)
                if last - first + 1 > self.largest_range:
                    return {"error": {"code": -32005, "message": "query returned too many results"}}
                if first < self.pruned_before and not self.forgets:
                    return {"error": {"code": 4444, "message": "pruned history unavailable"}}
                address = params[0]["address"]
                (address,) = address if isinstance(address, list) else [address]
                assert bytes.fromhex(address[2:]) == CONTRACT
                return {"result": [log for number in range(first, last + 1) for log in self.logs(number)]}
        raise AssertionError(f"unexpected call {method}")

    def header(self, number: int) -> dict[str, str]:
        return {
            "number": hex(number),
            "hash": "0x" + self.block_hash(number).hex(),
            "parentHash": "0x" + self.block_hash(number - 1).hex(),
            "timestamp": hex(self.time_s(number)),
        }

    def logs(self, number: int) -> list[dict[str, Any]]:
        return [
            {
                "address": "0x" + CONTRACT.hex(),
                "blockHash": "0x" + self.block_hash(number).hex(),
                "blockNumber": hex(number),
                "transactionHash": "0x" + bytes(32).hex(),
                "transactionIndex": "0x0",
                "logIndex": hex(index),
                "topics": ["0x" + self.topics.get(number, b"\x01" * 32).hex()],
                "data": "0x" + bytes([number, index]).hex(),
                "removed": number in self.removed,
            }
            for index in (self.log_indexes.get(number, []) if number >= self.pruned_before else [])
        ]


@asynccontextmanager
async def served(node: ExecutionNode) -> AsyncIterator[ExecutionNode]:
    """Serve the node on a free port of loopback; its URL holds an access token as providers' do."""
    app = web.Application()
    app.router.add_post("/{token}", node.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        node.url = f"http://{host}:{port}/access-token"
        yield node
    finally:
        await runner.cleanup()
