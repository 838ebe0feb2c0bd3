"""The node's own NATS with JetStream: one server, or three that agree.

Its configuration holds the passwords of the services, so it is a Secret. Clients and servers speak TLS and show their
certificates; who may say what is decided by user (`ssv_runtime.nats_permissions`).

Source: docs.nats.io, "Clustering", "JetStream clustering", "Lame duck mode".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ssv_kube.resources.mounts import DATA, TLS_DIR, Mount, secret_mount, tls_secret
from ssv_kube.resources.node import Node, Surroundings
from ssv_kube.resources.objects import CERTIFICATE_HASH, Manifest, child_name, labels, metadata, secret, selector
from ssv_kube.resources.pods import pod_frame, restricted
from ssv_kube.resources.ports import NATS_CLIENTS, NATS_CLUSTER, NATS_MONITOR
from ssv_kube.resources.services import headless
from ssv_kube.resources.settings_files import nats_servers
from ssv_kube.resources.sizing import NATS, container_resources, has_nats, replicas
from ssv_kube.resources.workloads import keep_volumes, volume_claim
from ssv_runtime.nats_permissions import nats_configuration

CONFIGURATION_KEY = "nats.conf"
_CONFIGURATION_DIR = "/etc/ssv/nats"
_STORE_DIR = "/var/lib/nats"
_RUN_DIR = "/run/nats"
_PID_FILE = f"{_RUN_DIR}/nats.pid"
_LAME_DUCK_S = 30  # the least that nats-server takes
_GRACE_S = _LAME_DUCK_S + 30


def nats(node: Node, around: Surroundings) -> list[Manifest]:
    """Return its manifests but for the Secret; none when somebody else runs it."""
    if not has_nats(node):
        return []
    ports = {"clients": NATS_CLIENTS, "cluster": NATS_CLUSTER, "health": NATS_MONITOR}
    return [headless(node, NATS, ports), _stateful_set(node, around)]


def configuration(node: Node, passwords: Mapping[str, str]) -> str:
    """Return nats-server's configuration. `passwords`: by service; the text holds them."""
    tls = {
        "cert_file": f"{TLS_DIR}/tls.crt",
        "key_file": f"{TLS_DIR}/tls.key",
        "ca_file": f"{TLS_DIR}/ca.crt",
        "verify": True,
    }
    whole = nats_configuration(passwords) | {
        "port": NATS_CLIENTS,
        "http": NATS_MONITOR,
        "tls": tls,
        "pid_file": _PID_FILE,
        "lame_duck_duration": f"{_LAME_DUCK_S}s",
        "lame_duck_grace_period": "1s",
    }
    if replicas(node, NATS) > 1:
        whole["cluster"] = {
            "name": node.name,
            "port": NATS_CLUSTER,
            "tls": tls,
            "routes": [f"nats-route://{host}:{NATS_CLUSTER}" for host in nats_servers(node)],
        }
    return json.dumps(whole, indent=2) + "\n"


def configuration_secret(node: Node, passwords: Mapping[str, str]) -> Manifest:
    """Return the Secret with the configuration."""
    content = {CONFIGURATION_KEY: configuration(node, passwords).encode()}
    return secret(node, child_name(node, NATS), NATS, content)


def _stateful_set(node: Node, around: Surroundings) -> Manifest:
    name = child_name(node, NATS)
    mounted = [
        secret_mount("configuration", _CONFIGURATION_DIR, name),
        secret_mount("tls", TLS_DIR, tls_secret(node, NATS)),
        Mount("run", _RUN_DIR, {"emptyDir": {"sizeLimit": "1Mi"}}, read_only=False),
    ]
    annotations = {CERTIFICATE_HASH: around.certificate_hashes.get(NATS, "")}
    spec = {
        "serviceName": name,
        "replicas": replicas(node, NATS),
        "podManagementPolicy": "Parallel",
        "updateStrategy": {"type": "RollingUpdate"},
        "persistentVolumeClaimRetentionPolicy": keep_volumes(),
        "selector": {"matchLabels": selector(node, NATS)},
        "template": {
            "metadata": {"labels": labels(node, NATS), "annotations": annotations},
            "spec": {
                **pod_frame(node, NATS),
                "terminationGracePeriodSeconds": _GRACE_S,
                "containers": [_container(node, around, mounted)],
                "volumes": [each.volume() for each in mounted],
            },
        },
        "volumeClaimTemplates": [volume_claim(node, DATA, node.spec.storage.nats)],
    }
    return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": metadata(node, name, NATS), "spec": spec}


def _container(node: Node, around: Surroundings, mounted: list[Mount]) -> dict[str, Any]:
    command = ["nats-server", "--config", f"{_CONFIGURATION_DIR}/{CONFIGURATION_KEY}", "--store_dir", _STORE_DIR]
    leave = ["nats-server", "--signal", f"ldm={_PID_FILE}"]
    return {
        "name": NATS,
        "image": around.images.nats,
        "imagePullPolicy": around.images.pull_policy,
        "command": [*command, "--name", "$(POD_NAME)"],
        "env": [{"name": "POD_NAME", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}}],
        "ports": [
            {"name": "clients", "containerPort": NATS_CLIENTS, "protocol": "TCP"},
            {"name": "cluster", "containerPort": NATS_CLUSTER, "protocol": "TCP"},
            {"name": "health", "containerPort": NATS_MONITOR, "protocol": "TCP"},
        ],
        "resources": container_resources(node, NATS),
        "securityContext": restricted(),
        "volumeMounts": [
            *(each.mount() for each in mounted),
            {"name": DATA, "mountPath": _STORE_DIR, "readOnly": False},
        ],
        "lifecycle": {"preStop": {"exec": {"command": leave}}},
        "startupProbe": {**_probe("/healthz?js-enabled-only=true"), "periodSeconds": 2, "failureThreshold": 60},
        "livenessProbe": {**_probe("/healthz?js-enabled-only=true"), "periodSeconds": 10, "failureThreshold": 6},
        "readinessProbe": {**_probe("/healthz?js-server-only=true"), "periodSeconds": 5, "failureThreshold": 2},
    }


def _probe(path: str) -> dict[str, Any]:
    return {"httpGet": {"path": path, "port": "health", "scheme": "HTTP"}, "timeoutSeconds": 3}
