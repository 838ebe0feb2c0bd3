"""Passwords of the services on the own bus: made once, kept, and added to when a service is new."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ssv_kube.resources.mounts import bus_secret
from ssv_kube.resources.node import Node
from ssv_kube.resources.objects import Manifest, secret
from ssv_kube.resources.sizing import NATS
from ssv_runtime.nats_permissions import PERMISSIONS


def passwords(current: Mapping[str, bytes] | None, make: Callable[[], str]) -> dict[str, str]:
    """Return a password for each service: the one in the Secret, else a new one from `make`."""
    held = {service: password.decode().strip() for service, password in (current or {}).items()}
    return {service: held.get(service) or make() for service in PERMISSIONS}


def passwords_secret(node: Node, by_service: Mapping[str, str]) -> Manifest:
    """Return the Secret with them."""
    return secret(node, bus_secret(node), NATS, {service: text.encode() for service, text in by_service.items()})
