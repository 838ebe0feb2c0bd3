"""How peers of the SSV network reach the gateways."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from ssv_kube.model.fields import Multiaddr, Part

P2P_PORT = 13001
NODE_PORT_FIRST, NODE_PORT_LAST = 30000, 32767

_Text = Annotated[str, StringConstraints(max_length=1024)]


class Exposure(Part):
    """The way in from outside the cluster; each gateway is a peer of its own and gets its own address."""

    type: Literal["None", "LoadBalancer", "NodePort", "HostPort"] = Field(
        default="None",
        description="None: peers are only dialled, which is enough to take part but not to be found. "
        "HostPort: a namespace under Pod Security baseline or restricted does not take such pods",
    )
    port: int = Field(default=P2P_PORT, ge=1, le=65535, description="Port of LoadBalancer and HostPort")
    first_node_port: int | None = Field(
        default=None, ge=NODE_PORT_FIRST, le=NODE_PORT_LAST, description="NodePort of gateway 0; the others follow on"
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
