import asyncio
import socket
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import msgspec
import pytest
from aiohttp import web

from ssv_ethereum.beacon.answers import Envelope
from ssv_ethereum.beacon.errors import (
    BatchRefused,
    BeaconAnswerInvalid,
    BeaconError,
    BeaconRefused,
    BeaconTimeout,
    BeaconUnreachable,
    ItemFailure,
)
from ssv_ethereum.beacon.http import BeaconHttp

Serve = Callable[[Any], AbstractAsyncContextManager[str]]
SHORT_S = 0.05


class Head(msgspec.Struct):
    slot: int


def outcome(serve: Serve, handler: Any, deadline_s: float = 5.0) -> Head | BeaconError:
    async def scenario() -> Head | BeaconError:
        async with serve(handler) as url:
            http = BeaconHttp(url, deadline_s)
            try:
                return (await http.post("/x", [1], Envelope[Head])).data
            except BeaconError as error:
                return error
            finally:
                await http.close()

    return asyncio.run(scenario())


def answering(status: int, text: str) -> Any:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=status, text=text)

    return handler


def test_a_good_answer_is_typed(serve: Serve) -> None:
    assert outcome(serve, answering(200, '{"data":{"slot":"18446744073709551615","new":1}}')) == Head(2**64 - 1)


@pytest.mark.parametrize(
    "text", ['{"data":{"slot":"1', '{"data":{"slot":"x"}}', '{"data":{}}', "", "[]", "<html>", "\xff"]
)
def test_a_malformed_answer_is_named(serve: Serve, text: str) -> None:
    error = outcome(serve, answering(200, text))
    assert isinstance(error, BeaconAnswerInvalid)
    assert error.request == "POST /x"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"code":500,"message":"no\\n state"}', "no state"),
        ("<html>oops", "<html>oops"),
        ("", "no reason given"),
        ('{"code":500,"message":7}', '{"code":500,"message":7}'),
    ],
)
def test_an_error_status_carries_the_nodes_reason(serve: Serve, text: str, message: str) -> None:
    error = outcome(serve, answering(500, text))
    assert type(error) is BeaconRefused
    assert (error.status, error.message) == (500, message)
    assert "\n" not in str(error)


def test_a_batch_names_each_refused_item(serve: Serve) -> None:
    text = '{"code":400,"message":"some failed","failures":[{"index":2,"message":"old"},{"index":"5","message":"x"}]}'
    error = outcome(serve, answering(400, text))
    assert isinstance(error, BatchRefused)
    assert error.failures == (ItemFailure(2, "old"), ItemFailure(5, "x"))
    assert "2 refused, first at 2: old" in str(error)


def test_silence_ends_at_the_deadline(serve: Serve) -> None:
    async def silent(request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError

    error = outcome(serve, silent, SHORT_S)
    assert isinstance(error, BeaconTimeout)
    assert f"no answer within {SHORT_S} s" in str(error)


def test_an_answer_that_stops_half_way_ends_at_the_deadline(serve: Serve) -> None:
    async def half(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b'{"data":')
        await asyncio.Event().wait()
        return response

    assert isinstance(outcome(serve, half, SHORT_S), BeaconTimeout)


def test_a_broken_connection_is_unreachable(serve: Serve) -> None:
    async def breaking(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b'{"data":')
        assert request.transport is not None
        request.transport.abort()
        return response

    assert isinstance(outcome(serve, breaking), BeaconUnreachable)


def test_nobody_listening_is_unreachable_and_tokens_stay_secret() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]

    async def scenario() -> BeaconError:
        http = BeaconHttp(f"http://me:token@127.0.0.1:{port}/secret-key?key=secret")
        try:
            await http.get("/eth/v1/node/version", Envelope[Head])
        except BeaconError as error:
            return error
        finally:
            await http.close()
        raise AssertionError

    error = asyncio.run(scenario())
    assert isinstance(error, BeaconUnreachable)
    assert f"http://127.0.0.1:{port}" in str(error)
    assert "token" not in str(error)
    assert "secret" not in str(error)
