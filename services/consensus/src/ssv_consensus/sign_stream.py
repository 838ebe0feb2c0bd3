"""One stream to the signer for all duties: many requests under way, answers in any order.

A stream that breaks is opened again with back-off, and every request without an answer is asked again on the new one.
That is safe: the signer answers a step on record with the recorded message.

Not guaranteed: that a request whose time ran out was not signed.

Source: architecture §3 (Signer.Sign), §5.2.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Protocol

import grpc.aio

from ssv_api.v1 import signer_pb2 as pb
from ssv_ethereum.backoff import Backoff
from ssv_runtime.rpc import RpcFailure

FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 2.0
SETTLED_S = 1.0
"""A stream that holds so long without an answer counts as good: a refusal to serve comes sooner."""

_Call = grpc.aio.StreamStreamCall[pb.SignRequest, pb.SignResponse]
_Outgoing = asyncio.Queue[pb.SignRequest | None]


class OpenStream(Protocol):
    """Opens the stream: `SignerStub(channel).Sign`."""

    def __call__(self, requests: AsyncIterator[pb.SignRequest], /) -> _Call:
        """Return a call that sends `requests` and yields responses; raises AioRpcError while it is read."""
        ...


@dataclass(slots=True)
class _Waiting:
    request: pb.SignRequest
    answer: asyncio.Future[pb.SignResponse] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class SignStream:
    """Asks the signer. `on_lost` is told why a stream ended, `on_good` that one holds."""

    def __init__(
        self,
        open_stream: OpenStream,
        on_lost: Callable[[str], None] = lambda reason: None,
        on_good: Callable[[], None] = lambda: None,
    ) -> None:
        self.opened = 0
        self._open_stream = open_stream
        self._on_lost = on_lost
        self._on_good = on_good
        self._ids = itertools.count(1)
        self._waiting: dict[int, _Waiting] = {}
        self._outgoing: _Outgoing | None = None

    async def ask(self, request: pb.SignRequest, timeout_s: float) -> pb.SignResponse:
        """Send a request, whose number is set here, and return the answer to it.

        Raises:
            TimeoutError: no answer within `timeout_s`, whatever happened to the stream meanwhile.
        """
        request.request_id = next(self._ids)
        waiting = self._waiting[request.request_id] = _Waiting(request)
        if self._outgoing is not None:
            self._outgoing.put_nowait(request)
        try:
            async with asyncio.timeout(timeout_s):
                return await waiting.answer
        finally:
            del self._waiting[request.request_id]

    async def run(self) -> None:
        """Keep a stream open until cancelled."""
        backoff = Backoff(FIRST_PAUSE_S, LONGEST_PAUSE_S)
        while True:
            try:
                await self._serve(backoff)
                self._on_lost("the signer ended the stream")
            except grpc.aio.AioRpcError as error:
                self._on_lost(str(RpcFailure.of(error)))
            await backoff.pause()

    async def _serve(self, backoff: Backoff) -> None:
        outgoing: _Outgoing = asyncio.Queue()
        for waiting in self._waiting.values():
            outgoing.put_nowait(waiting.request)
        self._outgoing = outgoing
        self.opened += 1
        call = self._open_stream(_until_none(outgoing))
        settled = asyncio.get_running_loop().call_later(SETTLED_S, self._on_good)
        try:
            async for response in call:
                settled.cancel()
                self._on_good()
                backoff.reset()
                waiting_for = self._waiting.get(response.request_id)
                if waiting_for is not None and not waiting_for.answer.done():
                    waiting_for.answer.set_result(response)
        finally:
            settled.cancel()
            self._outgoing = None
            outgoing.put_nowait(None)
            call.cancel()


async def _until_none(outgoing: _Outgoing) -> AsyncIterator[pb.SignRequest]:
    while (request := await outgoing.get()) is not None:
        yield request
