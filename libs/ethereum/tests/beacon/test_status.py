import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from aiohttp import web

from ssv_ethereum.backoff import Backoff
from ssv_ethereum.beacon.node import BeaconNode

Serve = Callable[[Any], AbstractAsyncContextManager[str]]


def syncing(is_syncing: bool) -> dict[str, Any]:
    return {"data": {"head_slot": "1", "sync_distance": "0", "is_syncing": is_syncing}}


def test_waiting_tells_each_obstacle_once_and_goes_on(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    sync_answers = iter([syncing(True), syncing(True), syncing(False)])
    version_answers = iter([500, 500, 404])

    async def handler(request: web.Request) -> web.Response:
        if request.path.endswith("syncing"):
            return web.json_response(next(sync_answers))
        status = next(version_answers, 200)
        return web.json_response({"data": {"version": "it/1"}} if status == 200 else {"message": "no"}, status=status)

    async def scenario() -> tuple[str, str]:
        async with serve(handler) as url, BeaconNode(url) as node:
            return await node.status.wait_until_ready(Backoff(0.0, 0.0)), node.endpoint

    with caplog.at_level(logging.WARNING):
        version, endpoint = asyncio.run(scenario())
    assert version == "it/1"
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 3
    assert all(endpoint in line and "\n" not in line for line in told)
    assert "HTTP 500" in told[0]
    assert "Check that the URL" in told[0]
    assert "HTTP 404" in told[1]
    assert "is syncing" in told[2]


def test_a_node_that_is_not_there_names_the_remedy(caplog: pytest.LogCaptureFixture) -> None:
    class GivenUp(Exception):
        pass

    async def give_up(_: float) -> None:
        raise GivenUp

    async def scenario() -> None:
        async with BeaconNode("http://127.0.0.1:1") as node:
            await node.status.wait_until_ready(Backoff(sleep=give_up))

    with caplog.at_level(logging.WARNING), pytest.raises(GivenUp):
        asyncio.run(scenario())
    assert "http://127.0.0.1:1" in caplog.text
    assert "Start the node or correct its URL" in caplog.text
