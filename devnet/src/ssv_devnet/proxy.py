"""An HTTP proxy on loopback in front of a node, in which whatever may go wrong between the two can be made to.

Requests are taken in whole, handed to the upstream through the present fault, and answered whole. Only event streams
are passed on piece by piece; a fault that cuts streams ends those that are open. An upstream that does not answer shows
as a connection that is reset.

Not guaranteed: HTTP's finer points. Answers are asked for uncompressed, and connections are the proxy's own.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

import aiohttp
from aiohttp import web

from ssvctl.supervisor.ports import LOOPBACK

_LARGEST_BODY = 1 << 26
_NOT_PASSED_ON = {"host", "connection", "keep-alive", "content-length", "transfer-encoding", "accept-encoding"}
_EVENTS = "text/event-stream"
_SHUTDOWN_S = 0.1


@dataclass(frozen=True, slots=True)
class Call:
    """A request; `target` is path and query."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class Cut(Exception):
    """The connection breaks: at once, or after half of an answer."""

    def __init__(self, answer: Reply | None = None) -> None:
        super().__init__("cut off")
        self.answer = answer


Forward = Callable[[Call], Awaitable[Reply]]


class Fault(Protocol):
    """What is done to a call on its way."""

    @property
    def cuts_streams(self) -> bool:
        """Whether event streams end with it."""

    async def __call__(self, call: Call, forward: Forward) -> Reply:
        """Return what the caller gets. Raises Cut."""


class Upstream(Protocol):
    """What a proxy stands in front of."""

    @property
    def url(self) -> str:
        """Where event streams come from."""

    async def __call__(self, call: Call) -> Reply:
        """Return the answer. Raises Cut when there is none."""


class Server:
    """The plainest upstream: the server at `url`. Use as an async context manager."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Server:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None))
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def __call__(self, call: Call) -> Reply:
        """Hand the call on. Raises Cut when the server breaks off or is not there."""
        assert self._session is not None
        headers = {**_passed_on(call.headers), "Accept-Encoding": "identity"}
        try:
            async with self._session.request(
                call.method, self.url + call.target, headers=headers, data=call.body or None
            ) as answer:
                return Reply(answer.status, _passed_on(answer.headers), await answer.read())
        except (aiohttp.ClientError, OSError):
            raise Cut from None


class Proxy:
    """Answers at `url` for `upstream`, through `fault` while there is one.

    `requests` counts what callers asked, by path. The port stays the same when it is closed and opened again.
    """

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._fault: Fault | None = None
        self._port = 0
        self._runner: web.AppRunner | None = None
        self._streams: set[asyncio.Transport] = set()
        self.requests: Counter[str] = Counter()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{LOOPBACK}:{self._port}"

    @property
    def fault(self) -> Fault | None:
        """What is wrong with it now."""
        return self._fault

    @fault.setter
    def fault(self, fault: Fault | None) -> None:
        self._fault = fault
        if fault is not None and fault.cuts_streams:
            for transport in self._streams:
                transport.abort()

    async def open(self) -> None:
        """Listen."""
        app = web.Application(client_max_size=_LARGEST_BODY)
        app.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=_SHUTDOWN_S, access_log=None)
        await runner.setup()
        self._runner = runner
        await web.TCPSite(runner, LOOPBACK, self._port, reuse_address=True).start()
        self._port = runner.addresses[0][1]

    async def close(self) -> None:
        """Stop listening and break all connections. May be called again."""
        runner, self._runner = self._runner, None
        if runner is not None:
            for transport in self._streams:
                transport.abort()
            await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.requests[request.path] += 1
        call = Call(request.method, request.raw_path, _passed_on(request.headers), await request.read())
        fault = self._fault
        if _EVENTS in request.headers.get("Accept", "") and (fault is None or not fault.cuts_streams):
            return await self._stream(request, call)
        try:
            reply = await (self._upstream(call) if fault is None else fault(call, self._upstream))
        except Cut as cut:
            return await _broken_off(request, cut.answer)
        return web.Response(status=reply.status, headers=reply.headers, body=reply.body)

    async def _stream(self, request: web.Request, call: Call) -> web.StreamResponse:
        transport, response = request.transport, web.StreamResponse()
        assert transport is not None
        self._streams.add(transport)
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)) as session,
                session.get(self._upstream.url + call.target, headers=_passed_on(call.headers)) as answer,
            ):
                response.set_status(answer.status)
                response.headers.update(_passed_on(answer.headers))
                await response.prepare(request)
                async for piece in answer.content.iter_any():
                    await response.write(piece)
        except (aiohttp.ClientError, OSError):
            _abort(request)
        finally:
            self._streams.discard(transport)
        return response


@asynccontextmanager
async def running_proxy(upstream: Upstream) -> AsyncGenerator[Proxy, None]:
    """Have a proxy listen on a free port of loopback inside the block."""
    proxy = Proxy(upstream)
    await proxy.open()
    try:
        yield proxy
    finally:
        await proxy.close()


@asynccontextmanager
async def proxied(url: str) -> AsyncGenerator[Proxy, None]:
    """Have a proxy stand in front of the server at `url` inside the block."""
    async with Server(url) as server, running_proxy(server) as proxy:
        yield proxy


async def _broken_off(request: web.Request, answer: Reply | None) -> web.StreamResponse:
    if answer is None:
        _abort(request)
        raise asyncio.CancelledError
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    response.content_length = max(1, len(answer.body))
    with contextlib.suppress(OSError):
        await response.prepare(request)
        await response.write(answer.body[: len(answer.body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


def _abort(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


def _passed_on(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _NOT_PASSED_ON}
