"""`ssv-operator`: strive to lead; while leading, look after every SSVNode. A leader that lost its Lease ends.

Ready: when it reaches the API server, leader or not.
Exit status: 0 after SIGTERM, 1 when the Lease was lost or kopf failed, 2 for settings that can't be used.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from datetime import UTC, datetime

import kopf
from pydantic import ValidationError

from ssv_kube.errors import ClusterError
from ssv_kube.handlers.cluster import Cluster
from ssv_kube.handlers.definition import apply_definition
from ssv_kube.handlers.leader import API_SERVER, Leadership
from ssv_kube.handlers.reconcile import Office
from ssv_kube.handlers.registration import kopf_settings, register
from ssv_kube.settings import OperatorSettings
from ssv_runtime.logs import make_logger, route_standard_logging
from ssv_runtime.service import BAD_SETTINGS, FAILED, OK, Service

NAME = "operator"


def main() -> None:
    """Run until a signal."""
    try:
        settings = OperatorSettings.read()
        settings.images()
    except (ValidationError, ValueError) as error:
        sys.stderr.write(f"{NAME}: {' '.join(str(error).split())}\n")
        sys.exit(BAD_SETTINGS)
    sys.exit(asyncio.run(run(settings)))


async def run(settings: OperatorSettings) -> int:
    """Run until a signal or until the Lease is lost; returns the exit status."""
    stopping = asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(each, stopping.set)
    log = make_logger(NAME, settings.log_level, "json")
    route_standard_logging(log)
    async with Service(NAME, log=log, stopping=stopping) as service:
        await service.resources.enter_async_context(service.health.serving(settings.health_host, settings.health_port))
        cluster = Cluster()
        service.resources.push_async_callback(cluster.close)
        return await _lead(settings, service, cluster)


async def _lead(settings: OperatorSettings, service: Service, cluster: Cluster) -> int:
    leadership = Leadership(
        cluster,
        service.log,
        service.health.dependency(API_SERVER),
        settings.namespace,
        settings.pod_name,
        settings.lease_s,
        lambda: datetime.now(UTC),
    )
    service.spawn(leadership.strive, "lease", restart=True)
    if not await _first(leadership.leading, service.stopping):
        return OK
    await apply_definition(cluster, service.log)
    office = Office(cluster, settings.images(), settings.namespace, service.log, lambda: datetime.now(UTC))
    stop = asyncio.Event()
    running = asyncio.create_task(
        kopf.operator(
            registry=register(office, resync_s=settings.resync_s, export_limit_s=settings.export_limit_s),
            settings=kopf_settings(),
            standalone=True,
            namespaces=settings.watched_namespaces,
            stop_flag=stop,
        )
    )
    waiting = [asyncio.create_task(event.wait()) for event in (leadership.lost, service.stopping)]
    try:
        await asyncio.wait((running, *waiting), return_when=asyncio.FIRST_COMPLETED)
        asked = service.stopping.is_set()
        stop.set()
        await asyncio.wait((running,))
        running.result()
    finally:
        for task in waiting:
            task.cancel()
    await _release(leadership, service)
    return OK if asked else FAILED


async def _first(wanted: asyncio.Event, other: asyncio.Event) -> bool:
    """Wait for either; returns whether it was `wanted`."""
    tasks = [asyncio.create_task(each.wait()) for each in (wanted, other)]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for each in tasks:
        each.cancel()
    return not other.is_set()


async def _release(leadership: Leadership, service: Service) -> None:
    try:
        await leadership.release()
    except ClusterError as error:
        service.log.warning("the Lease could not be released; a successor waits for its end", reason=str(error))
