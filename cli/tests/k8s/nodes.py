"""SSVNodes as the API server would return them; their status is written by the operator's own code."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from ssv_kube.handlers.node_status import as_manifest, observed_status
from ssv_kube.handlers.observation import PodReport
from ssv_kube.model.names import API_VERSION, KIND
from ssv_kube.model.spec import SSVNodeSpec
from ssv_kube.resources.images import Images
from ssv_kube.resources.node import Node, Surroundings
from ssv_kube.resources.pods import pod_template
from ssv_kube.resources.sizing import SERVICES

Manifest = dict[str, Any]
NAMESPACE = "staking"
SPEC: Manifest = {
    "preset": "single",
    "network": {"name": "hoodi"},
    "beacon": {"endpoints": ["http://beacon:5052"]},
    "execution": {"endpoints": ["http://execution:8545"]},
    "operatorKey": {"secretName": "ssv-operator-key"},
}
METRICS = {
    "signer": {"ssv_signer_shares_active": 500.0},
    "consensus": {"ssv_consensus_committees": 7.0, "ssv_consensus_last_decided_slot": 123.0},
    "p2p-gateway": {"ssv_p2p_gateway_peers": 20.0},
}


def reports(**problems: dict[str, str]) -> list[PodReport]:
    """Return a pod of each service; `problems`: by service, with _ for -."""
    found = []
    for service in SERVICES:
        said = problems.get(service.replace("-", "_"), {})
        found.append(PodReport(service, f"ssv-{service}-0", not said, said, METRICS.get(service, {})))
    return found


def ssv_node(name: str = "ssv", seen: Sequence[PodReport] | None = None, generation: int = 1, **about: Any) -> Manifest:
    """Return an SSVNode. `seen`: what the operator saw; None: no operator looked at it."""
    metadata = {"name": name, "namespace": NAMESPACE, "generation": generation, **about}
    manifest: Manifest = {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": SPEC}
    if seen is not None:
        now = datetime(2026, 3, 1, tzinfo=UTC)
        manifest["status"] = as_manifest(observed_status(_node(name), seen, 1, "operator", {}, 1, now))
    return manifest


def pods(name: str = "ssv", tag: str = "0.1.0", restarts: int = 0) -> list[Manifest]:
    """Return the pods of a node as they run."""
    around = Surroundings(Images("ssv", tag, "nats:2.15.1"), NAMESPACE, "{}")
    made = []
    for service in SERVICES:
        template = pod_template(_node(name), around, service)
        template["metadata"] |= {"name": f"{name}-{service}-0", "namespace": NAMESPACE}
        status = {"containerStatuses": [{"name": service, "restartCount": restarts}]}
        made.append({"apiVersion": "v1", "kind": "Pod", **template, "status": status})
    return made


def _node(name: str) -> Node:
    return Node(name, NAMESPACE, "a-uid", SSVNodeSpec.model_validate(SPEC))
