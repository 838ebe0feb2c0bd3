"""Health of one service: what it depends on, and whether it answers.

`/livez` looks only at the event loop: that it answers is the proof. `/readyz` is 200 when every dependency is up and
the service is not stopping, else 503 with the reasons. `/metrics` is Prometheus' text.

Invariant: a change is logged once, with the remedy when one is known; the same reason again is not. (Architecture 5.9
and 5.10: a missing dependency degrades and never exits; an outage elsewhere restarts nothing.)
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, Gauge
from structlog.typing import FilteringBoundLogger

from ssv_runtime.metrics import Metrics

NOT_YET = "not connected yet"


class Dependency:
    """Something that a service needs and that may be missing. It starts down, without a word in the log."""

    def __init__(self, name: str, log: FilteringBoundLogger, gauge: Gauge) -> None:
        self.name = name
        self.reason: str | None = NOT_YET
        self._log = log
        self._gauge = gauge.labels(name)

    @property
    def is_up(self) -> bool:
        """Whether the dependency can be used."""
        return self.reason is None

    def up(self) -> None:
        """Say that it can be used."""
        if self.reason is not None:
            self._log.info(f"{self.name} is up")
        self.reason = None
        self._gauge.set(1)

    def down(self, reason: str, remedy: str = "") -> None:
        """Say that it cannot be used and why; `remedy` tells a human what to do."""
        if reason != self.reason:
            words = {"remedy": remedy} if remedy else {}
            self._log.warning(f"{self.name} is down; retrying", reason=reason, **words)
        self.reason = reason
        self._gauge.set(0)


class Health:
    """The dependencies of one service, and its readiness."""

    def __init__(self, log: FilteringBoundLogger, metrics: Metrics, stopping: asyncio.Event) -> None:
        self._log = log
        self._metrics = metrics
        self._stopping = stopping
        self._gauge = metrics.gauge("dependency_up", "1 when the dependency can be used", ["dependency"])
        self._dependencies: dict[str, Dependency] = {}

    def dependency(self, name: str) -> Dependency:
        """Return the dependency `name`; the same one each time."""
        if name not in self._dependencies:
            self._dependencies[name] = Dependency(name, self._log, self._gauge)
            self._gauge.labels(name).set(0)
        return self._dependencies[name]

    def forget(self, name: str) -> None:
        """Let go of a dependency that is no longer needed."""
        if self._dependencies.pop(name, None) is not None:
            self._gauge.remove(name)

    def problems(self) -> dict[str, str]:
        """Return why the service is not ready: reasons by dependency; empty when it is."""
        reasons = {name: each.reason for name, each in self._dependencies.items() if each.reason is not None}
        return {"service": "stopping", **reasons} if self._stopping.is_set() else reasons

    @asynccontextmanager
    async def serving(self, host: str, port: int) -> AsyncIterator[int]:
        """Serve the HTTP endpoints inside the block; gives the port.

        Raises:
            OSError: the address cannot be listened on.
        """
        app = web.Application()
        app.router.add_get("/livez", self._livez)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/metrics", self._render)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
            yield runner.addresses[0][1]
        finally:
            await runner.cleanup()

    async def _livez(self, _request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _readyz(self, _request: web.Request) -> web.Response:
        problems = self.problems()
        return web.json_response(problems, status=503 if problems else 200)

    async def _render(self, _request: web.Request) -> web.Response:
        return web.Response(body=self._metrics.render(), headers={"Content-Type": CONTENT_TYPE_LATEST})
