"""How the node's pods are, from their own mouths: readiness with reasons, and a few metrics.

Pods are asked by their address, each for itself: a Service would answer for whichever pod it chose.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from ssv_kube.resources.objects import COMPONENT, Manifest
from ssv_kube.resources.ports import HEALTH
from ssv_kube.resources.sizing import SERVICES

_PATIENCE = aiohttp.ClientTimeout(total=3.0)


@dataclass(frozen=True, slots=True)
class PodReport:
    """One pod. `problems`: by dependency, why it is not ready; `metrics`: sums over all labels, by name."""

    service: str
    pod: str
    ready: bool
    problems: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)


async def observe(pods: Sequence[Manifest], port: int = HEALTH) -> list[PodReport]:
    """Return a report of each pod of a service."""
    async with aiohttp.ClientSession(timeout=_PATIENCE) as session:
        return list(await asyncio.gather(*(_report(session, pod, port) for pod in pods if _service(pod) in SERVICES)))


def before_it_answers(pod: Manifest) -> str:
    """Return why a pod does not run, as the kubelet and the scheduler say it."""
    status: dict[str, Any] = pod.get("status", {})
    for container in status.get("containerStatuses", ()):
        waiting = container.get("state", {}).get("waiting")
        if waiting:
            return f"{waiting.get('reason', 'waiting')}: {waiting.get('message', '')}".rstrip(": ")
    for condition in status.get("conditions", ()):
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return f"not scheduled: {condition.get('message', '')}".rstrip(": ")
    return str(status.get("phase", "Pending")).lower()


def sums(text: str) -> dict[str, float]:
    """Return each metric's sum over its labels."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name] = found.get(sample.name, 0.0) + sample.value
    return found


def _service(pod: Manifest) -> str:
    return str(pod["metadata"].get("labels", {}).get(COMPONENT, ""))


async def _report(session: aiohttp.ClientSession, pod: Manifest, port: int) -> PodReport:
    service, name, address = _service(pod), pod["metadata"]["name"], pod.get("status", {}).get("podIP")
    if not address or "deletionTimestamp" in pod["metadata"]:
        return PodReport(service, name, False, {"pod": before_it_answers(pod)})
    base = f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}"
    try:
        async with session.get(f"{base}/readyz") as answer:
            problems = {str(key): str(value) for key, value in (await answer.json()).items()}
        async with session.get(f"{base}/metrics") as answer:
            metrics = sums(await answer.text())
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        why = before_it_answers(pod)
        reason = why if why != "running" else f"its health can't be read: {str(error) or type(error).__name__}"
        return PodReport(service, name, False, {"pod": reason})
    return PodReport(service, name, not problems, problems, metrics)
