"""Where peers reach each gateway, which is what its record in discovery says.

What the spec says wins. Else it is what the gateway's own Service turned out to be: a load balancer's address, a
NodePort that the cluster chose. What neither says is left to the gateway, which believes what peers see of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from ssv_kube.model.exposure import NODE_PORT_LAST
from ssv_kube.resources.node import Node, Surroundings, WayIn
from ssv_kube.resources.objects import Manifest, child_name
from ssv_runtime.names import P2P_GATEWAY

GOSSIP_PORT_NAME: Final = "p2p"
DISCOVERY_PORT_NAME: Final = "discovery"
_LAST_PORT: Final = 65535


def gateway_name(node: Node, ordinal: int) -> str:
    """Return the name of a gateway's pod, and of its own Service."""
    return f"{child_name(node, P2P_GATEWAY)}-{ordinal}"


def node_port(node: Node, ordinal: int) -> int | None:
    """Return the NodePort of a gateway; None when the cluster chooses."""
    first = node.spec.p2p.exposure.first_node_port
    return None if first is None else min(first + ordinal, NODE_PORT_LAST)


def announcement(node: Node, around: Surroundings, ordinal: int) -> dict[str, Any]:
    """Return a gateway's settings of what it announces; None for what it finds out itself."""
    p2p, found = node.spec.p2p, around.ways_in.get(gateway_name(node, ordinal), WayIn())
    tcp_port, udp_port = found.tcp_port, found.udp_port
    if p2p.exposure.type == "NodePort":
        fixed = node_port(node, ordinal)
        tcp_port, udp_port = fixed or tcp_port, fixed or udp_port
    elif p2p.exposure.type != "None":
        tcp_port, udp_port = p2p.exposure.port, p2p.exposure.discovery_port
    return {
        "announce_ip": p2p.announce_ip or found.ip,
        "announce_tcp_port": _following(p2p.announce_tcp_port, ordinal) or tcp_port,
        "announce_udp_port": _following(p2p.announce_udp_port, ordinal) or udp_port,
    }


def ways_in(services: Iterable[Manifest]) -> Mapping[str, WayIn]:
    """Return what the gateways' own Services turned out to be, by name."""
    return {
        each["metadata"]["name"]: _way_in(each)
        for each in services
        if each["spec"].get("type") in ("LoadBalancer", "NodePort")
    }


def _way_in(service: Manifest) -> WayIn:
    if service["spec"]["type"] == "LoadBalancer":
        found = service.get("status", {}).get("loadBalancer", {}).get("ingress") or [{}]
        return WayIn(ip=found[0].get("ip"))  # one that has a name only is found out by peers' words
    ports = {each.get("name"): each.get("nodePort") for each in service["spec"].get("ports", ())}
    return WayIn(tcp_port=ports.get(GOSSIP_PORT_NAME), udp_port=ports.get(DISCOVERY_PORT_NAME))


def _following(first: int | None, ordinal: int) -> int | None:
    return None if first is None else min(first + ordinal, _LAST_PORT)
