"""All children of a node but for Secrets, in the order in which they are applied.

Secrets are apart because they are not made of the spec alone: what is in them is random, kept and renewed.
"""

from __future__ import annotations

from ssv_kube.resources.cert_manager import cert_manager
from ssv_kube.resources.config_maps import config_maps
from ssv_kube.resources.disruption_budgets import disruption_budgets
from ssv_kube.resources.nats import nats
from ssv_kube.resources.network_policies import network_policies
from ssv_kube.resources.node import Node, Surroundings
from ssv_kube.resources.objects import Manifest
from ssv_kube.resources.service_accounts import service_accounts
from ssv_kube.resources.service_monitors import service_monitors
from ssv_kube.resources.services import services
from ssv_kube.resources.workloads import workloads


def children(node: Node, around: Surroundings) -> list[Manifest]:
    """Return the manifests: what others need first, the pods last."""
    return [
        *network_policies(node, around),
        *service_accounts(node),
        *config_maps(node, around),
        *cert_manager(node, around),
        *services(node),
        *disruption_budgets(node),
        *nats(node, around),
        *workloads(node, around),
        *service_monitors(node),
    ]
