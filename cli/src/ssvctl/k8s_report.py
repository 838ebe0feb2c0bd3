"""What an SSVNode and its pods say, put together for a human. Pure.

The operator writes reason and remedy into the status; what it can't say itself (that it does not look at the node, that
it is not done) is said here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ssvctl.k8s_api import GROUP, NODE_LABEL, Manifest

PAUSED = f"{GROUP}/paused"
COMPONENT_LABEL = "app.kubernetes.io/component"
BAD_WHEN_TRUE = frozenset({"SafetyDelay", "TwinDetected", "Degraded"})
"""Conditions that say that something is wrong; the others say that something is right."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One of the node's conditions."""

    kind: str
    status: str
    reason: str
    message: str

    @property
    def verdict(self) -> str:
        """Whether it is `good` as it is, or `bad`, or `unknown`."""
        if self.status not in ("True", "False"):
            return "unknown"
        return "good" if (self.status == "True") != (self.kind in BAD_WHEN_TRUE) else "bad"


@dataclass(frozen=True, slots=True)
class Service:
    """One service: its pods, what they wait for, and what they run."""

    name: str
    ready: int
    wanted: int
    problems: tuple[str, ...]
    versions: tuple[str, ...]
    restarts: int


@dataclass(frozen=True, slots=True)
class NodeReport:
    """How one node stands. `remarks`: what its status can't say itself, each with a remedy."""

    name: str
    namespace: str
    phase: str
    preset: str
    network: str
    ready: bool
    conditions: tuple[Condition, ...]
    services: tuple[Service, ...]
    committees: tuple[tuple[str, int], ...]
    validators: int | None
    last_decided_slot: int | None
    peers: int | None
    remarks: tuple[str, ...]


def report(node: Manifest, pods: Sequence[Manifest] | None) -> NodeReport:
    """Return how a node stands. `pods`: of any node; None when they may not be seen."""
    about, spec, status = node["metadata"], node.get("spec", {}), node.get("status") or {}
    own = [each for each in pods or () if _labels(each).get(NODE_LABEL) == about["name"]]
    conditions = tuple(
        Condition(each["type"], each["status"], each.get("reason", ""), each.get("message", ""))
        for each in status.get("conditions", ())
    )
    current = status.get("observedGeneration", 0) >= about.get("generation", 0)
    says_ready = any(each.kind == "Ready" and each.status == "True" for each in conditions)
    return NodeReport(
        name=about["name"],
        namespace=about["namespace"],
        phase=status.get("phase") or "Unseen",
        preset=spec.get("preset", "single"),
        network=spec.get("network", {}).get("name", ""),
        ready=says_ready and "deletionTimestamp" not in about,
        conditions=conditions,
        services=tuple(_service(name, said, own) for name, said in status.get("services", {}).items()),
        committees=tuple(sorted(status.get("committeesHeld", {}).items())),
        validators=status.get("validators"),
        last_decided_slot=status.get("lastDecidedSlot"),
        peers=status.get("peers"),
        remarks=tuple(_remarks(about, bool(conditions), current, pods is None)),
    )


def _remarks(about: Manifest, looked_at: bool, current: bool, blind: bool) -> list[str]:
    remarks = []
    if "deletionTimestamp" in about:
        remarks.append("It is being deleted: its slashing record is put into Secrets, then it goes")
    if about.get("annotations", {}).get(PAUSED) == "true":
        remarks.append(f"It is paused: nothing is changed or repaired until the annotation {PAUSED} is taken away")
    if not looked_at:
        remarks.append(
            "No operator has looked at it: does Deployment ssv-operator run, and is this namespace the release's own "
            "or among watchNamespaces?"
        )
    elif not current:
        remarks.append("Its last change is not carried out yet; what follows is from before")
    if blind:
        remarks.append("You may not list pods here, so versions and restarts are not shown")
    return remarks


def _service(name: str, said: Manifest, pods: Sequence[Manifest]) -> Service:
    own = [each for each in pods if _labels(each).get(COMPONENT_LABEL) == name]
    images = {container["image"] for pod in own for container in pod.get("spec", {}).get("containers", ())}
    states = [each for pod in own for each in pod.get("status", {}).get("containerStatuses", ())]
    return Service(
        name,
        said.get("ready", 0),
        said.get("wanted", 0),
        tuple(said.get("problems", ())),
        tuple(sorted(map(_version, images))),
        sum(each.get("restartCount", 0) for each in states),
    )


def _version(image: str) -> str:
    """Return an image's tag, or the beginning of its digest."""
    name, separator, digest = image.partition("@")
    return digest[:19] if separator else name.rpartition("/")[2].partition(":")[2]


def _labels(manifest: Manifest) -> dict[str, str]:
    labels: dict[str, str] = manifest["metadata"].get("labels") or {}
    return labels
