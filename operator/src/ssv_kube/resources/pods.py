"""The pod of a service: what StatefulSets and Deployments have in common.

Liveness looks only at the event loop, readiness at dependencies: an outage elsewhere restarts nothing. The service's
own SIGTERM handling drains, so there is no preStop hook.
"""

from __future__ import annotations

from typing import Any

from ssv_kube.resources.announcements import DISCOVERY_PORT_NAME, GOSSIP_PORT_NAME
from ssv_kube.resources.config_maps import SETTINGS_KEY, settings_hash
from ssv_kube.resources.mounts import DATA, DATA_DIR, SETTINGS_DIR, Mount, lasting, mounts
from ssv_kube.resources.node import Node, Surroundings
from ssv_kube.resources.objects import CERTIFICATE_HASH, SETTINGS_HASH, labels, selector
from ssv_kube.resources.ports import DISCOVERY, GRACE_S, GRPC, HEALTH, P2P
from ssv_kube.resources.service_accounts import service_account_name
from ssv_kube.resources.sizing import container_resources
from ssv_runtime.names import ETH1_LISTENER, P2P_GATEWAY, SIGNER

USER_ID = 10001
GATEWAY_ID = "SSV_GATEWAY_ID"
GRPC_SERVICES = (SIGNER, ETH1_LISTENER, P2P_GATEWAY)
_START_S = 120
_LOOK_S = 5


def pod_template(node: Node, around: Surroundings, service: str) -> dict[str, Any]:
    """Return the template of a service's pods."""
    mounted = mounts(node, service)
    return {
        "metadata": {
            "labels": labels(node, service),
            "annotations": {
                SETTINGS_HASH: settings_hash(node, around, service),
                CERTIFICATE_HASH: around.certificate_hashes.get(service, ""),
            },
        },
        "spec": {
            **pod_frame(node, service),
            "terminationGracePeriodSeconds": GRACE_S,
            "containers": [_container(node, around, service, mounted)],
            "volumes": [each.volume() for each in mounted],
        },
    }


def pod_frame(node: Node, component: str) -> dict[str, Any]:
    """Return what all pods share, NATS' too: who they are, where they may run, what they may not."""
    pods = node.spec.pods
    frame: dict[str, Any] = {
        "serviceAccountName": service_account_name(node, component),
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER_ID,
            "runAsGroup": USER_ID,
            "fsGroup": USER_ID,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "topologySpreadConstraints": [_spread(node, component, key) for key in _SPREAD_OVER],
        "tolerations": [each.model_dump(exclude_none=True) for each in pods.tolerations],
        "nodeSelector": pods.node_selector,
        "imagePullSecrets": [{"name": name} for name in pods.image_pull_secrets],
        "priorityClassName": pods.priority_class_name,
    }
    return {key: value for key, value in frame.items() if value not in (None, [], {})}


def restricted() -> dict[str, Any]:
    """Return the security context of every container."""
    return {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


_SPREAD_OVER = ("kubernetes.io/hostname", "topology.kubernetes.io/zone")


def _spread(node: Node, component: str, key: str) -> dict[str, Any]:
    return {
        "maxSkew": 1,
        "topologyKey": key,
        "whenUnsatisfiable": "ScheduleAnyway",  # rather two on one machine than one that waits for ever
        "labelSelector": {"matchLabels": selector(node, component)},
    }


def _container(node: Node, around: Surroundings, service: str, mounted: list[Mount]) -> dict[str, Any]:
    volumes = [each.mount() for each in mounted]
    if lasting(node, service) is not None:
        volumes.append({"name": DATA, "mountPath": DATA_DIR, "readOnly": False})
    return {
        "name": service,
        "image": around.images.of(service),
        "imagePullPolicy": around.images.pull_policy,
        "command": ["python", "-m", f"ssv_{service.replace('-', '_')}"],
        "args": ["--config", _settings_path(service)],
        "env": _environment(service),
        "ports": _ports(node, service),
        "resources": container_resources(node, service),
        "securityContext": restricted(),
        "volumeMounts": volumes,
        "startupProbe": {**_probe("/livez"), "periodSeconds": 2, "failureThreshold": _START_S // 2},
        "livenessProbe": {**_probe("/livez"), "periodSeconds": 10, "failureThreshold": 6},
        "readinessProbe": {**_probe("/readyz"), "periodSeconds": _LOOK_S, "failureThreshold": 1},
    }


def _settings_path(service: str) -> str:
    # each gateway has a file of its own, called like its pod; Kubernetes puts the variable in
    return f"{SETTINGS_DIR}/$({GATEWAY_ID}).toml" if service == P2P_GATEWAY else f"{SETTINGS_DIR}/{SETTINGS_KEY}"


def _environment(service: str) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = [{"name": "HOME", "value": "/tmp"}, {"name": "USER", "value": "ssv"}]  # noqa: S108
    if service == P2P_GATEWAY:
        pod_name = {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}
        made.append({"name": GATEWAY_ID, "valueFrom": pod_name})
    return made


def _ports(node: Node, service: str) -> list[dict[str, Any]]:
    ports: list[dict[str, Any]] = [{"name": "health", "containerPort": HEALTH, "protocol": "TCP"}]
    if service in GRPC_SERVICES:
        ports.append({"name": "grpc", "containerPort": GRPC, "protocol": "TCP"})
    if service == P2P_GATEWAY:
        p2p: dict[str, Any] = {"name": GOSSIP_PORT_NAME, "containerPort": P2P, "protocol": "TCP"}
        discovery: dict[str, Any] = {"name": DISCOVERY_PORT_NAME, "containerPort": DISCOVERY, "protocol": "UDP"}
        exposure = node.spec.p2p.exposure
        if exposure.type == "HostPort":
            p2p["hostPort"], discovery["hostPort"] = exposure.port, exposure.discovery_port
        ports += [p2p, discovery] if node.spec.p2p.discovery else [p2p]
    return ports


def _probe(path: str) -> dict[str, Any]:
    return {"httpGet": {"path": path, "port": "health", "scheme": "HTTP"}, "timeoutSeconds": 3}
