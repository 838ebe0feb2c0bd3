"""ServiceMonitor: one for all services of the node, where the Prometheus operator is."""

from __future__ import annotations

from ssv_kube.resources.node import Node
from ssv_kube.resources.objects import COMPONENT, Manifest, metadata, selector
from ssv_kube.resources.sizing import SERVICES

API_VERSION = "monitoring.coreos.com/v1"


def service_monitors(node: Node) -> list[Manifest]:
    """Return it, or nothing when the spec does not want it."""
    if not node.spec.monitoring.service_monitor:
        return []
    made = metadata(node, node.name)
    made["labels"] |= node.spec.monitoring.service_monitor_labels
    return [
        {
            "apiVersion": API_VERSION,
            "kind": "ServiceMonitor",
            "metadata": made,
            "spec": {
                "selector": {
                    "matchLabels": selector(node),
                    "matchExpressions": [{"key": COMPONENT, "operator": "In", "values": list(SERVICES)}],
                },
                "namespaceSelector": {"matchNames": [node.namespace]},
                "targetLabels": [COMPONENT],
                "endpoints": [{"port": "health", "path": "/metrics", "interval": "12s"}],
            },
        }
    ]
