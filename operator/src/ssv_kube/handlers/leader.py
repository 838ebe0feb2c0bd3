"""One leader of several operators, by a Lease.

Whoever writes its name into the Lease leads, and says so again and again. Another may write when nothing was said for
the Lease's time, measured by its own clock from when it saw the last word: clocks need not agree. Every write names
the edition that it replaces, so of two only one succeeds. Whoever strives asks the API server all the time, so that it
is known here whether this operator, leader or not, reaches it: that is its readiness.

Not guaranteed: that a leader that was paused does nothing more in the moment it wakes. Nothing rests on it: children
are applied by content, so that two leaders write the same.

Source: Kubernetes, "Leases"; the algorithm is that of client-go's leaderelection package, described there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from structlog.typing import FilteringBoundLogger

from ssv_kube.errors import ClusterError, Conflict
from ssv_kube.handlers.cluster import Cluster
from ssv_kube.handlers.kinds import LEASE
from ssv_kube.resources.objects import OPERATOR_APP, Manifest
from ssv_runtime.health import Dependency

LEASE_NAME: Final = OPERATOR_APP
API_SERVER: Final = "kubernetes API"
_REMEDY: Final = (
    "see whether the API server runs and may be reached from this pod, and whether its ServiceAccount has its Role"
)
_RENEWALS: Final = 5
"""How often a leader speaks in the time after which it is believed gone."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The last word that was seen: its edition, and when by the own clock (seconds)."""

    edition: str
    at_s: float


def may_take(lease: Manifest | None, me: str, seen: Seen | None, now_s: float, lease_s: float) -> bool:
    """Return whether `me` may write itself into the Lease."""
    if lease is None:
        return True
    holder = lease["spec"].get("holderIdentity")
    if holder in (None, "", me):
        return True
    return seen is not None and seen.edition == edition(lease) and now_s - seen.at_s >= lease_s


def taken(lease: Manifest | None, namespace: str, me: str, now: datetime, lease_s: float) -> Manifest:
    """Return the Lease with `me` as its holder, as of now."""
    moment = now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    old: dict[str, Any] = {} if lease is None else lease["spec"]
    stays = old.get("holderIdentity") == me
    spec = {
        "holderIdentity": me,
        "leaseDurationSeconds": max(1, round(lease_s)),
        "renewTime": moment,
        "acquireTime": old.get("acquireTime", moment) if stays else moment,
        "leaseTransitions": old.get("leaseTransitions", 0) + (0 if stays or not old else 1),
    }
    metadata = {"name": LEASE_NAME, "namespace": namespace}
    if lease is not None:
        metadata["resourceVersion"] = edition(lease)
    return {"apiVersion": LEASE.api_version, "kind": LEASE.name, "metadata": metadata, "spec": spec}


def edition(lease: Manifest) -> str:
    """Return the object's version."""
    version: str = lease["metadata"]["resourceVersion"]
    return version


class Leadership:
    """Strives to lead. `leading` is set while it does; `lost` once it did and does no more: then the process ends."""

    def __init__(
        self,
        cluster: Cluster,
        log: FilteringBoundLogger,
        api_server: Dependency,
        namespace: str,
        me: str,
        lease_s: float,
        utc_now: Callable[[], datetime],
    ) -> None:
        self.leading = asyncio.Event()
        self.lost = asyncio.Event()
        self._cluster = cluster
        self._log = log
        self._api_server = api_server
        self._namespace = namespace
        self._me = me
        self._lease_s = lease_s
        self._utc_now = utc_now
        self._seen: Seen | None = None
        self._renewed_s = 0.0

    async def strive(self) -> None:
        """Take the Lease when it is free and keep it; ends when it is lost."""
        loop = asyncio.get_running_loop()
        patience_s = self._lease_s * (1 - 1 / _RENEWALS)
        while not self.lost.is_set():
            try:
                async with asyncio.timeout(patience_s):
                    await self._turn(loop.time())
                self._api_server.up()
            except Conflict:
                self._log.debug("another operator was faster")
                self._api_server.up()
            except ClusterError as error:
                self._api_server.down(f"the Lease can't be read or written: {error}", _REMEDY)
            except TimeoutError:
                self._api_server.down(f"no answer about the Lease within {patience_s:g} s", _REMEDY)
            if self.leading.is_set() and loop.time() - self._renewed_s > patience_s:
                self._end("it could not be renewed in time")
            await asyncio.sleep(self._lease_s / _RENEWALS)

    async def release(self) -> None:
        """Let go of the Lease, so that a successor need not wait."""
        if not self.leading.is_set():
            return
        lease = await self._cluster.read(LEASE, self._namespace, LEASE_NAME)
        if lease is not None and lease["spec"].get("holderIdentity") == self._me:
            given = taken(lease, self._namespace, self._me, self._utc_now(), self._lease_s)
            given["spec"]["holderIdentity"] = ""
            await self._cluster.replace(given)

    async def _turn(self, now_s: float) -> None:
        lease = await self._cluster.read(LEASE, self._namespace, LEASE_NAME)
        if lease is not None and (self._seen is None or self._seen.edition != edition(lease)):
            self._seen = Seen(edition(lease), now_s)
        holder = None if lease is None else lease["spec"].get("holderIdentity")
        if self.leading.is_set() and holder != self._me:
            self._end(f"{holder or 'nobody'} holds it")
            return
        if not may_take(lease, self._me, self._seen, now_s, self._lease_s):
            return
        made = taken(lease, self._namespace, self._me, self._utc_now(), self._lease_s)
        await (self._cluster.create(made) if lease is None else self._cluster.replace(made))
        self._renewed_s = now_s
        if not self.leading.is_set():
            self._log.info("this operator leads now", lease=LEASE_NAME)
            self.leading.set()

    def _end(self, why: str) -> None:
        self._log.warning("this operator leads no more", reason=why)
        self.leading.clear()
        self.lost.set()
