"""One node, looked after: from what its object says to children on the cluster, and back to its status.

A turn is the same whatever has happened: read the node, make what is wanted, compare, apply, delete, look, say. What
was missed is found by the next turn, so nothing depends on having seen an event.

Invariants: a paused node is left as it is; Secrets are there before the pods that mount them; an object that the
definition takes but this operator does not understand changes nothing and is told so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from pydantic import ValidationError
from structlog.typing import FilteringBoundLogger

from ssv_kube.errors import ClusterError, NotYet
from ssv_kube.handlers.cluster import Cluster
from ssv_kube.handlers.drift import Applied, Key, changes, digest_of, edition_of, key_of, marked
from ssv_kube.handlers.kinds import CERT_MANAGER, CHILDREN, NODE, OPTIONAL, POD, STATEFUL_SET, kind_of
from ssv_kube.handlers.network_file import network_file
from ssv_kube.handlers.node_status import Issuer, as_manifest, failed_status, observed_status
from ssv_kube.handlers.observation import observe
from ssv_kube.handlers.rollout import allowed
from ssv_kube.handlers.secrets import keep_secrets
from ssv_kube.model.names import PAUSED
from ssv_kube.model.spec import SSVNodeSpec
from ssv_kube.resources.announcements import ways_in
from ssv_kube.resources.children import children
from ssv_kube.resources.images import Images
from ssv_kube.resources.node import Node, Surroundings
from ssv_kube.resources.objects import Manifest, labels, selector
from ssv_kube.resources.sizing import NATS

_SECRETS_EACH_S = 300.0
_FORKS_EACH_S = 3600.0
Say = Callable[[str, str, str], None]
"""Post an event: type (Normal, Warning), reason, message."""


@dataclass(frozen=True, slots=True)
class Office:
    """What all nodes share."""

    cluster: Cluster
    images: Images
    namespace: str
    log: FilteringBoundLogger
    utc_now: Callable[[], datetime]


class Keeper:
    """Looks after one node, turn by turn."""

    def __init__(self, office: Office, namespace: str, name: str) -> None:
        self._office = office
        self._cluster = office.cluster
        self._place = (namespace, name)
        self._applied: dict[Key, Applied] = {}
        self._hashes: dict[str, str] = {}
        self._optional: set[str] = set()
        self._network_file = ""
        self._generation: int | None = None
        self._secrets_at_s = self._forks_at_s = float("-inf")
        self._held_since_s: float | None = None
        self._said: tuple[str, str] = ("", "")

    async def turn(self, say: Say, *, draining: bool = False) -> None:
        """Do one turn; what goes wrong is said in the status and tried again with the next."""
        namespace, name = self._place
        try:
            body = await self._cluster.read(NODE, namespace, name)
            is_leaving = body is not None and "deletionTimestamp" in body["metadata"]
            if body is not None and is_leaving == draining:
                await self._turn(body, say, draining=draining)
        except ClusterError as error:
            self._office.log.warning("a node could not be looked after; trying again", node=name, reason=str(error))
            self._tell(say, "Warning", "ClusterRefused", str(error))

    async def _turn(self, body: Manifest, say: Say, *, draining: bool) -> None:
        before, generation = body.get("status", {}), body["metadata"].get("generation", 0)
        if body["metadata"].get("annotations", {}).get(PAUSED) == "true" and not draining:
            text = f"paused: nothing is changed or repaired; take the annotation {PAUSED} away to go on"
            await self._set_status({"phase": "Paused", "message": text})
            return
        try:
            node = node_of(body)
            issuer = await self._issuer(node, before)
            await self._keep(node, generation, issuer, draining=draining)
        except NotYet as error:
            await self._set_status(self._failed("Pending", error.reason, str(error), before, generation))
            self._tell(say, "Warning", error.reason, str(error))
            return
        except ClusterError as error:
            await self._set_status(self._failed("Degraded", "ClusterRefused", str(error), before, generation))
            self._tell(say, "Warning", "ClusterRefused", str(error))
            return
        if draining:
            return
        pods = await self._cluster.find(POD, node.namespace, selector(node))
        bus = await self._cluster.read(STATEFUL_SET, node.namespace, f"{node.name}-{NATS}")
        nats_ready = None if bus is None else int(bus.get("status", {}).get("readyReplicas", 0))
        now = self._office.utc_now()
        status = observed_status(node, await observe(pods), nats_ready, issuer, before, generation, now)
        await self._set_status(as_manifest(status))
        if before.get("phase") != status.phase:
            kind = "Normal" if status.phase in ("Ready", "Starting") else "Warning"
            self._tell(say, kind, status.phase, status.message or f"the node is {status.phase.lower()}")

    async def _keep(self, node: Node, generation: int, issuer: Issuer, *, draining: bool) -> None:
        now_s = asyncio.get_running_loop().time()
        is_new = generation != self._generation
        if is_new or now_s - self._secrets_at_s >= _SECRETS_EACH_S or not all(self._hashes.values()):
            by_cert_manager = issuer == "cert-manager"
            self._hashes = await keep_secrets(self._cluster, node, self._office.utc_now(), cert_manager=by_cert_manager)
            self._optional = await self._known_kinds(node)
            self._secrets_at_s = now_s
        if is_new or not self._network_file or now_s - self._forks_at_s >= _FORKS_EACH_S:
            read_forks = bool(self._network_file) and not is_new
            self._network_file = await network_file(self._cluster, node, read_forks=read_forks)
            self._forks_at_s = now_s
        live = await self._live(node)
        around = Surroundings(
            images=self._office.images,
            operator_namespace=self._office.namespace,
            network_file=self._network_file,
            certificate_hashes=self._hashes,
            cert_manager=issuer == "cert-manager",
            draining=draining,
            ways_in=ways_in(each for each in live.values() if each["kind"] == "Service"),
        )
        await self._carry_out(node, around, live, now_s)
        self._generation = generation

    async def _carry_out(self, node: Node, around: Surroundings, live: dict[Key, Manifest], now_s: float) -> None:
        wanted = [each for each in children(node, around) if self._can_be(each)]
        if node.spec.monitoring.service_monitor and "ServiceMonitor" not in self._optional:
            self._office.log.debug("no ServiceMonitor: the cluster does not know the kind", node=node.name)
        waited_s = 0.0 if self._held_since_s is None else now_s - self._held_since_s
        through = allowed(wanted, live, waited_s)
        if len(through) == len(wanted):
            self._held_since_s = None
        elif self._held_since_s is None:
            self._held_since_s = now_s
        held = {key_of(each) for each in wanted} - {key_of(each) for each in through}
        todo = changes(through, {key: each for key, each in live.items() if key not in held}, self._applied)
        for each in todo.apply:
            done = await self._cluster.apply(marked(each))
            self._applied[key_of(each)] = Applied(digest_of(each), edition_of(done))
        for each in todo.delete:
            await self._cluster.delete(kind_of(each), node.namespace, each["metadata"]["name"])
            self._applied.pop(key_of(each), None)
        if todo.apply or todo.delete:
            self._office.log.info(
                "changed the cluster",
                node=node.name,
                applied=[" ".join(key_of(each)) for each in todo.apply],
                deleted=[" ".join(key_of(each)) for each in todo.delete],
            )

    async def _live(self, node: Node) -> dict[Key, Manifest]:
        kinds = [*CHILDREN, *(each for each in OPTIONAL if each.name in self._optional)]
        found: dict[Key, Manifest] = {}
        for kind in kinds:
            for each in await self._cluster.find(kind, node.namespace, labels(node)):
                # lists leave out what their members are
                whole = {**each, "apiVersion": kind.api_version, "kind": kind.name}
                found[key_of(whole)] = whole
        return found

    def _can_be(self, manifest: Manifest) -> bool:
        return manifest["kind"] in self._optional or manifest["kind"] not in {each.name for each in OPTIONAL}

    async def _known_kinds(self, node: Node) -> set[str]:
        return {each.name for each in OPTIONAL if await self._cluster.serves(each, node.namespace)}

    async def _issuer(self, node: Node, before: Mapping[str, Any]) -> Issuer:
        wanted = node.spec.certificates.issuer
        if wanted == "auto" and before.get("certificateIssuer"):
            return cast(Issuer, before["certificateIssuer"])
        there = wanted != "operator" and await self._cluster.serves(CERT_MANAGER[0], node.namespace)
        if wanted == "cert-manager" and not there:
            raise NotYet(
                "NoCertManager", "cert-manager is not installed; install it, or set certificates.issuer to operator"
            )
        return "cert-manager" if there else "operator"

    def _failed(self, phase: Any, reason: str, message: str, before: dict[str, Any], generation: int) -> dict[str, Any]:
        return failed_status(phase, reason, message, before, generation, self._office.utc_now())

    async def _set_status(self, status: Mapping[str, Any]) -> None:
        await self._cluster.set_status(*self._place, status)

    def _tell(self, say: Say, kind: str, reason: str, message: str) -> None:
        if self._said != (reason, message):
            self._said = (reason, message)
            say(kind, reason, message)


def node_of(body: Manifest) -> Node:
    """Return the node that an object describes.

    Raises:
        NotYet: this version does not understand its spec.
    """
    metadata = body["metadata"]
    try:
        spec = SSVNodeSpec.model_validate(body.get("spec", {}))
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise NotYet("SpecNotUnderstood", f"{problems}. Mend the spec, or update the operator") from None
    return Node(metadata["name"], metadata["namespace"], metadata["uid"], spec)
