"""The bus as services use it.

    bus = await Bus.connect(settings, service)
    await bus.subscribe("ssv.gossip.in.*", handle)
    answer = await bus.request("ssv.gossip.out.t", data, timeout_s=0.2)

Invariants: `connect` and `subscribe` never fail because NATS is away: they take effect when it is there. Publishing
while it is away fails at once with BusUnavailable; nothing is kept to be sent later. The traceparent travels in the
headers.

Not guaranteed: core NATS delivers at most once, and what is published while a subscriber is away is lost to it.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import nats.aio.client
import nats.errors
from nats.aio.msg import Msg

from ssv_runtime.bus.connection import Connection, is_no_responders, settled
from ssv_runtime.bus.errors import BusRefused, BusTimeout, BusUnavailable, NoResponders
from ssv_runtime.bus.key_value import KeyValue
from ssv_runtime.bus.streams import ensure_stream, stream_config
from ssv_runtime.bus.subscription import PENDING_BYTES, PENDING_MESSAGES, Handler, Message, Subscription
from ssv_runtime.nats_permissions import MAX_PAYLOAD_BYTES
from ssv_runtime.service import Service
from ssv_runtime.settings import ServiceSettings
from ssv_runtime.traces import with_traceparent


class _Inbox:
    """Answers that are waited for."""

    def __init__(self) -> None:
        self.tokens = itertools.count(1)
        self.waiting: dict[str, tuple[str, asyncio.Queue[Msg | Exception]]] = {}

    def fail(self, error: Exception) -> None:
        for _, answers in self.waiting.values():
            answers.put_nowait(error)

    def refuse(self, subject: str) -> None:
        for asked, answers in self.waiting.values():
            if asked.lower() == subject:
                answers.put_nowait(BusRefused(f"this service may not publish on {asked}"))


class Bus:
    """A service's place on the bus. Made by `Bus.connect`."""

    def __init__(self, settings: ServiceSettings, service: Service) -> None:
        self._service = service
        self._subscriptions: dict[Subscription, Any] = {}
        self._inbox = _Inbox()
        self._inbox_prefix = ""
        self._opening: nats.aio.client.Client | None = None
        self._connection = Connection(settings, service, self._connected, self._lost, self._refused)
        metrics = service.metrics
        self._failures = metrics.counter("bus_handler_failures", "Messages whose handler failed", ["subject"])
        self._drops = metrics.counter("bus_dropped", "Messages dropped because a handler lagged", ["subject"])
        self._refusals = metrics.counter("bus_refused", "Publications and subscriptions that the server refused")

    @classmethod
    async def connect(cls, settings: ServiceSettings, service: Service) -> Bus:
        """Return the bus at once; it connects in the background for as long as the service lives."""
        bus = cls(settings, service)
        service.spawn(bus._connection.keep, "bus", restart=True)
        return bus

    async def connected(self) -> None:
        """Wait until there is a connection."""
        await self._connection.connected.wait()

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection now."""
        return self._connection.connected.is_set()

    # publish and subscribe
    async def publish(self, subject: str, data: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Publish to whoever listens.

        Raises:
            BusUnavailable: there is no connection.
            ValueError: `data` is over 10 MB, or the subject is none.
        """
        await self._send(subject, data, headers, reply="")

    async def subscribe(
        self,
        subject: str,
        handler: Handler,
        *,
        queue: str = "",
        pending_messages: int = PENDING_MESSAGES,
        pending_bytes: int = PENDING_BYTES,
    ) -> Subscription:
        """Have `handler` called for each message, one after the other; members of a `queue` share the messages.

        When there is a connection, what is published after this returns is delivered.
        """
        subscription = Subscription(
            self._service,
            subject,
            queue,
            handler,
            pending_messages=pending_messages,
            pending_bytes=pending_bytes,
            failures=self._failures,
            drops=self._drops,
        )
        self._subscriptions[subscription] = None
        client = self._connection.client or self._opening
        if client is not None:
            with suppress(nats.errors.Error):  # the connection was lost; the next one brings the subscription
                await self._register(client, subscription)
                await settled(client)
        return subscription

    async def unsubscribe(self, subscription: Subscription) -> None:
        """End a subscription; messages that wait for its handler are forgotten."""
        registered = self._subscriptions.pop(subscription, None)
        if registered is not None and self.is_connected:
            with suppress(nats.errors.Error):  # the connection was lost, and the subscription with it
                await registered.unsubscribe()
        await subscription.end()

    # requests
    async def request(
        self, subject: str, data: bytes, timeout_s: float, headers: Mapping[str, str] | None = None
    ) -> Message:
        """Publish and return the first answer.

        Raises:
            BusUnavailable: there is no connection, or it was lost before the answer.
            BusRefused: this service may not publish on the subject.
            NoResponders: nobody serves the subject.
            BusTimeout: no answer came in `timeout_s`.
        """
        answers = await self._collect(subject, data, timeout_s, headers, most=1)
        if not answers:
            raise BusTimeout(f"no answer on {subject} in {timeout_s} s")
        return answers[0]

    async def request_all(
        self,
        subject: str,
        data: bytes,
        timeout_s: float,
        headers: Mapping[str, str] | None = None,
        most: int | None = None,
    ) -> list[Message]:
        """Publish and return all answers that come within `timeout_s`, or the first `most`; empty when none comes.

        Raises:
            BusUnavailable, BusRefused, NoResponders: as `request`.
        """
        return await self._collect(subject, data, timeout_s, headers, most)

    # streams and state
    async def publish_stream(
        self, subject: str, data: bytes, headers: Mapping[str, str] | None = None, timeout_s: float = 2.0
    ) -> int:
        """Publish to the JetStream stream that keeps `subject`; returns its sequence number there once it is stored.

        Raises:
            BusUnavailable, BusRefused, NoResponders, BusTimeout: as `request`; it may be stored all the same, except
            after NoResponders (no stream keeps the subject).
        """
        answer = json.loads((await self.request(subject, data, timeout_s, headers)).data)
        if "error" in answer:
            raise BusRefused(f"{subject}: {answer['error'].get('description', 'refused')}")
        return int(answer["seq"])

    async def ensure_stream(self, name: str, subjects: list[str], *, max_age_s: float, max_bytes: int) -> None:
        """Make the stream `name` that keeps `subjects`, or adapt it.

        Raises:
            BusUnavailable: there is no connection.
            BusRefused: the server does not allow it.
        """
        await ensure_stream(self._connection, stream_config(name, subjects, max_age_s, max_bytes))

    def kv(self, bucket: str) -> KeyValue:
        """Return the key-value bucket; its writer calls `KeyValue.ensure` first."""
        return KeyValue(self._connection, self._service, bucket, self.publish_stream)

    # inside
    async def _send(self, subject: str, data: bytes, headers: Mapping[str, str] | None, reply: str) -> None:
        if len(data) > MAX_PAYLOAD_BYTES:
            raise ValueError(f"{len(data)} bytes on {subject}: the bus carries {MAX_PAYLOAD_BYTES} at most")
        client = self._connection.live()
        try:
            await client.publish(subject, data, reply=reply, headers=with_traceparent(headers) or None)
        except nats.errors.BadSubjectError:
            raise ValueError(f"{subject!r} is not a subject") from None
        except nats.errors.MaxPayloadError:
            raise ValueError(f"{len(data)} bytes on {subject}: the server's max_payload is smaller") from None
        except nats.errors.Error as error:
            raise BusUnavailable(str(error)) from None

    async def _respond(self, reply: str, data: bytes) -> None:
        await self._send(reply, data, None, reply="")

    async def _collect(
        self, subject: str, data: bytes, timeout_s: float, headers: Mapping[str, str] | None, most: int | None
    ) -> list[Message]:
        token = str(next(self._inbox.tokens))
        answers: asyncio.Queue[Msg | Exception] = asyncio.Queue()
        self._inbox.waiting[token] = (subject, answers)
        found: list[Message] = []
        try:
            await self._send(subject, data, headers, reply=f"{self._inbox_prefix}.{token}")
            async with asyncio.timeout(timeout_s):
                while most is None or len(found) < most:
                    answer = await answers.get()
                    if isinstance(answer, Exception):
                        raise answer
                    if is_no_responders(answer):
                        raise NoResponders(f"nobody serves {subject}")
                    found.append(self._message(answer))
        except TimeoutError:
            pass
        finally:
            del self._inbox.waiting[token]
        return found

    def _message(self, raw: Msg) -> Message:
        return Message(raw.subject, raw.data, raw.headers or {}, raw.reply, self._respond)

    async def _connected(self, client: nats.aio.client.Client) -> None:
        async def answered(raw: Msg) -> None:
            waiting = self._inbox.waiting.get(raw.subject.rpartition(".")[2])
            if waiting is not None:
                waiting[1].put_nowait(raw)

        self._inbox_prefix = client.new_inbox()
        await client.subscribe(f"{self._inbox_prefix}.*", cb=answered)
        self._opening = client  # from here on new subscriptions register themselves
        try:
            for subscription in list(self._subscriptions):
                await self._register(client, subscription)
            if not await settled(client):
                raise BusUnavailable("no answer to the first ping")
        finally:
            self._opening = None

    async def _register(self, client: nats.aio.client.Client, subscription: Subscription) -> None:
        async def came(raw: Msg) -> None:
            subscription.offer(self._message(raw))

        self._subscriptions[subscription] = await client.subscribe(subscription.subject, subscription.queue, cb=came)

    def _lost(self) -> None:
        self._inbox.fail(BusUnavailable("the connection to NATS was lost before the answer"))

    def _refused(self, text: str) -> None:
        self._refusals.inc()
        self._service.log.error("NATS refused", reason=text, remedy="see the permissions of this service's NATS user")
        self._inbox.refuse(text.partition('"')[2].partition('"')[0])  # the client makes the text lower case
