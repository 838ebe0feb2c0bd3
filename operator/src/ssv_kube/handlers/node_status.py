"""The whole status of a node, for people and printer columns. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from ssv_kube.handlers.conditions import Finding, conditions, findings, summary
from ssv_kube.handlers.observation import PodReport
from ssv_kube.model.status import DEGRADED, READY, ServiceStatus, SSVNodeStatus
from ssv_kube.resources.node import Node
from ssv_kube.resources.sizing import SERVICES, replicas
from ssv_runtime.names import CONSENSUS

Issuer = Literal["operator", "cert-manager"]
Phase = Literal["Pending", "Starting", "Ready", "Degraded", "Paused", "Deleting"]


def observed_status(
    node: Node,
    reports: Sequence[PodReport],
    nats_ready: int | None,
    issuer: Issuer,
    before: dict[str, Any],
    generation: int,
    now: datetime,
) -> SSVNodeStatus:
    """Return the status of a node whose children are as they should be. `before`: the status until now."""
    found = {**findings(node, reports, nats_ready), **summary(node, reports, nats_ready)}
    return SSVNodeStatus(
        observed_generation=generation,
        phase=_phase(found, before),
        message="" if found[DEGRADED][0] == "False" else found[DEGRADED][2],
        certificate_issuer=issuer,
        validators=_most(reports, "ssv_signer_shares_active"),
        last_decided_slot=_most(reports, "ssv_consensus_last_decided_slot"),
        peers=_sum(reports, "ssv_p2p_gateway_peers"),
        services={each: _service(node, reports, each) for each in SERVICES},
        committees_held={
            each.pod: int(each.metrics["ssv_consensus_committees"])
            for each in reports
            if each.service == CONSENSUS and "ssv_consensus_committees" in each.metrics
        },
        conditions=conditions(found, before.get("conditions", ()), generation, now),
    )


def failed_status(
    phase: Phase, reason: str, message: str, before: dict[str, Any], generation: int, now: datetime
) -> dict[str, Any]:
    """Return what to change in the status of a node that could not be looked after: not Ready, and why."""
    finding: Finding = ("False", reason, message)
    old = before.get("conditions", ())
    kept: dict[str, Finding] = {each["type"]: (each["status"], each["reason"], each["message"]) for each in old}
    made = conditions({**kept, READY: finding}, old, generation, now)
    return {"phase": phase, "message": message, "conditions": [as_manifest(each) for each in made]}


def as_manifest(part: Any) -> dict[str, Any]:
    """Return a part of the status as the API has it."""
    made: dict[str, Any] = part.model_dump(by_alias=True, mode="json")
    return made


def _phase(found: dict[str, Finding], before: dict[str, Any]) -> Phase:
    if found[READY][0] == "True":
        return "Ready" if found[DEGRADED][0] == "False" else "Degraded"
    return "Starting" if before.get("phase") in (None, "", "Pending", "Starting") else "Degraded"


def _service(node: Node, reports: Sequence[PodReport], service: str) -> ServiceStatus:
    pods = [each for each in reports if each.service == service]
    problems = [f"{each.pod}: {name}: {text}" for each in pods for name, text in each.problems.items()]
    return ServiceStatus(wanted=replicas(node, service), ready=sum(each.ready for each in pods), problems=problems)


def _values(reports: Sequence[PodReport], metric: str) -> list[int]:
    return [int(each.metrics[metric]) for each in reports if metric in each.metrics]


def _most(reports: Sequence[PodReport], metric: str) -> int | None:
    return max(_values(reports, metric), default=None)


def _sum(reports: Sequence[PodReport], metric: str) -> int | None:
    values = _values(reports, metric)
    return sum(values) if values else None
