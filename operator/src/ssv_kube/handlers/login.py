"""How kopf gets at the API server as the pod's ServiceAccount.

kopf dials the account's server by its DNS name; we dial the address that every pod is told, as lightkube does. So the
operator needs no DNS to look after nodes, and both of its clients are with the same server.

Source: Kubernetes, "Accessing the Kubernetes API from a Pod".
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import kopf

HOST, PORT = "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"


def login_as_account(**given: Any) -> kopf.ConnectionInfo | None:
    """Return what the pod's ServiceAccount says; None outside of a pod."""
    found = kopf.login_with_service_account(**given)
    host, port = os.environ.get(HOST), os.environ.get(PORT)
    if found is None or not host or not port:
        return found
    return replace(found, server=f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}")
