"""Services: headless ones, whose clients see every pod and choose by themselves, and the way in for peers.

Their names lead to pods that are not ready too. A listener with an old registry is better than none. A signer says for
each committee whether it signs: one that waits for some of them after a cold start is not ready, and serves the others.
"""

from __future__ import annotations

from typing import Any

from ssv_kube.resources.announcements import DISCOVERY_PORT_NAME, GOSSIP_PORT_NAME, gateway_name, node_port
from ssv_kube.resources.node import Node
from ssv_kube.resources.objects import Manifest, child_name, metadata, selector
from ssv_kube.resources.pods import GRPC_SERVICES
from ssv_kube.resources.ports import DISCOVERY, GRPC, HEALTH, P2P
from ssv_kube.resources.sizing import SERVICES, replicas
from ssv_runtime.names import P2P_GATEWAY

_POD_NAME = "statefulset.kubernetes.io/pod-name"


def services(node: Node) -> list[Manifest]:
    """Return all of them, but for NATS."""
    return [_headless(node, service) for service in SERVICES] + _ways_in(node)


def headless(node: Node, component: str, ports: dict[str, int]) -> Manifest:
    """Return a Service without an address of its own: its name is the pods' addresses."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(node, child_name(node, component), component),
        "spec": {
            "clusterIP": "None",
            "publishNotReadyAddresses": True,
            "selector": selector(node, component),
            "ports": [_port(name, port) for name, port in ports.items()],
        },
    }


def _headless(node: Node, service: str) -> Manifest:
    ports = {"health": HEALTH} | ({"grpc": GRPC} if service in GRPC_SERVICES else {})
    return headless(node, service, ports)


def _ways_in(node: Node) -> list[Manifest]:
    if node.spec.p2p.exposure.type not in ("LoadBalancer", "NodePort"):
        return []
    return [_way_in(node, ordinal) for ordinal in range(replicas(node, P2P_GATEWAY))]


def _way_in(node: Node, ordinal: int) -> Manifest:
    exposure = node.spec.p2p.exposure
    ports = [_port(GOSSIP_PORT_NAME, exposure.port) | {"targetPort": P2P}]
    if node.spec.p2p.discovery:
        udp = {"targetPort": DISCOVERY, "protocol": "UDP"}
        ports.append(_port(DISCOVERY_PORT_NAME, exposure.discovery_port) | udp)
    number = node_port(node, ordinal) if exposure.type == "NodePort" else None
    if number is not None:
        ports = [each | {"nodePort": number} for each in ports]
    name = gateway_name(node, ordinal)
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(node, name, P2P_GATEWAY, exposure.annotations),
        "spec": {
            "type": exposure.type,
            "externalTrafficPolicy": "Local",  # the gateway scores peers by their address
            "selector": selector(node, P2P_GATEWAY) | {_POD_NAME: name},
            "ports": ports,
        },
    }


def _port(name: str, port: int) -> dict[str, Any]:
    return {"name": name, "port": port, "targetPort": port, "protocol": "TCP"}
