"""Requests to sign: many under way, answers in any order, whichever replica of the signer gives them.

A stream is with one replica. One that breaks is opened again, at once if it was good, with back-off if not; gRPC's
round robin takes it to a replica that lives. One that is silent while it owes answers (a replica that hangs, or is
merely slow) is not given up but joined by another one, which takes over with its first answer. One that is old and owes
nothing gives way to the next, so that all replicas have their turn, also those that were away. Every request without an
answer is asked again on the new stream. That is safe: the signer answers a step on record with the recorded message.

Not guaranteed: that a request whose time ran out was not signed; that the stream beside a silent one is with another
replica: it is on the next that round robin picks.

Source: architecture §3 (Signer.Sign, round robin), §5.2.
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
LONGEST_PAUSE_S = 0.5
SETTLED_S = 1.0
"""A stream that holds so long without an answer counts as good: a refusal to serve comes sooner."""
FIRST_PATIENCE_S, LONGEST_PATIENCE_S = 1.0, 8.0
"""How long a stream may owe an answer and give none. Longer each time: a large batch is no sign of a dead signer."""
MOST_STREAMS = 3
TURN_S = 30.0
"""How old a stream gets before it gives way when it owes nothing."""
_LOOK_S = 0.1

_Call = grpc.aio.StreamStreamCall[pb.SignRequest, pb.SignResponse]
_Outgoing = asyncio.Queue[pb.SignRequest | None]


class OpenStream(Protocol):
    """Opens the stream: `SignerStub(channel).Sign`."""

    def __call__(self, requests: AsyncIterator[pb.SignRequest], /) -> _Call:
        """Return a call that sends `requests` and yields responses; raises AioRpcError while it is read."""
        ...


def _now() -> float:
    return asyncio.get_running_loop().time()


@dataclass(slots=True)
class _Waiting:
    request: pb.SignRequest
    sent_at: float
    answer: asyncio.Future[pb.SignResponse] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


@dataclass(slots=True, eq=False)
class _Stream:
    """One call; `heard_at` is when it was opened or last gave an answer."""

    call: _Call
    outgoing: _Outgoing
    opened_at: float = field(default_factory=_now)
    heard_at: float = field(default_factory=_now)
    is_good: bool = False

    def end(self) -> None:
        self.outgoing.put_nowait(None)
        self.call.cancel()


class SignStream:
    """Asks the signer. `on_lost` is told why a stream was left, `on_good` that one holds."""

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
        self._streams: list[_Stream] = []
        self._patience_s = FIRST_PATIENCE_S

    async def ask(self, request: pb.SignRequest, timeout_s: float) -> pb.SignResponse:
        """Send a request, whose number is set here, and return the answer to it.

        Raises:
            TimeoutError: no answer within `timeout_s`, whatever happened to the stream meanwhile.
        """
        request.request_id = next(self._ids)
        waiting = self._waiting[request.request_id] = _Waiting(request, _now())
        if self._streams:
            self._streams[-1].outgoing.put_nowait(request)
        try:
            async with asyncio.timeout(timeout_s):
                return await waiting.answer
        finally:
            del self._waiting[request.request_id]

    async def run(self) -> None:
        """Keep a stream open until cancelled."""
        backoff = Backoff(FIRST_PAUSE_S, LONGEST_PAUSE_S)
        async with asyncio.TaskGroup() as readers:
            while True:
                stream = self._open()
                reading = readers.create_task(self._read(stream))
                try:
                    reason = await self._until_left(stream, reading)
                except asyncio.CancelledError:
                    for each in self._streams:
                        each.end()
                    raise
                if reason is None:
                    stream.end()
                    continue
                self._on_lost(f"{reason} (requests asked again: {len(self._waiting)})" if self._waiting else reason)
                if stream.is_good or not reading.done():
                    backoff.reset()
                else:
                    await backoff.pause()

    def _open(self) -> _Stream:
        """Open a stream for all that is asked from now on, and all that has no answer yet."""
        outgoing: _Outgoing = asyncio.Queue()
        for waiting in self._waiting.values():
            waiting.sent_at = _now()
            outgoing.put_nowait(waiting.request)
        stream = _Stream(self._open_stream(_until_none(outgoing)), outgoing)
        self._streams.append(stream)
        self.opened += 1
        if len(self._streams) > MOST_STREAMS:
            self._streams[0].end()
        return stream

    async def _read(self, stream: _Stream) -> str:
        """Hand out a stream's answers; returns why it ended."""
        settled = asyncio.get_running_loop().call_later(SETTLED_S, self._settle, stream)
        try:
            async for response in stream.call:
                self._heard(stream)
                waiting_for = self._waiting.get(response.request_id)
                if waiting_for is not None and not waiting_for.answer.done():
                    waiting_for.answer.set_result(response)
        except grpc.aio.AioRpcError as error:
            return str(RpcFailure.of(error))
        except asyncio.CancelledError:
            # of the call: it was ended here; of this task: so is the whole
            if (task := asyncio.current_task()) is not None and task.cancelling():
                raise
        finally:
            settled.cancel()
            self._streams.remove(stream)
            stream.end()
        return "the signer ended the stream"

    def _heard(self, stream: _Stream) -> None:
        stream.heard_at, stream.is_good = _now(), True
        self._patience_s = FIRST_PATIENCE_S
        self._on_good()
        if stream is self._streams[-1]:
            for older in self._streams[:-1]:
                older.end()

    def _settle(self, stream: _Stream) -> None:
        if not self._owes(stream, SETTLED_S):
            stream.is_good = True
            self._on_good()

    def _owes(self, stream: _Stream, since_s: float) -> bool:
        """Whether the newest stream has given no answer for so long, though one was due all the time."""
        then = _now() - since_s
        return stream.heard_at <= then and any(waiting.sent_at <= then for waiting in self._waiting.values())

    async def _until_left(self, stream: _Stream, reading: asyncio.Task[str]) -> str | None:
        """Wait until the stream has ended or is silent, and say so, or until its turn is over: None."""
        while not reading.done():
            await asyncio.wait({reading}, timeout=_LOOK_S)
            if reading.done():
                break
            if not self._waiting and _now() - stream.opened_at > TURN_S:
                return None
            if self._owes(stream, self._patience_s):
                silent_s, self._patience_s = self._patience_s, min(2 * self._patience_s, LONGEST_PATIENCE_S)
                return f"no answer for {silent_s:g} s"
        return reading.result()


async def _until_none(outgoing: _Outgoing) -> AsyncIterator[pb.SignRequest]:
    while (request := await outgoing.get()) is not None:
        yield request
