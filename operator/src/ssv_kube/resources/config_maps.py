"""ConfigMaps: the settings file of each service, and the network file."""

from __future__ import annotations

from hashlib import sha256

from ssv_kube.resources.announcements import announcement, gateway_name
from ssv_kube.resources.node import Node, Surroundings
from ssv_kube.resources.objects import Manifest, child_name, metadata
from ssv_kube.resources.settings_files import settings_file
from ssv_kube.resources.sizing import SERVICES, replicas
from ssv_runtime.names import P2P_GATEWAY

NETWORK_KEY = "network.json"
SETTINGS_KEY = "settings.toml"


def config_maps(node: Node, around: Surroundings) -> list[Manifest]:
    """Return all of them; the network's is not among them where the spec names one."""
    made = [_config_map(node, service, settings(node, around, service)) for service in SERVICES]
    if node.spec.network.config_map is None:
        made.append(_config_map(node, "network", {NETWORK_KEY: around.network_file}))
    return made


def settings(node: Node, around: Surroundings, service: str) -> dict[str, str]:
    """Return a service's settings files by name: one for all its pods, but one for each gateway."""
    if service != P2P_GATEWAY:
        return {SETTINGS_KEY: settings_file(node, service)}
    return {
        f"{gateway_name(node, ordinal)}.toml": settings_file(node, service, announcement(node, around, ordinal))
        for ordinal in range(replicas(node, service))
    }


def settings_hash(node: Node, around: Surroundings, service: str) -> str:
    """Return what changes when the files that a service reads at its start change."""
    files = [*settings(node, around, service).values(), around.network_file]
    return sha256("\0".join(files).encode()).hexdigest()[:16]


def _config_map(node: Node, component: str, data: dict[str, str]) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(node, child_name(node, component), component),
        "data": data,
    }
