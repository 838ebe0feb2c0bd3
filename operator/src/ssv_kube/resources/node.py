"""What the children are made of: one SSVNode, and what the operator knows besides its spec.

Invariant: manifests depend on nothing but these values, so the same values give the same manifests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ssv_kube.model.spec import SSVNodeSpec
from ssv_kube.resources.images import Images


@dataclass(frozen=True, slots=True)
class Node:
    """One SSVNode: `uid` is that of its object, by which children are owned."""

    name: str
    namespace: str
    uid: str
    spec: SSVNodeSpec


@dataclass(frozen=True, slots=True)
class WayIn:
    """What is known of a gateway's own Service: the address and the ports that the cluster gave it."""

    ip: str | None = None
    tcp_port: int | None = None
    udp_port: int | None = None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is not in the spec.

    `operator_namespace`: where this operator runs. `network_file`: network.json, as text. `certificate_hashes`: by
    service, another one when its certificate is another. `draining`: the node is being deleted, and whoever makes work
    for the signer has to go. `ways_in`: by gateway.
    """

    images: Images
    operator_namespace: str
    network_file: str
    certificate_hashes: Mapping[str, str] = field(default_factory=dict)
    cert_manager: bool = False
    draining: bool = False
    ways_in: Mapping[str, WayIn] = field(default_factory=dict)
