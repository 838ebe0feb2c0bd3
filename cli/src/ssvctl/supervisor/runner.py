"""Runs a plan: `async with running(plan) as operator`.

Invariant: however the block is left, cancellation included, no process of the plan is left. Processes start in the
plan's order without waiting for each other (a service waits for what it needs by itself) and drain in the opposite one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp

from ssv_runtime.files import write_atomically
from ssvctl.errors import SsvctlError
from ssvctl.files import PRIVATE
from ssvctl.supervisor.plan import Plan, PlannedService
from ssvctl.supervisor.probe import Readiness, look
from ssvctl.supervisor.process import KeptProcess, PortTaken

_LOOK_EVERY_S = 0.25
_PLANNING_TRIES = 3


@dataclass(frozen=True, slots=True)
class RunningService:
    """A service and the process that it lives in; of a group all share one."""

    planned: PlannedService
    process: KeptProcess

    @property
    def pid(self) -> int | None:
        """Process id; None while it is being started again."""
        return self.process.pid

    @property
    def restarts(self) -> int:
        """How often its process was started again."""
        return self.process.restarts


class RunningPlan:
    """The processes of a plan at work."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.processes: Mapping[str, KeptProcess] = {planned.name: KeptProcess(planned) for planned in plan.processes}
        self.services: Mapping[str, RunningService] = {
            service.name: RunningService(service, process)
            for process in self.processes.values()
            for service in process.planned.services
        }

    async def start(self) -> None:
        """Write the plan's files and start its processes; raises ProcessRefused."""
        for path, content in self.plan.files.items():
            write_atomically(path, content.encode(), PRIVATE)
        for process in self.processes.values():
            await process.start()

    async def readiness(self) -> dict[str, Readiness]:
        """Ask all services at once."""
        timeout = aiohttp.ClientTimeout(total=None)
        async with aiohttp.ClientSession(timeout=timeout) as http:
            answers = await asyncio.gather(*(look(service.planned, http) for service in self.services.values()))
        return dict(zip(self.services, answers, strict=True))

    async def until_ready(self, on_look: Callable[[Mapping[str, Readiness]], None] = lambda _: None) -> None:
        """Wait until all services are ready at once; `on_look` is told each time how it stands.

        Raises:
            ProcessRefused: a service can't work with its settings.
            PortTaken: somebody took a port between planning and starting.
        """
        while True:
            now = await self.readiness()
            on_look(now)
            if all(readiness.ready for readiness in now.values()):
                return
            for process in self.processes.values():
                if not all(now[service.name].ready for service in process.planned.services):
                    process.check()
            await asyncio.sleep(_LOOK_EVERY_S)

    async def stop(self, drain_s: float | None = None) -> None:
        """End all, the last started first, each drained before the next is told. May be called again."""
        try:
            for process in reversed(list(self.processes.values())):
                await process.stop(drain_s)
        except asyncio.CancelledError:  # told to hurry
            await asyncio.gather(*(process.stop(0) for process in self.processes.values()))
            raise


@asynccontextmanager
async def running(plan: Plan) -> AsyncGenerator[RunningPlan, None]:
    """Start a plan and stop it on the way out. Raises ProcessRefused."""
    operator = RunningPlan(plan)
    try:
        await operator.start()
        yield operator
    finally:
        await operator.stop()


@asynccontextmanager
async def running_ready(
    make_plan: Callable[[], Plan], on_look: Callable[[Mapping[str, Readiness]], None] = lambda _: None
) -> AsyncGenerator[RunningPlan, None]:
    """As `running`, entered when all are ready; plans anew when a port of the plan was taken meanwhile.

    Raises:
        ProcessRefused, PortTaken: as `RunningPlan.until_ready`, the latter after a few plans.
    """
    operator = await _ready(make_plan, on_look)
    try:
        yield operator
    finally:
        await operator.stop()


async def _ready(make_plan: Callable[[], Plan], on_look: Callable[[Mapping[str, Readiness]], None]) -> RunningPlan:
    for tries_left in reversed(range(_PLANNING_TRIES)):
        operator = RunningPlan(make_plan())
        try:
            await operator.start()
            await operator.until_ready(on_look)
            return operator
        except BaseException as error:
            await operator.stop(None if isinstance(error, asyncio.CancelledError) else 0)
            if not isinstance(error, PortTaken) or not tries_left:
                raise
    raise SsvctlError("no plan")  # unreachable: the last try returns or raises
