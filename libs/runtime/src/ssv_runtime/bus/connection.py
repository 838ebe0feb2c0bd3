"""One lasting connection to NATS, made of as many short ones as it takes.

A lost connection is given up whole and a new one made: nothing that was waiting to be sent in the old one is sent
later (no stale flush). That is why the client's own reconnects are off.

Times (architecture, section 3): a ping each second, two unanswered ones end the connection; a new one is tried every
50 ms for ever, every second while the server refuses us.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

import nats.aio.client
import nats.errors
from nats.aio.msg import Msg
from nats.aio.transport import TcpTransport

from ssv_runtime.bus.errors import BusUnavailable
from ssv_runtime.nats_permissions import inbox_prefix
from ssv_runtime.service import Service
from ssv_runtime.settings import ServiceSettings, SettingsError

PING_S = 1.0
MISSED_PINGS = 2
RECONNECT_S = 0.05
REFUSED_S = 1.0

_CONNECT_S = 2
_CLOSE_S = 1.0
_NEVER_S = 365 * 24 * 3600
_REMEDY = "see whether NATS runs at nats_url and knows this service's user and password"


class Connection:
    """Keeps a NATS client connected while the service lives; `client` is None while there is none."""

    def __init__(
        self,
        settings: ServiceSettings,
        service: Service,
        on_connected: Callable[[nats.aio.client.Client], Awaitable[None]],
        on_lost: Callable[[], None],
        on_refused: Callable[[str], None],
    ) -> None:
        self.client: nats.aio.client.Client | None = None
        self.connected = asyncio.Event()
        self._settings = settings
        self._service = service
        self._on_connected = on_connected
        self._on_lost = on_lost
        self._on_refused = on_refused
        self._dependency = service.health.dependency("nats")
        self._last_error = ""
        self._connects = service.metrics.counter("bus_connects", "Connections made to NATS")
        self._round_trip = service.metrics.histogram("bus_round_trip_seconds", "Ping to the NATS server and back")

    @property
    def replicas(self) -> int:
        """How many servers keep a stream."""
        return self._settings.nats_replicas

    def live(self) -> nats.aio.client.Client:
        """Return the client.

        Raises:
            BusUnavailable: there is no connection.
        """
        if self.client is None or not self.client.is_connected:
            raise BusUnavailable(f"not connected to NATS at {self._settings.nats_url}")
        return self.client

    async def keep(self) -> None:
        """Connect, and again whenever the connection is lost; ends only by cancellation."""
        while True:
            client = nats.aio.client.Client()
            lost = asyncio.Event()
            pause_s = RECONNECT_S
            ending = False
            try:
                await self._open(client, lost)
                await self._on_connected(client)
                self._connects.inc()
                self.client = client
                self.connected.set()
                self._dependency.up()
                await self._until_lost(client, lost)
                self._dependency.down(self._last_error or "the connection was lost", _REMEDY)
            except nats.errors.NoServersError:
                self._dependency.down(f"cannot be reached: {self._last_error}", _REMEDY)
            except (OSError, nats.errors.Error, TimeoutError, SettingsError, BusUnavailable) as error:
                self._dependency.down(str(error) or type(error).__name__, _REMEDY)
                pause_s = REFUSED_S
            except asyncio.CancelledError:
                ending = True
                raise
            finally:
                self.client = None
                self.connected.clear()
                self._on_lost()
                await _close(client, flush=ending)
            await asyncio.sleep(pause_s)

    async def _open(self, client: nats.aio.client.Client, lost: asyncio.Event) -> None:
        async def closed() -> None:
            lost.set()

        async def failed(error: Exception) -> None:
            self._last_error = str(error) or type(error).__name__
            if "permissions violation" in self._last_error.lower():
                self._on_refused(self._last_error)

        self._last_error = ""
        settings = self._settings
        credentials: dict[str, Any] = {}
        if settings.nats_creds is not None:
            credentials["user_credentials"] = str(settings.nats_creds)
        elif settings.nats_user:
            credentials = {"user": settings.nats_user, "password": self._password()}
        if settings.nats_tls:
            credentials["tls"] = self._tls()
        elif settings.nats_ca is not None:
            credentials["tls"] = ssl.create_default_context(cafile=settings.nats_ca)
        await client.connect(
            servers=[server.strip() for server in settings.nats_url.split(",")],
            name=f"ssv-{self._service.name}",
            allow_reconnect=False,
            max_reconnect_attempts=1,
            reconnect_time_wait=RECONNECT_S,  # type: ignore[arg-type]  # annotated as int, used as seconds
            connect_timeout=_CONNECT_S,
            ping_interval=_NEVER_S,  # pings are ours, so that a stalled event loop is not taken for a dead server
            flush_timeout=_CONNECT_S,
            inbox_prefix=inbox_prefix(settings.nats_user or self._service.name),
            closed_cb=closed,
            error_cb=failed,
            **credentials,
        )

    def _password(self) -> str:
        file = self._settings.nats_password_file
        if file is None:
            raise SettingsError("nats_user is set without nats_password_file")
        return file.read_text().strip()

    def _tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self._settings.tls_ca)
        context.load_cert_chain(self._settings.tls_cert, self._settings.tls_key)
        return context

    async def _until_lost(self, client: nats.aio.client.Client, lost: asyncio.Event) -> None:
        pinging = asyncio.create_task(self._ping(client))
        losing = asyncio.create_task(lost.wait())
        try:
            await asyncio.wait((pinging, losing), return_when=asyncio.FIRST_COMPLETED)
        finally:
            pinging.cancel()
            losing.cancel()
            await asyncio.gather(pinging, losing, return_exceptions=True)

    async def _ping(self, client: nats.aio.client.Client) -> None:
        while True:
            seconds = await round_trip(client, MISSED_PINGS)
            if seconds is None:
                self._last_error = "no answer to pings"
                return
            self._round_trip.observe(seconds)
            await asyncio.sleep(PING_S)


async def round_trip(client: nats.aio.client.Client, patience: int) -> float | None:
    """Return the seconds of a ping to the server; None after `patience` pings' time without an answer.

    The client's own timeouts cancel a future that a late answer then trips over, which ends its reader. So the ping
    itself never times out; it is waited for in turns, and a stalled event loop costs one turn.
    """
    ping = asyncio.create_task(client.rtt(timeout=_NEVER_S))
    try:
        for _ in range(patience):
            done, _pending = await asyncio.wait((ping,), timeout=PING_S)
            if done:
                return None if ping.cancelled() or ping.exception() else ping.result()
            if not client.is_connected:
                return None
        return None
    finally:
        if not ping.done():
            _leave(ping)


async def settled(client: nats.aio.client.Client) -> bool:
    """Wait until the server has handled all that was sent so far; False when it does not answer.

    The client's pings overtake what waits to be sent, so that goes first.
    """
    await client._flush_pending(force_flush=True)
    return await round_trip(client, MISSED_PINGS) is not None


def _leave(ping: asyncio.Task[float]) -> None:
    """Let a ping that nobody waits for end by itself."""
    ping.add_done_callback(lambda task: task.cancelled() or task.exception())


async def _close(client: nats.aio.client.Client, flush: bool) -> None:
    """Close; with `flush` send what waits first, but never wait long for a server that does not read."""
    if flush and client.is_connected:
        await settled(client)
    else:
        _cut(client)
    closing = asyncio.create_task(client.close())
    await asyncio.wait((closing,), timeout=_CLOSE_S)
    closing.cancel()
    await asyncio.gather(closing, return_exceptions=True)
    _cut(client)


def _cut(client: nats.aio.client.Client) -> None:
    """Drop the socket and what it has not sent: the client's own close would send it when the server wakes up."""
    transport = client._transport
    if isinstance(transport, TcpTransport) and transport._io_writer is not None:
        transport._io_writer.transport.abort()


def is_no_responders(message: Msg) -> bool:
    """Whether the server says that nobody serves the subject."""
    return not message.data and bool(message.headers) and (message.headers or {}).get("Status") == "503"
