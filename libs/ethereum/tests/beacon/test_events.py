import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, aclosing
from typing import Any

from aiohttp import web

from ssv_ethereum.backoff import Backoff
from ssv_ethereum.beacon.events import BlockEvent, Event, StreamOpened, Topic
from ssv_ethereum.beacon.node import BeaconNode

Serve = Callable[[Any], AbstractAsyncContextManager[str]]
ROOT = "0x" + "0a" * 32


def block(slot: int) -> bytes:
    return f'event: block\ndata: {{"slot":"{slot}","block":"{ROOT}","execution_optimistic":false}}\n\n'.encode()


def listened(serve: Serve, streams: list[list[bytes] | int], count: int, silence_s: float = 5.0) -> list[Event]:
    """Return the first `count` events of a node that gives each connection the next of `streams`: chunks before
    the stream ends, or an error status. The last one stays open."""
    remaining = list(streams)

    async def handler(request: web.Request) -> web.StreamResponse:
        assert request.query["topics"] == "head,block"
        stream = remaining.pop(0)
        if isinstance(stream, int):
            return web.Response(status=stream)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for chunk in stream:
            await response.write(chunk)
        if not remaining:
            await asyncio.Event().wait()
        return response

    async def scenario() -> list[Event]:
        got: list[Event] = []
        async with serve(handler) as url, BeaconNode(url) as node:
            backoff = Backoff(0.0, 0.0)
            stream = node.events.listen([Topic.HEAD, Topic.BLOCK], silence_s=silence_s, backoff=backoff)
            async with aclosing(stream) as events:
                async for event in events:
                    got.append(event)
                    if len(got) == count:
                        break
        return got

    return asyncio.run(asyncio.wait_for(scenario(), 20))


def slots(events: list[Event]) -> list[int | None]:
    return [event.slot if isinstance(event, BlockEvent) else None for event in events]


def test_a_stream_that_ends_is_opened_again_and_says_so(serve: Serve) -> None:
    events = listened(serve, [[block(1), block(2)], [], [block(4)]], 6)
    assert isinstance(events[0], StreamOpened)
    assert slots(events) == [None, 1, 2, None, None, 4]


def test_an_error_status_is_tried_again(serve: Serve) -> None:
    assert slots(listened(serve, [500, 503, [block(1)]], 2)) == [None, 1]


def test_silence_counts_as_broken(serve: Serve) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(block(next(numbers)))
        await asyncio.Event().wait()
        return response

    numbers = iter(range(1, 9))

    async def scenario() -> list[Event]:
        got: list[Event] = []
        async with serve(handler) as url, BeaconNode(url) as node:
            stream = node.events.listen([Topic.BLOCK], silence_s=0.02, backoff=Backoff(0.0, 0.0))
            async with aclosing(stream) as events:
                async for event in events:
                    got.append(event)
                    if len(got) == 4:
                        break
        return got

    assert slots(asyncio.run(scenario())) == [None, 1, None, 2]


def test_unknown_malformed_and_split_events(serve: Serve) -> None:
    chunks = [
        b": keep-alive\n\n",
        b"event: unheard_of\ndata: {}\n\n",
        b'event: block\ndata: {"slot":"x"}\n\n',
        b'event: block\ndata: {"slot":"1","block":"0x00"}\n\n',
        block(7)[:9],
        block(7)[9:40],
        block(7)[40:].replace(b"\n", b"\r\n"),
    ]
    assert slots(listened(serve, [chunks], 2)) == [None, 7]
