"""Health of pods that are only played: /readyz and /metrics at each pod's address, saying what a test wants."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web

from ssv_kube.resources.ports import HEALTH


@dataclass
class Played:
    """What a pod says: why it is not ready, by dependency, and its metrics."""

    problems: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)


class PodHealth:
    """Servers at many addresses, in one thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._runners: dict[str, web.AppRunner] = {}
        self._thread = threading.Thread(target=self._loop.run_forever, name="pods' health", daemon=True)
        self._thread.start()

    def open(self, address: str, says: Callable[[], Played]) -> None:
        """Serve at an address what `says` returns at the time."""
        self._do(self._open(address, says))

    def close(self, address: str) -> None:
        """Serve there no more."""
        runner = self._runners.pop(address, None)
        if runner is not None:
            self._do(runner.cleanup())

    def end(self) -> None:
        """Serve nowhere any more."""
        for address in list(self._runners):
            self.close(address)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _open(self, address: str, says: Callable[[], Played]) -> None:
        async def ready(_request: web.Request) -> web.Response:
            problems = says().problems
            return web.json_response(problems, status=503 if problems else 200)

        async def metrics(_request: web.Request) -> web.Response:
            return web.Response(text="".join(f"{name} {value}\n" for name, value in says().metrics.items()))

        app = web.Application()
        app.router.add_get("/readyz", ready)
        app.router.add_get("/metrics", metrics)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        await web.TCPSite(runner, address, HEALTH).start()
        self._runners[address] = runner

    def _do(self, what: object) -> None:
        asyncio.run_coroutine_threadsafe(what, self._loop).result()  # type: ignore[arg-type]
