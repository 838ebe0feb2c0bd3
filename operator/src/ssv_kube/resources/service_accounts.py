"""ServiceAccounts: one a component, none with any right, and no token in any pod."""

from __future__ import annotations

from ssv_kube.resources.node import Node
from ssv_kube.resources.objects import Manifest, child_name, metadata
from ssv_kube.resources.sizing import NATS, SERVICES, has_nats


def service_account_name(node: Node, component: str) -> str:
    """Return the account that a component's pods run under."""
    return child_name(node, component)


def service_accounts(node: Node) -> list[Manifest]:
    """Return all of them."""
    return [_account(node, component) for component in (*SERVICES, *((NATS,) if has_nats(node) else ()))]


def _account(node: Node, component: str) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": metadata(node, service_account_name(node, component), component),
        "automountServiceAccountToken": False,
    }
