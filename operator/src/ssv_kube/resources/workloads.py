"""StatefulSets for what keeps something or is called by name, Deployments for what does not.

Invariant: which of the two a service is never depends on the spec, for one does not become the other.
Not guaranteed: that at most one pod of a StatefulSet of one runs (a node that is cut off may still run the old one).
Nothing rests on it: leases and records are held to in the database.
"""

from __future__ import annotations

from typing import Any

from ssv_kube.resources.mounts import DATA, lasting
from ssv_kube.resources.node import Node, Surroundings
from ssv_kube.resources.objects import Manifest, child_name, metadata, selector
from ssv_kube.resources.pods import pod_template
from ssv_kube.resources.sizing import replicas
from ssv_runtime.names import CONSENSUS, DUTY_SCHEDULER, ETH1_LISTENER, P2P_GATEWAY, SIGNER

STATEFUL = (SIGNER, ETH1_LISTENER, P2P_GATEWAY)
STATELESS = (DUTY_SCHEDULER, CONSENSUS)
_REVISIONS_KEPT = 5


def workloads(node: Node, around: Surroundings) -> list[Manifest]:
    """Return all of them, but for NATS. While the node is draining those that make work for the signer have no pods."""
    return [_stateful_set(node, around, service) for service in STATEFUL] + [
        _deployment(node, around, service) for service in STATELESS
    ]


def volume_claim(node: Node, name: str, size: str) -> dict[str, Any]:
    """Return a template of volumes for one pod each."""
    claim: dict[str, Any] = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}
    if node.spec.storage.class_name is not None:
        claim["storageClassName"] = node.spec.storage.class_name
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": claim}


def keep_volumes() -> dict[str, str]:
    """Return the policy that volumes outlive their StatefulSet: the signer's record is on one."""
    return {"whenDeleted": "Retain", "whenScaled": "Retain"}


def _stateful_set(node: Node, around: Surroundings, service: str) -> Manifest:
    name = child_name(node, service)
    spec: dict[str, Any] = {
        "serviceName": name,
        "replicas": replicas(node, service),
        "revisionHistoryLimit": _REVISIONS_KEPT,
        "podManagementPolicy": "Parallel",
        "updateStrategy": {"type": "RollingUpdate"},
        "persistentVolumeClaimRetentionPolicy": keep_volumes(),
        "selector": {"matchLabels": selector(node, service)},
        "template": pod_template(node, around, service),
    }
    size = lasting(node, service)
    if size is not None:
        spec["volumeClaimTemplates"] = [volume_claim(node, DATA, size)]
    return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": metadata(node, name, service), "spec": spec}


def _deployment(node: Node, around: Surroundings, service: str) -> Manifest:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(node, child_name(node, service), service),
        "spec": {
            "replicas": 0 if around.draining else replicas(node, service),
            "revisionHistoryLimit": _REVISIONS_KEPT,
            # the successor is there before the predecessor drains: two at a time are safe, none misses duties
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "selector": {"matchLabels": selector(node, service)},
            "template": pod_template(node, around, service),
        },
    }
