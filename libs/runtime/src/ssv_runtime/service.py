"""A service: what `run` is handed, and how a process with one service lives and ends.

    SERVICE = ServiceSpec("signer", SignerSettings, run)        # ssv_signer/service.py
    sys.exit(main(SERVICE))                                     # ssv_signer/__main__.py

SIGTERM or SIGINT sets `stopping`; `run` then finishes what it has begun and returns, within `drain_s`. A second signal
ends the process at once. Exit status: 0 after an orderly end, 1 when `run` failed or could not drain in time, 2 for
settings that cannot be used.

Invariants: no module state and no global registry; the failure of a supervised task is logged, counted and shows in
readiness. A missing dependency never ends the process (architecture 5.9).
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Self

from structlog.typing import FilteringBoundLogger

from ssv_runtime.files import write_atomically
from ssv_runtime.health import Health
from ssv_runtime.logs import make_logger, route_standard_logging
from ssv_runtime.metrics import Metrics, watch_loop_lag
from ssv_runtime.settings import S, ServiceSettings, SettingsError, load_settings
from ssv_runtime.settings_help import settings_table
from ssv_runtime.traces import Traces

OK, FAILED, BAD_SETTINGS = 0, 1, 2
_RESTART_FIRST_S = 0.05
_RESTART_LAST_S = 5.0
_CANCEL_AGAIN_S = 0.2


class Service:
    """What a service is made of. An async context manager: leaving ends its tasks, then its resources, last first."""

    def __init__(
        self,
        name: str,
        *,
        log: FilteringBoundLogger | None = None,
        stopping: asyncio.Event | None = None,
        trace_sample_ratio: float = 1.0,
    ) -> None:
        self.name = name
        self.log = log or make_logger(name)
        self.stopping = stopping or asyncio.Event()
        self.metrics = Metrics(name)
        self.health = Health(self.log, self.metrics, self.stopping)
        self.traces = Traces(name, trace_sample_ratio)
        self.resources = AsyncExitStack()
        """Closed when the service ends, the last entered first."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._failures = self.metrics.counter("task_failures", "Supervised tasks that failed", ["task"])

    async def __aenter__(self) -> Self:
        self.spawn(
            watch_loop_lag(self.metrics.gauge("event_loop_lag_seconds", "Lag of the event loop, a fading peak")),
            "loop lag",
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._end_tasks()
        await self.resources.aclose()
        await self._end_tasks()
        self.traces.close()

    def spawn(
        self,
        work: Coroutine[Any, Any, None] | Callable[[], Coroutine[Any, Any, None]],
        name: str,
        *,
        restart: bool = False,
    ) -> asyncio.Task[None]:
        """Run `work` until it ends or the service does; its failure is logged, counted and shows in readiness.

        With `restart`, `work` is a function that makes the coroutine, called again after a failure, with back-off.
        """
        if restart and not callable(work):
            raise TypeError(f"task {name}: to be restarted it must be a function that makes the coroutine")
        task = asyncio.create_task(self._supervise(work, name, restart), name=f"{self.name}: {name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if not callable(work):
            task.add_done_callback(lambda _task: work.close())  # it may be cancelled before it begins
        return task

    async def _supervise(
        self, work: Coroutine[Any, Any, None] | Callable[[], Coroutine[Any, Any, None]], name: str, restart: bool
    ) -> None:
        loop = asyncio.get_running_loop()
        pause_s = _RESTART_FIRST_S
        while True:
            begun = loop.time()
            try:
                await (work() if callable(work) else work)
                self.health.forget(f"task {name}")
                return
            except Exception as error:
                self._failures.labels(name).inc()
                self.log.exception(f"task {name} failed", restart=restart)
                self.health.dependency(f"task {name}").down(f"failed: {type(error).__name__}")
                if not restart:
                    return
            if loop.time() - begun > _RESTART_LAST_S:
                pause_s = _RESTART_FIRST_S
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _RESTART_LAST_S)
            self.health.forget(f"task {name}")

    async def _end_tasks(self) -> None:
        tasks = set(self._tasks)
        while tasks:
            # once may not be enough: before Python 3.12 asyncio.wait_for loses a cancellation that meets its result
            for task in tasks:
                task.cancel()
            _, tasks = await asyncio.wait(tasks, timeout=_CANCEL_AGAIN_S)


@dataclass(frozen=True, slots=True)
class ServiceSpec(Generic[S]):
    """A service as a value: its name, its settings class and what it does."""

    name: str
    settings: type[S]
    run: Callable[[S, Service], Awaitable[None]]


def main(spec: ServiceSpec[S], argv: Sequence[str] | None = None) -> int:
    """Run one service as a process; returns the exit status."""
    try:
        settings = load_settings(spec.name, spec.settings, sys.argv[1:] if argv is None else argv)
    except SettingsError as error:
        return bad_settings(spec.name, error)
    if settings is None:
        print(settings_table(spec.name, spec.settings))  # noqa: T201 (the answer to --help)
        return OK
    return asyncio.run(run_grouped([(spec, settings)]))


def bad_settings(name: str, error: SettingsError) -> int:
    """Say on one line why the settings cannot be used; returns the exit status."""
    sys.stderr.write(f"{name}: {' '.join(str(error).split())}\n")
    return BAD_SETTINGS


async def run_grouped(group: Sequence[tuple[ServiceSpec[Any], ServiceSettings]]) -> int:
    """Run several services in this process until a signal or until one fails; returns the exit status.

    Each has its own log, metrics, health port and settings. The order is that of needing: the last one drains first,
    while those before it still work for it.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    signals = (signal.SIGTERM, signal.SIGINT)

    def stop() -> None:
        stopping.set()
        for each in signals:  # the second one takes its default action: the process ends at once
            loop.remove_signal_handler(each)
            signal.signal(each, signal.SIG_DFL)

    for each in signals:
        loop.add_signal_handler(each, stop)
    told = [asyncio.Event() for _ in group]
    running = [
        asyncio.create_task(serve(spec, settings, own)) for (spec, settings), own in zip(group, told, strict=True)
    ]
    try:
        for task in running:
            task.add_done_callback(lambda _: stopping.set())
        await stopping.wait()
        for own, task in zip(reversed(told), reversed(running), strict=True):
            own.set()
            await asyncio.wait((task,))
        return max((task.result() for task in running), default=OK)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        for each in signals:
            loop.remove_signal_handler(each)


async def serve(spec: ServiceSpec[S], settings: S, stopping: asyncio.Event) -> int:
    """Run one service until `stopping` is set or it fails, which sets it; returns the exit status."""
    log = make_logger(spec.name, settings.log_level, settings.log_format)
    route_standard_logging(log)
    try:
        service = Service(spec.name, log=log, stopping=stopping, trace_sample_ratio=settings.trace_sample_ratio)
        async with service:
            await _open(service, settings)
            return await _run(spec, settings, service)
    except SettingsError as error:
        return bad_settings(spec.name, error)
    except Exception:
        log.exception("the service failed; it ends")
        return FAILED
    finally:
        stopping.set()
        log.info("stopped")


async def _open(service: Service, settings: ServiceSettings) -> None:
    if settings.otlp_endpoint:
        service.traces.export_to(settings.otlp_endpoint)
    serving = service.health.serving(settings.health_host, settings.health_port)
    try:
        port = await service.resources.enter_async_context(serving)
    except OSError as error:
        raise SettingsError(f"health_port: cannot listen on {settings.health_host}: {error.strerror}") from None
    write_port(settings.health_port_file, port)
    service.log.info("started", health_port=port)


async def _run(spec: ServiceSpec[S], settings: S, service: Service) -> int:
    running = asyncio.ensure_future(spec.run(settings, service))
    stopped = asyncio.ensure_future(service.stopping.wait())
    try:
        await asyncio.wait((running, stopped), return_when=asyncio.FIRST_COMPLETED)
        if not running.done():
            service.log.info("stopping: finishing what has begun", limit_s=settings.drain_s)
            await asyncio.wait((running,), timeout=settings.drain_s)
        if not running.done():
            service.log.error("what was running did not finish in time", limit_s=settings.drain_s)
            return FAILED
        await running
        if not service.stopping.is_set():
            service.log.error("the service ended without being asked to")
            return FAILED
        return OK
    finally:
        running.cancel()
        stopped.cancel()
        await asyncio.gather(running, stopped, return_exceptions=True)


def write_port(path: Path | None, port: int) -> None:
    """Write `port` for those who wait for it; nothing without a path."""
    if path is not None:
        write_atomically(path, f"{port}\n".encode())
