"""Where files lie inside of pods, and the volumes that bring them there.

Secrets come as files, never as environment: environments show in crash reports and child processes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from ssv_kube.resources.node import Node
from ssv_kube.resources.objects import child_name
from ssv_runtime.names import ETH1_LISTENER, P2P_GATEWAY, SIGNER
from ssv_runtime.nats_permissions import PERMISSIONS

DATA: Final = "data"
DATA_DIR: Final = "/var/lib/ssv"
SETTINGS_DIR: Final = "/etc/ssv/settings"
NETWORK_FILE: Final = "/etc/ssv/network/network.json"
TLS_DIR: Final = "/etc/ssv/tls"
BUS_DIR: Final = "/etc/ssv/bus"
BUS_PASSWORD_FILE: Final = f"{BUS_DIR}/password"
BUS_CA_FILE: Final = f"{BUS_DIR}/ca.crt"
OPERATOR_KEY_DIR: Final = "/etc/ssv/operator-key"
OPERATOR_KEY_FILE: Final = f"{OPERATOR_KEY_DIR}/key"
OPERATOR_KEY_PASSWORD_FILE: Final = f"{OPERATOR_KEY_DIR}/password"
DATABASE_DIR: Final = "/etc/ssv/database"
DSN_FILE: Final = f"{DATABASE_DIR}/dsn"
_OWNER_AND_GROUP_READ: Final = 0o440


@dataclass(frozen=True, slots=True)
class Mount:
    """A volume and where it appears."""

    name: str
    path: str
    source: dict[str, Any]
    read_only: bool = True

    def volume(self) -> dict[str, Any]:
        """Return its part in the pod."""
        return {"name": self.name, **self.source}

    def mount(self) -> dict[str, Any]:
        """Return its part in the container."""
        return {"name": self.name, "mountPath": self.path, "readOnly": self.read_only}


def mounts(node: Node, service: str) -> list[Mount]:
    """Return what a service's pod mounts, but for its lasting volume."""
    made = [
        _config_map("settings", SETTINGS_DIR, child_name(node, service)),
        _config_map("network", "/etc/ssv/network", network_config_map(node)),
        secret_mount("tls", TLS_DIR, tls_secret(node, service)),
        Mount("tmp", "/tmp", {"emptyDir": {"sizeLimit": "64Mi"}}, read_only=False),  # noqa: S108
    ]
    if service in PERMISSIONS:
        made.append(_bus_password(node, service))
    if service == SIGNER:
        made += _keys(node)
    return made


def lasting(node: Node, service: str) -> str | None:
    """Return the size of a service's lasting volume; None when it has none."""
    storage = node.spec.storage
    if service == SIGNER and node.spec.signer.database is None:
        return storage.signer
    return {P2P_GATEWAY: storage.p2p_gateway, ETH1_LISTENER: storage.eth1_listener}.get(service)


def network_config_map(node: Node) -> str:
    """Return the ConfigMap with the network file."""
    return node.spec.network.config_map or child_name(node, "network")


def tls_secret(node: Node, component: str) -> str:
    """Return the Secret with a component's certificate."""
    return child_name(node, f"{component}-tls")


def bus_secret(node: Node) -> str:
    """Return the Secret with the passwords on the own bus, by service."""
    return child_name(node, "bus")


def secret_mount(name: str, path: str, secret: str, items: dict[str, str] | None = None) -> Mount:
    """Return a mounted Secret: all of it, or `items` (key → file name)."""
    source: dict[str, Any] = {"secretName": secret, "defaultMode": _OWNER_AND_GROUP_READ}
    if items is not None:
        source["items"] = [{"key": key, "path": file} for key, file in items.items()]
    return Mount(name, path, {"secret": source})


def _bus_password(node: Node, service: str) -> Mount:
    external = node.spec.nats.external
    items = {service: "password"}
    if external is None:
        return secret_mount("bus", BUS_DIR, bus_secret(node), items)
    if external.ca_key is not None:
        items[external.ca_key] = "ca.crt"
    return secret_mount("bus", BUS_DIR, external.passwords_secret, items)


def _keys(node: Node) -> list[Mount]:
    key, database = node.spec.operator_key, node.spec.signer.database
    items = {key.key: "key"} | ({key.password_key: "password"} if key.password_key else {})
    made = [secret_mount("operator-key", OPERATOR_KEY_DIR, key.secret_name, items)]
    if database is not None:
        made.append(secret_mount("database", DATABASE_DIR, database.secret_name, {database.key: "dsn"}))
    return made


def _config_map(name: str, path: str, config_map: str) -> Mount:
    return Mount(name, path, {"configMap": {"name": config_map, "defaultMode": _OWNER_AND_GROUP_READ}})
