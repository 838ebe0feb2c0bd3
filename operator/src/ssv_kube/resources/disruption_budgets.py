"""PodDisruptionBudgets: of several pods one may be taken at a time.

Invariant: a drain never waits for ever. What has one pod has no budget, and pods that are not ready may always go.
"""

from __future__ import annotations

from ssv_kube.resources.node import Node
from ssv_kube.resources.objects import Manifest, child_name, metadata, selector
from ssv_kube.resources.sizing import COMPONENTS, NATS, has_nats, replicas


def disruption_budgets(node: Node) -> list[Manifest]:
    """Return those of components with more than one pod."""
    components = [each for each in COMPONENTS if each != NATS or has_nats(node)]
    return [_budget(node, each) for each in components if replicas(node, each) > 1]


def _budget(node: Node, component: str) -> Manifest:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": metadata(node, child_name(node, component), component),
        "spec": {
            "maxUnavailable": 1,
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": {"matchLabels": selector(node, component)},
        },
    }
