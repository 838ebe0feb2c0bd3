"""NetworkPolicies: nothing goes in or out of the node's pods but what a table below allows.

Only the gateway faces peers. The signer hears consensus, eth1-listener, duty-scheduler (which asks what shares there
are), the cli and this operator, and dials nobody but its database. Beacon and execution nodes and databases may be
anywhere, so that egress to them is by port.

Not guaranteed: anything where the cluster's network plugin does not enforce policies.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import urlsplit

from ssv_kube.resources.node import Node, Surroundings
from ssv_kube.resources.objects import NAME, OPERATOR_APP, Manifest, child_name, metadata, selector
from ssv_kube.resources.ports import DISCOVERY, GRPC, HEALTH, NATS_CLIENTS, NATS_CLUSTER, NATS_MONITOR, P2P
from ssv_kube.resources.sizing import NATS, SERVICES, has_nats
from ssv_runtime.names import CLI, CONSENSUS, DUTY_SCHEDULER, ETH1_LISTENER, P2P_GATEWAY, SIGNER

Peers = list[dict[str, Any]]

CALLS: Final = {
    (CONSENSUS, SIGNER): GRPC,
    (CONSENSUS, ETH1_LISTENER): GRPC,
    (CONSENSUS, NATS): NATS_CLIENTS,
    (DUTY_SCHEDULER, SIGNER): GRPC,
    (DUTY_SCHEDULER, ETH1_LISTENER): GRPC,
    (DUTY_SCHEDULER, NATS): NATS_CLIENTS,
    (ETH1_LISTENER, SIGNER): GRPC,
    (P2P_GATEWAY, ETH1_LISTENER): GRPC,
    (P2P_GATEWAY, NATS): NATS_CLIENTS,
    (NATS, NATS): NATS_CLUSTER,
    (CLI, SIGNER): GRPC,
    (CLI, ETH1_LISTENER): GRPC,
    (CLI, P2P_GATEWAY): GRPC,
}
"""Who calls whom inside of the node, and on which port. The cli is a pod with the labels of that component."""
OPERATOR_CALLS: Final = (SIGNER,)
"""What this operator calls besides health: the signer, for its slashing record."""
_NAMESPACE: Final = "kubernetes.io/metadata.name"
_DNS: Final = 53
_DEFAULT_PORTS: Final = {"http": 80, "https": 443, "nats": NATS_CLIENTS, "tls": NATS_CLIENTS}


def network_policies(node: Node, around: Surroundings) -> list[Manifest]:
    """Return all of them; none when the spec wants none."""
    if not node.spec.network_policies:
        return []
    components = [*SERVICES, CLI, *((NATS,) if has_nats(node) else ())]
    return [_deny_all(node), *(_policy(node, around, each) for each in components)]


def _deny_all(node: Node) -> Manifest:
    spec = {
        "podSelector": {"matchLabels": selector(node)},
        "policyTypes": ["Ingress", "Egress"],
        "egress": [{"to": [{"namespaceSelector": {}}, _node_local_dns()], "ports": _ports([_DNS], ("UDP", "TCP"))}],
    }
    return _manifest(node, "default-deny", None, spec)


def _policy(node: Node, around: Surroundings, component: str) -> Manifest:
    ingress = [*_from_callers(node, component), *_from_lookers(node, around, component)]
    egress = [*_to_called(node, component), *_to_outside(node, component)]
    if component == P2P_GATEWAY:
        discovery = _ports([DISCOVERY], ("UDP",)) if node.spec.p2p.discovery else []
        ingress.append({"ports": [*_ports([P2P]), *discovery]})
        egress.append({"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}, {"ipBlock": {"cidr": "::/0"}}]})
    spec = {
        "podSelector": {"matchLabels": selector(node, component)},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": ingress,
        "egress": egress,
    }
    return _manifest(node, component, component, spec)


def _from_callers(node: Node, component: str) -> list[dict[str, Any]]:
    return [
        {"from": _pods(node, caller), "ports": _ports([port])}
        for (caller, called), port in CALLS.items()
        if called == component
    ]


def _from_lookers(node: Node, around: Surroundings, component: str) -> list[dict[str, Any]]:
    if component == CLI:
        return []
    health = NATS_MONITOR if component == NATS else HEALTH
    called = [health, GRPC] if component in OPERATOR_CALLS else [health]
    operator = {
        "namespaceSelector": {"matchLabels": {_NAMESPACE: around.operator_namespace}},
        "podSelector": {"matchLabels": {NAME: OPERATOR_APP}},
    }
    rules: list[dict[str, Any]] = [{"from": [operator], "ports": _ports(called)}]
    monitoring = node.spec.monitoring.namespace
    if monitoring is not None:
        namespace = {"namespaceSelector": {"matchLabels": {_NAMESPACE: monitoring}}}
        rules.append({"from": [namespace], "ports": _ports([health])})
    return rules


def _to_called(node: Node, component: str) -> list[dict[str, Any]]:
    return [
        {"to": _pods(node, called), "ports": _ports([port])}
        for (caller, called), port in CALLS.items()
        if caller == component and (called != NATS or has_nats(node))
    ]


def _to_outside(node: Node, component: str) -> list[dict[str, Any]]:
    spec = node.spec
    ports: set[int] = set()
    if component in (CONSENSUS, DUTY_SCHEDULER):
        ports |= {_port_of(url) for url in spec.beacon.endpoints}
    if component == ETH1_LISTENER:
        ports |= {_port_of(url) for url in spec.execution.endpoints}
    if component == SIGNER and spec.signer.database is not None:
        ports.add(spec.signer.database.port)
    if spec.nats.external is not None and (component, NATS) in CALLS:
        ports |= {_port_of(url) for url in spec.nats.external.url.split(",")}
    if spec.monitoring.otlp_endpoint is not None and component in SERVICES:
        ports.add(_port_of(spec.monitoring.otlp_endpoint))
    return [{"ports": _ports(sorted(ports))}] if ports else []


def _port_of(url: str) -> int:
    parts = urlsplit(url.strip())
    return parts.port or _DEFAULT_PORTS[parts.scheme]


def _pods(node: Node, component: str) -> Peers:
    return [{"podSelector": {"matchLabels": selector(node, component)}}]


def _node_local_dns() -> dict[str, Any]:
    return {"ipBlock": {"cidr": "169.254.0.0/16"}}


def _ports(ports: Iterable[int], protocols: Iterable[str] = ("TCP",)) -> list[dict[str, Any]]:
    return [{"port": port, "protocol": protocol} for port in ports for protocol in protocols]


def _manifest(node: Node, name: str, component: str | None, spec: dict[str, Any]) -> Manifest:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata(node, child_name(node, name), component),
        "spec": spec,
    }
