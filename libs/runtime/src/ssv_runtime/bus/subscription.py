"""Subscriptions: messages wait in a bounded queue and are handled one after the other, in the order they came.

Invariants: a handler's failure is logged and counted, and the next message is handled; a full queue drops what comes
and counts it. A subscription lives through reconnects, and what was queued before one is still handled.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from prometheus_client import Counter

from ssv_runtime.service import Service
from ssv_runtime.traces import TRACEPARENT

PENDING_MESSAGES = 4096
PENDING_BYTES = 64 * 1024 * 1024

Respond = Callable[[str, bytes], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Message:
    """What came over the bus. `reply` is where an answer goes; empty when none is wanted."""

    subject: str
    data: bytes
    headers: Mapping[str, str]
    reply: str
    _respond: Respond = field(repr=False, compare=False)

    async def respond(self, data: bytes) -> None:
        """Answer a request; nothing when none is wanted.

        Raises:
            BusUnavailable: there is no connection.
        """
        if self.reply:
            await self._respond(self.reply, data)


Handler = Callable[[Message], Awaitable[None]]


class Subscription:
    """A handler's interest in a subject."""

    def __init__(
        self,
        service: Service,
        subject: str,
        queue: str,
        handler: Handler,
        *,
        pending_messages: int,
        pending_bytes: int,
        failures: Counter,
        drops: Counter,
    ) -> None:
        self.subject = subject
        self.queue = queue
        self._service = service
        self._handler = handler
        self._pending: asyncio.Queue[Message] = asyncio.Queue(pending_messages)
        self._pending_bytes = 0
        self._pending_bytes_limit = pending_bytes
        family = ".".join(subject.split(".")[:3])
        self._failures = failures.labels(family)
        self._drops = drops.labels(family)
        self.dropped = 0
        """How many messages were dropped because the handler could not keep up."""
        self._worker = service.spawn(self._work(), f"handler of {subject}")

    def offer(self, message: Message) -> None:
        """Queue `message`, or drop and count it when the queue is full."""
        if self._pending.full() or self._pending_bytes + len(message.data) > self._pending_bytes_limit:
            if not self.dropped:
                self._service.log.warning("messages are dropped: the handler cannot keep up", subject=self.subject)
            self.dropped += 1
            self._drops.inc()
            return
        self._pending_bytes += len(message.data)
        self._pending.put_nowait(message)

    async def _work(self) -> None:
        while True:
            message = await self._pending.get()
            self._pending_bytes -= len(message.data)
            with self._service.traces.span(f"handle {self.subject}", message.headers.get(TRACEPARENT)):
                try:
                    await self._handler(message)
                except Exception:
                    self._failures.inc()
                    self._service.log.exception("the handler of a message failed", subject=message.subject)

    async def end(self) -> None:
        """Stop handling: what runs is cancelled unless it is the caller, what waits is forgotten."""
        self._worker.cancel()
        if self._worker is not asyncio.current_task():
            await asyncio.gather(self._worker, return_exceptions=True)
