"""What kopf is told: to keep a task for each SSVNode, to wake it when something happens, and to hold deletions.

Changes only wake a node's keeper. What to do is decided by looking (`reconcile`), never by what an event said.
"""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any, cast

import kopf

from ssv_kube.errors import KubeError
from ssv_kube.handlers.farewell import is_overdue, put_away
from ssv_kube.handlers.kinds import CHILDREN, NODE
from ssv_kube.handlers.login import login_as_account
from ssv_kube.handlers.reconcile import Keeper, Office, Say, node_of
from ssv_kube.model.names import FINALIZER, GROUP
from ssv_kube.resources.objects import APP, INSTANCE, MANAGED_BY, MANAGER, NAME, Manifest

_RETRY_S = 5.0
_GATHER_S = 0.5
"""Changes come in swarms: one turn is for all of them."""
Place = tuple[str, str]


class Bells:
    """One for each node: rung when it or a child of it changes."""

    def __init__(self) -> None:
        self._bells: MutableMapping[Place, asyncio.Event] = {}

    def of(self, namespace: str, name: str) -> asyncio.Event:
        """Return the node's."""
        return self._bells.setdefault((namespace, name), asyncio.Event())

    def forget(self, namespace: str, name: str) -> None:
        """Let go of it."""
        self._bells.pop((namespace, name), None)


# kopf says that a namespace may be None; that of a namespaced kind is not
def register(office: Office, *, resync_s: float, export_limit_s: float) -> kopf.OperatorRegistry:
    """Return what kopf is to run."""
    registry = kopf.OperatorRegistry()
    bells = Bells()
    at = (NODE.group, NODE.version, NODE.plural)

    kopf.on.login(registry=registry, id="kubeconfig", errors=kopf.ErrorsMode.IGNORED)(kopf.login_with_kubeconfig)
    kopf.on.login(registry=registry, id="account", errors=kopf.ErrorsMode.IGNORED)(login_as_account)

    @kopf.daemon(*at, registry=registry, id="look-after", cancellation_backoff=_RETRY_S, cancellation_timeout=_RETRY_S)
    async def look_after(namespace: Any, name: str, body: kopf.Body, stopped: kopf.DaemonStopped, **_: Any) -> None:
        keeper, bell = Keeper(office, namespace, name), bells.of(namespace, name)
        while not stopped:
            bell.clear()
            await keeper.turn(_say(body))
            await _until(bell, stopped, resync_s)
            await asyncio.sleep(_GATHER_S)
        bells.forget(namespace, name)

    @kopf.on.event(*at, registry=registry, id="wake")
    def wake(namespace: Any, name: str, **_: Any) -> None:
        bells.of(namespace, name).set()

    @kopf.on.delete(*at, registry=registry, id="let-go")
    async def let_go(namespace: Any, name: str, body: kopf.Body, **_: Any) -> None:
        say, given = _say(body), cast(Manifest, dict(body))
        if is_overdue(given, office.utc_now(), export_limit_s):
            say("Warning", "SlashingRecordNotExported", "the node goes without; the record is in the signer's database")
            return
        await Keeper(office, namespace, name).turn(say, draining=True)
        try:
            names = await put_away(office.cluster, node_of(given))
        except KubeError as error:
            await office.cluster.set_status(namespace, name, {"phase": "Deleting", "message": str(error)})
            raise kopf.TemporaryError(str(error), delay=_RETRY_S) from None
        say("Normal", "SlashingRecordExported", f"the slashing record is in Secret {', '.join(names)}")

    for kind in CHILDREN:
        kopf.on.event(
            *((kind.group, kind.version, kind.plural) if kind.group else (kind.version, kind.plural)),
            registry=registry,
            labels={MANAGED_BY: MANAGER, NAME: APP},
            id=f"wake-by-{kind.plural}",
        )(_waker(bells))
    return registry


def kopf_settings() -> kopf.OperatorSettings:
    """Return how kopf is to behave."""
    settings = kopf.OperatorSettings()
    settings.scanning.disabled = True  # namespaces and kinds are known, and nobody else's are to be seen
    settings.peering.standalone = True  # a Lease decides who leads
    settings.persistence.finalizer = FINALIZER
    settings.persistence.progress_storage = kopf.AnnotationsProgressStorage(prefix=GROUP)
    settings.persistence.diffbase_storage = kopf.AnnotationsDiffBaseStorage(prefix=GROUP)
    settings.background.instant_exit_timeout = 2 * _GATHER_S  # a task that does nothing at the time ends at once
    settings.posting.enabled = True
    settings.posting.loggers = False  # events are for people: those that the handlers post, and no log lines
    return settings


def _waker(bells: Bells) -> Any:
    def wake_owner(namespace: Any, labels: kopf.Labels, **_: Any) -> None:
        bells.of(namespace, labels.get(INSTANCE, "")).set()

    return wake_owner


def _say(body: kopf.Body) -> Say:
    def say(kind: str, reason: str, message: str) -> None:
        kopf.event(body, type=kind, reason=reason, message=message)

    return say


async def _until(bell: asyncio.Event, stopped: kopf.DaemonStopped, seconds: float) -> None:
    ringing = asyncio.create_task(bell.wait())
    ending = asyncio.create_task(_ended(stopped))
    try:
        await asyncio.wait((ringing, ending), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        ringing.cancel()
        ending.cancel()


async def _ended(stopped: kopf.DaemonStopped) -> None:
    await stopped.wait()
