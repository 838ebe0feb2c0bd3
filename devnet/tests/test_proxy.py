"""A proxy in front of a real server: what gets through, and what each fault makes of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from ssv_devnet.faults import (
    CutOff,
    Delay,
    Halved,
    Hang,
    OtherBlocks,
    Reset,
    ServerError,
    StingyProvider,
    Swallowed,
    another_chain,
)
from ssv_devnet.proxy import Proxy, Server, proxied, running_proxy

BODY = b'{"data": {"genesis_validators_root": "0x11", "kept": "7"}}'
GENESIS = "/eth/v1/beacon/genesis"
TIMEOUT_S = 10.0
Scene = Callable[[Proxy, aiohttp.ClientSession, list[web.Request]], Awaitable[None]]


def play(scene: Scene, answer: Callable[[web.Request], Awaitable[web.StreamResponse]] | None = None) -> None:
    """The server takes down what it is asked."""

    async def run() -> None:
        asked: list[web.Request] = []

        async def serve(request: web.Request) -> web.StreamResponse:
            asked.append(request)
            await request.read()
            if answer is not None:
                return await answer(request)
            return web.Response(status=203, headers={"Eth-Consensus-Version": "fulu"}, body=BODY)

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", serve)
        runner = web.AppRunner(app, shutdown_timeout=0.01)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            async with proxied(url) as proxy, aiohttp.ClientSession() as session:
                await scene(proxy, session, asked)
        finally:
            await runner.cleanup()

    asyncio.run(asyncio.wait_for(run(), TIMEOUT_S))


async def get(proxy: Proxy, session: aiohttp.ClientSession, path: str = GENESIS) -> tuple[int, bytes]:
    async with session.get(proxy.url + path) as response:
        return response.status, await response.read()


async def post(proxy: Proxy, session: aiohttp.ClientSession, path: str, body: Any) -> Any:
    async with session.post(proxy.url + path, json=body) as response:
        return json.loads(await response.read() or b"null")


def test_a_call_gets_through_whole() -> None:
    async def scene(proxy: Proxy, session: aiohttp.ClientSession, asked: list[web.Request]) -> None:
        url = f"{proxy.url}/eth/v2/x?a=1&b=0x%20"
        async with session.post(url, data=b"\0\1", headers={"Content-Type": "application/octet-stream"}) as response:
            assert (response.status, await response.read()) == (203, BODY)
            assert response.headers["Eth-Consensus-Version"] == "fulu"
        assert asked[0].raw_path == "/eth/v2/x?a=1&b=0x%20"
        assert (await asked[0].read(), asked[0].content_type) == (b"\0\1", "application/octet-stream")
        assert proxy.requests == {"/eth/v2/x": 1}

    play(scene)


@pytest.mark.parametrize("fault", [Reset(), CutOff()])
def test_a_broken_connection_shows_as_one(fault: Reset | CutOff) -> None:
    async def scene(proxy: Proxy, session: aiohttp.ClientSession, _: list[web.Request]) -> None:
        proxy.fault = fault
        with pytest.raises(aiohttp.ClientError):
            await get(proxy, session)
        proxy.fault = None
        assert await get(proxy, session) == (203, BODY)

    play(scene)


def test_answers_may_be_errors_halved_rewritten_or_late() -> None:
    async def scene(proxy: Proxy, session: aiohttp.ClientSession, asked: list[web.Request]) -> None:
        proxy.fault = ServerError()
        assert (await get(proxy, session))[0] == 500
        assert asked == []
        proxy.fault = Halved()
        assert await get(proxy, session) == (203, BODY[: len(BODY) // 2])
        proxy.fault = Delay(0.001)
        assert await get(proxy, session) == (203, BODY)

    play(scene)


def test_a_node_of_another_chain_says_so_and_nothing_else_wrong() -> None:
    async def scene(proxy: Proxy, session: aiohttp.ClientSession, _: list[web.Request]) -> None:
        proxy.fault = another_chain()
        told = json.loads((await get(proxy, session))[1])["data"]
        assert told["genesis_validators_root"] == f"0x{'5a' * 32}"
        assert told["kept"] == "7"
        assert await get(proxy, session, "/eth/v1/other") == (200, BODY)

    async def ok(_: web.Request) -> web.StreamResponse:
        return web.Response(body=BODY, content_type="application/json")

    play(scene, ok)


def test_what_is_swallowed_never_arrives() -> None:
    async def scene(proxy: Proxy, session: aiohttp.ClientSession, asked: list[web.Request]) -> None:
        proxy.fault = Swallowed({"/blocks"})
        assert await post(proxy, session, "/blocks?x=1", {}) is None
        assert asked == []
        await post(proxy, session, "/other", {})
        assert len(asked) == 1

    play(scene)


def test_a_call_that_hangs_ends_with_its_caller_and_the_proxy() -> None:
    async def scene(proxy: Proxy, session: aiohttp.ClientSession, asked: list[web.Request]) -> None:
        proxy.fault = Hang()
        waiting = [asyncio.create_task(get(proxy, session)) for _ in range(2)]
        while proxy.requests[GENESIS] < 2:  # noqa: ASYNC110 (the proxy counts, and tells nobody)
            await asyncio.sleep(0)
        waiting[0].cancel()
        await proxy.close()
        with pytest.raises(aiohttp.ClientError):
            await waiting[1]
        assert asked == []

    play(scene)


def test_a_proxy_that_was_closed_is_back_on_its_port() -> None:
    async def scene(proxy: Proxy, session: aiohttp.ClientSession, _: list[web.Request]) -> None:
        url = proxy.url
        await proxy.close()
        with pytest.raises(aiohttp.ClientConnectorError):
            await get(proxy, session)
        await proxy.open()
        assert proxy.url == url
        assert await get(proxy, session) == (203, BODY)

    play(scene)


def test_events_pass_piece_by_piece_until_a_fault_cuts_them() -> None:
    async def events(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"event: block\n\n")
        await asyncio.Event().wait()
        return response

    async def scene(proxy: Proxy, session: aiohttp.ClientSession, _: list[web.Request]) -> None:
        async with session.get(proxy.url + "/eth/v1/events", headers={"Accept": "text/event-stream"}) as stream:
            assert await stream.content.readline() == b"event: block\n"
            proxy.fault = Delay(0.0)
            assert await stream.content.readline() == b"\n"
            proxy.fault = Reset()
            with pytest.raises(aiohttp.ClientError):
                await stream.content.readline()

    play(scene, events)


def test_an_upstream_that_is_gone_resets() -> None:
    async def run() -> None:
        server = Server("http://127.0.0.1:1")
        async with server, running_proxy(server) as proxy, aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.ClientError):
                await get(proxy, session)

    asyncio.run(asyncio.wait_for(run(), TIMEOUT_S))


def test_an_execution_node_with_other_blocks_has_none_of_their_logs() -> None:
    async def evm(request: web.Request) -> web.StreamResponse:
        call = await request.json()
        block = {"number": call["params"][0], "hash": "0x22", "parentHash": "0x11"}
        logs = [{"blockNumber": "0x4"}, {"blockNumber": "0x5"}]
        return web.json_response({"id": 1, "result": logs if call["method"] == "eth_getLogs" else block})

    async def scene(proxy: Proxy, session: aiohttp.ClientSession, _: list[web.Request]) -> None:
        proxy.fault = OtherBlocks(5)
        block = {"method": "eth_getBlockByNumber", "id": 1}
        old, first, later = [
            (await post(proxy, session, "/", {**block, "params": [number, False]}))["result"]
            for number in ("0x4", "0x5", "0x6")
        ]
        assert (old["hash"], old["parentHash"]) == ("0x22", "0x11")
        assert (first["hash"] != "0x22", first["parentHash"]) == (True, "0x11")
        assert later["parentHash"] != "0x11"
        wanted = {"method": "eth_getLogs", "id": 1, "params": [{"fromBlock": "0x1", "toBlock": "0x9"}]}
        assert (await post(proxy, session, "/", wanted))["result"] == [{"blockNumber": "0x4"}]
        proxy.fault = StingyProvider(largest_range=8)
        assert (await post(proxy, session, "/", wanted))["error"]["code"] == -32005

    play(scene, evm)
