"""How peers of the SSV network reach the gateways."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from ssv_kube.model.fields import Enr, IpAddress, Multiaddr, Part

P2P_PORT = 13001
DISCOVERY_PORT = 12001
NODE_PORT_FIRST, NODE_PORT_LAST = 30000, 32767

_Text = Annotated[str, StringConstraints(max_length=1024)]


class Exposure(Part):
    """The way in from outside the cluster; each gateway is a peer of its own and gets its own address."""

    type: Literal["None", "LoadBalancer", "NodePort", "HostPort"] = Field(
        default="None",
        description="None: peers are only dialled, which is enough to take part but not to be found. "
        "HostPort: a namespace under Pod Security baseline or restricted does not take such pods",
    )
    port: int = Field(default=P2P_PORT, ge=1, le=65535, description="TCP port of LoadBalancer and HostPort, for gossip")
    discovery_port: int = Field(
        default=DISCOVERY_PORT, ge=1, le=65535, description="UDP port of LoadBalancer and HostPort, for discovery"
    )
    first_node_port: int | None = Field(
        default=None,
        ge=NODE_PORT_FIRST,
        le=NODE_PORT_LAST,
        description="NodePort of gateway 0, for gossip and discovery alike; the others follow on",
    )
    annotations: Annotated[dict[str, _Text], Field(max_length=32)] = Field(
        default_factory=dict, description="For the Services, such as a cloud's load balancer wants"
    )


class Peering(Part):
    """The gateways' side of the network."""

    exposure: Exposure = Field(default_factory=Exposure)
    static_peers: Annotated[list[Multiaddr], Field(max_length=64)] = Field(
        default_factory=list, description="Multiaddrs with /p2p/… of peers to stay connected to"
    )
    max_peers: int | None = Field(
        default=None, ge=8, le=150, description="Peers of each gateway; unset: as the gateway has it"
    )
    discovery: bool = Field(
        default=False, description="Find peers by Node Discovery v5 (UDP), besides the static ones, and be found"
    )
    discovery_legacy: bool = Field(default=True, description="Speak discv5 besides ssvdv5")
    bootnodes: Annotated[list[Enr], Field(max_length=32)] = Field(
        default_factory=list, description="Records (enr:…) to begin with, besides those of the network file"
    )
    announce_ip: IpAddress | None = Field(
        default=None,
        description="Address where peers reach the gateways; unset: a load balancer's own, else what peers say of it",
    )
    announce_tcp_port: int | None = Field(
        default=None,
        ge=1,
        le=65535,
        description="Port of gossip as peers see it, of gateway 0; the others follow on; unset: the exposure's",
    )
    announce_udp_port: int | None = Field(
        default=None,
        ge=1,
        le=65535,
        description="Port of discovery as peers see it, of gateway 0; the others follow on; unset: the exposure's",
    )
