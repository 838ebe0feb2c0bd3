"""An operator says that it is ready only while the API server answers it, whether it leads or not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

import pytest
import pytest_asyncio
from aiohttp import web
from lightkube import AsyncClient, KubeConfig
from lightkube.config import models

from ssv_kube.handlers.cluster import Cluster
from ssv_kube.handlers.leader import API_SERVER, Leadership, taken
from ssv_runtime.health import Health
from ssv_runtime.logs import make_logger
from ssv_runtime.metrics import Metrics

pytestmark = pytest.mark.asyncio
LEASE_S = 0.5


class ApiServer:
    """One that knows a Lease, which somebody else holds and renews; it may refuse, say nothing, or not be there."""

    def __init__(self) -> None:
        self.url = ""
        self.says_nothing = False
        self.status = 200
        self._edition = 0
        self._runner: web.AppRunner | None = None
        self._ended = asyncio.Event()

    async def start(self, port: int = 0) -> None:
        """Serve, at the port of before where one is given."""
        app = web.Application()
        app.router.add_get("/apis/coordination.k8s.io/v1/namespaces/here/leases/{name}", self._lease)
        self._ended.clear()
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def end(self) -> None:
        """Be gone."""
        self._ended.set()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _lease(self, _request: web.Request) -> web.Response:
        if self.says_nothing:
            await self._ended.wait()
        if self.status != 200:
            words = {"kind": "Status", "apiVersion": "v1", "message": "no", "code": self.status}
            return web.json_response(words, status=self.status)
        self._edition += 1
        made = taken(None, "here", "another", datetime.now(UTC), LEASE_S)
        made["metadata"]["resourceVersion"] = str(self._edition)
        return web.json_response(made)


@pytest_asyncio.fixture
async def server() -> AsyncIterator[ApiServer]:
    server = ApiServer()
    await server.start()
    yield server
    await server.end()


@pytest_asyncio.fixture
async def health(server: ApiServer) -> AsyncIterator[Health]:
    """Return the health of an operator that strives to lead there."""
    log = make_logger("operator")
    health = Health(log, Metrics("operator"), asyncio.Event())
    config = KubeConfig.from_one(cluster=models.Cluster(server=server.url), user=models.User())
    cluster = Cluster(AsyncClient(config=config, trust_env=False))
    striving = Leadership(cluster, log, health.dependency(API_SERVER), "here", "me", LEASE_S, lambda: datetime.now(UTC))
    task = asyncio.create_task(striving.strive())
    yield health
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await cluster.close()


async def eventually(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110  # health tells nobody of its changes
            await asyncio.sleep(0.01)


async def test_it_is_not_ready_before_it_has_asked(server: ApiServer, health: Health) -> None:
    assert list(health.problems()) == [API_SERVER]
    await eventually(lambda: not health.problems())


async def test_it_is_not_ready_while_nobody_is_there(server: ApiServer, health: Health) -> None:
    await eventually(lambda: not health.problems())
    await server.end()
    await eventually(lambda: "can't be read" in health.problems().get(API_SERVER, ""))
    await server.start(int(server.url.rpartition(":")[2]))
    await eventually(lambda: not health.problems())


async def test_it_is_not_ready_while_no_answer_comes(server: ApiServer, health: Health) -> None:
    await eventually(lambda: not health.problems())
    server.says_nothing = True
    await eventually(lambda: "no answer" in health.problems().get(API_SERVER, ""))


async def test_it_is_not_ready_while_it_is_refused(server: ApiServer, health: Health) -> None:
    server.status = 403
    await eventually(lambda: "403" in health.problems().get(API_SERVER, ""))
