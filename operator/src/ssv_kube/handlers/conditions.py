"""What is said about a node: conditions with a reason and a remedy, made of its spec and of what its pods say.

Pure. Invariant: a condition that is not as it should be names what to do; one that nothing can tell is Unknown and says
so, rather than a guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from ssv_kube.handlers.observation import PodReport
from ssv_kube.model import status as names
from ssv_kube.model.status import Condition
from ssv_kube.resources.node import Node
from ssv_kube.resources.objects import child_name
from ssv_kube.resources.sizing import NATS, SERVICES, has_nats, replicas
from ssv_runtime.names import CONSENSUS, DUTY_SCHEDULER, ETH1_LISTENER, SIGNER

Finding = tuple[str, str, str]
"""Status, reason, message."""

_BEACON = "beacon"
_EXECUTION = "execution"
_RECORD = "record"
_WAITING = "ssv_duty_scheduler_waiting_validators"
_SYNCED_WITHIN_BLOCKS = 64


def findings(node: Node, reports: Sequence[PodReport], nats_ready: int | None) -> dict[str, Finding]:
    """Return all conditions but Ready and Degraded. `nats_ready`: ready servers of the own bus."""
    return {
        names.SIGNER_READY: _signer(reports),
        names.SYNCED: _synced(reports),
        names.BEACON_HEALTHY: _dependency(reports, _BEACON, (CONSENSUS, DUTY_SCHEDULER), "beacon.endpoints"),
        names.EXECUTION_HEALTHY: _dependency(reports, _EXECUTION, (ETH1_LISTENER,), "execution.endpoints"),
        names.HIGHLY_AVAILABLE: _highly_available(node, reports, nats_ready),
        names.SAFETY_DELAY: _safety_delay(reports),
        names.TWIN_DETECTED: _twin(node, reports),
    }


def summary(node: Node, reports: Sequence[PodReport], nats_ready: int | None) -> dict[str, Finding]:
    """Return Ready and Degraded: every service has a pod that is ready, and some pod is not."""
    down = [service for service in SERVICES if not any(each.ready for each in _of(reports, service))]
    if has_nats(node) and not nats_ready:
        down.insert(0, NATS)
    bad = [each for each in reports if not each.ready]
    said = "; ".join(filter(None, (_said(bad), _unmade(node, [each for each in down if not _of(reports, each)]))))
    degraded: Finding = ("False", "AllReady", "every pod is ready")
    if bad or down:
        degraded = ("True", "PodsNotReady", said or f"no ready pod of {', '.join(down)}")
    if down:
        return {
            names.READY: ("False", "ServicesNotReady", f"no ready pod of {', '.join(down)}. {said}".strip()),
            names.DEGRADED: degraded,
        }
    return {names.READY: ("True", "ServicesReady", "every service has a ready pod"), names.DEGRADED: degraded}


def conditions(
    found: dict[str, Finding], before: Iterable[dict[str, Any]], generation: int, now: datetime
) -> list[Condition]:
    """Return the conditions; the time of one that is as before stays."""
    old = {each["type"]: each for each in before}
    moment = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    made = []
    for kind in names.CONDITIONS:
        status, reason, message = found.get(kind, ("Unknown", "NotLookedAt", "nothing has been seen of it yet"))
        same = old.get(kind, {}).get("status") == status
        made.append(
            Condition.model_validate(
                {
                    "type": kind,
                    "status": status,
                    "reason": reason,
                    "message": message,
                    "lastTransitionTime": old[kind]["lastTransitionTime"] if same else moment,
                    "observedGeneration": generation,
                }
            )
        )
    return made


def _signer(reports: Sequence[PodReport]) -> Finding:
    pods = _of(reports, SIGNER)
    if any(each.ready for each in pods):
        return "True", "Ready", "a signer answers"
    remedy = (
        "see that the Secrets named in operatorKey and signer.database exist and hold what the signer's log asks for"
    )
    if any(set(each.problems) == {_RECORD} for each in pods):
        remedy = "it answers, and signs for other committees; see SafetyDelay"
    return "False", "NotReady", f"{_said(pods) or 'there is no signer yet'}; {remedy}"


def _safety_delay(reports: Sequence[PodReport]) -> Finding:
    asked = [each for each in _of(reports, SIGNER) if "pod" not in each.problems]
    if not asked:
        return "Unknown", "NotReported", "no signer answers yet; see SignerReady"
    waiting = sorted({each.problems[_RECORD] for each in asked if _RECORD in each.problems})
    if waiting:
        return "True", "ColdStart", f"{'; '.join(waiting)}. Wait: it ends by itself, and nothing is signed twice"
    return "False", "RecordBelieved", "the signer's record goes back without a gap"


def _twin(node: Node, reports: Sequence[PodReport]) -> Finding:
    if not node.spec.doppelganger_protection:
        return "Unknown", "NotLooking", "doppelgangerProtection is off: nobody looks whether validators work elsewhere"
    waiting = [each.metrics.get(_WAITING) for each in _of(reports, DUTY_SCHEDULER)]
    known = [number for number in waiting if number is not None]
    if not known:
        return "Unknown", "NotReported", "no duty-scheduler says yet whether validators wait"
    if max(known) > 0:
        return (
            "Unknown",
            "Looking",
            f"{max(known):.0f} validators wait to see whether they work elsewhere. Wait for two epochs; where it lasts "
            "longer, see who else runs their keys",
        )
    return "False", "NobodySeen", "no validator waits"


def _synced(reports: Sequence[PodReport]) -> Finding:
    lags = [each.metrics.get("ssv_eth1_listener_lag_blocks") for each in _of(reports, ETH1_LISTENER) if each.metrics]
    known = [lag for lag in lags if lag is not None]
    if not known:
        return "Unknown", "NotReported", "no eth1-listener says how far it has read; see ExecutionHealthy"
    if min(known) > _SYNCED_WITHIN_BLOCKS:
        return "False", "Reading", f"the registry is {min(known):.0f} blocks behind the chain; it takes its time once"
    return "True", "Synced", "the registry follows the chain"


def _dependency(reports: Sequence[PodReport], word: str, services: Sequence[str], field: str) -> Finding:
    pods = [each for service in services for each in _of(reports, service)]
    asked = [each for each in pods if "pod" not in each.problems]
    if not asked:
        return "Unknown", "NotReported", f"no pod of {' or '.join(services)} answers yet"
    reasons = sorted({text for each in asked for name, text in each.problems.items() if word in name})
    if reasons:
        return "False", "Unreachable", f"{'; '.join(reasons)}. See whether the nodes in {field} run and may be reached"
    return "True", "Reachable", "every service that needs it reaches it"


def _highly_available(node: Node, reports: Sequence[PodReport], nats_ready: int | None) -> Finding:
    if node.spec.preset != "ha":
        return "False", "PresetSingle", "preset single runs one pod a service; take preset ha with a PostgreSQL"
    thin = [service for service in SERVICES if replicas(node, service) < 2]
    if thin or (has_nats(node) and replicas(node, NATS) < 3):
        which = [*thin, *([] if not has_nats(node) or replicas(node, NATS) >= 3 else [NATS])]
        return "False", "TooFewReplicas", f"one pod only of {', '.join(which)}; raise replicas"
    missing = [each for each in SERVICES if sum(pod.ready for pod in _of(reports, each)) < 2]
    if missing or (has_nats(node) and (nats_ready or 0) < 3):
        which = [*missing, *([NATS] if has_nats(node) and (nats_ready or 0) < 3 else [])]
        return "False", "PodsNotReady", f"fewer ready pods than it takes of {', '.join(which)}; see Degraded"
    return "True", "AnyPodMayDie", "every service has a ready pod to spare"


def _unmade(node: Node, services: Sequence[str]) -> str:
    workloads = [child_name(node, each) for each in services if each in SERVICES]
    if not workloads:
        return ""
    return (
        f"no pods were made of {', '.join(workloads)}: `kubectl get events` tells why, such as a quota or Pod Security"
    )


def _of(reports: Sequence[PodReport], service: str) -> list[PodReport]:
    return [each for each in reports if each.service == service]


def _said(reports: Sequence[PodReport]) -> str:
    lines = [f"{each.pod}: {name}: {text}" for each in reports for name, text in each.problems.items()]
    return "; ".join(lines[:8]) + (f"; and {len(lines) - 8} more" if len(lines) > 8 else "")
