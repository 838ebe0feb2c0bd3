"""Names, labels and owners: what every child has.

Invariant: selectors consist of name, instance and component, which never change; versions and hashes are no part of
them.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Any, Final

from ssv_kube.model.names import API_VERSION, GROUP, KIND
from ssv_kube.resources.node import Node

Manifest = dict[str, Any]

APP: Final = "ssv"
OPERATOR_APP: Final = "ssv-operator"
MANAGER: Final = "ssv-operator"
"""Field manager of server-side apply, and who is said to manage the children."""
NAME: Final = "app.kubernetes.io/name"
INSTANCE: Final = "app.kubernetes.io/instance"
COMPONENT: Final = "app.kubernetes.io/component"
MANAGED_BY: Final = "app.kubernetes.io/managed-by"
SETTINGS_HASH: Final = f"{GROUP}/settings-hash"
CERTIFICATE_HASH: Final = f"{GROUP}/certificate-hash"


def child_name(node: Node, component: str) -> str:
    """Return what a child of `node` is called."""
    return f"{node.name}-{component}"


def selector(node: Node, component: str | None = None) -> dict[str, str]:
    """Return the labels that choose the pods of a component, or of all."""
    chosen = {NAME: APP, INSTANCE: node.name}
    return chosen if component is None else chosen | {COMPONENT: component}


def labels(node: Node, component: str | None = None) -> dict[str, str]:
    """Return the labels of a child; what carries all of them is ours to change and to delete."""
    return selector(node, component) | {MANAGED_BY: MANAGER}


def metadata(
    node: Node, name: str, component: str | None = None, annotations: dict[str, str] | None = None
) -> dict[str, Any]:
    """Return the metadata of a child, which goes when its node goes."""
    made: dict[str, Any] = {
        "name": name,
        "namespace": node.namespace,
        "labels": labels(node, component),
        "ownerReferences": [owner(node)],
    }
    return made | {"annotations": annotations} if annotations else made


def owner(node: Node) -> dict[str, Any]:
    """Return the reference to the node."""
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "name": node.name,
        "uid": node.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def secret(node: Node, name: str, component: str, content: Mapping[str, bytes], kind: str = "Opaque") -> Manifest:
    """Return a Secret. Its content is under `data`: of `stringData` server-side apply forgets who owns it."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata(node, name, component),
        "type": kind,
        "data": {key: b64encode(value).decode() for key, value in content.items()},
    }
