"""Settings of the gateway."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Self

from pydantic import Field, field_validator, model_validator

from ssv_discv5 import MalformedError, from_text
from ssv_p2p_gateway.addresses import discovery_address, listen_address, peer_address
from ssv_runtime.settings import GrpcServiceSettings


class GatewaySettings(GrpcServiceSettings):
    """What the gateway needs besides what every service needs."""

    registry_target: str = Field(description="The eth1-listener's gRPC address")
    data_dir: Path = Field(description="Folder that keeps the network key, and with it the peer id")
    listen_addr: str = Field("/ip4/127.0.0.1/tcp/0", description="Multiaddr to listen on; port 0 takes a free one")
    listen_addr_file: Path | None = Field(None, description="File to write the chosen address to, with the peer id")
    static_peers: list[str] = Field([], description="Multiaddrs (with /p2p/…) of peers to stay connected to")
    static_peers_file: Path | None = Field(None, description="File with more of them, one a line; read when it changes")
    gossip_degree: int = Field(8, ge=3, le=8, description="Peers of a topic to send whole messages to; less saves work")
    max_peers: int = Field(60, ge=8, le=150, description="Peers to have; 3 more for each topic, up to 150")
    limit_by_address: bool = Field(True, description="Bound the connections from one IP address, and score by it")
    gateways: int = Field(1, ge=1, description="Gateways of this operator; from two on they share its topics")
    gateway_id: str = Field("", pattern="^[A-Za-z0-9_-]{0,64}$", description="Name of this one among them, if several")
    discovery: bool = Field(False, description="Find peers by Node Discovery v5, besides the static ones")
    discovery_addr: str = Field("/ip4/127.0.0.1/udp/0", description="Multiaddr of discovery; port 0 takes a free one")
    discovery_legacy: bool = Field(True, description="Speak discv5 besides ssvdv5 on the same socket")
    bootnodes: list[str] = Field([], description="Records (enr:…) to begin with, besides those of the network file")
    announce_ip: str | None = Field(None, description="Address where peers reach us; what they say of it where unset")
    announce_tcp_port: int | None = Field(None, ge=1, le=65535, description="Port of gossip as they see it, if other")
    announce_udp_port: int | None = Field(
        None, ge=1, le=65535, description="Port of discovery as they see it, if other"
    )
    record_file: Path | None = Field(None, description="File to write the own record to, as enr:… text")
    handshake: bool = Field(True, description="Let go of peers that do not say that they are of this network")
    replay_mb: int = Field(64, ge=1, description="Megabytes of accepted messages to keep for workers that start late")

    @model_validator(mode="after")
    def _check_gateway_id(self) -> Self:
        if self.gateways > 1 and not self.gateway_id:
            raise ValueError("gateway_id is missing: of several gateways each needs a name of its own")
        return self

    @field_validator("listen_addr")
    @classmethod
    def _check_listen_addr(cls, text: str) -> str:
        listen_address(text)
        return text

    @field_validator("discovery_addr")
    @classmethod
    def _check_discovery_addr(cls, text: str) -> str:
        discovery_address(text)
        return text

    @field_validator("announce_ip")
    @classmethod
    def _check_announce_ip(cls, text: str | None) -> str | None:
        if text is not None and ip_address(text).is_unspecified:  # ValueError, too, for what is no address
            raise ValueError("nobody can reach that")
        return text

    @field_validator("bootnodes")
    @classmethod
    def _check_bootnodes(cls, texts: list[str]) -> list[str]:
        for text in texts:
            try:
                from_text(text)
            except MalformedError as error:
                raise ValueError(str(error)) from None
        return texts

    @field_validator("static_peers")
    @classmethod
    def _check_static_peers(cls, texts: list[str]) -> list[str]:
        for text in texts:
            peer_address(text)
        return texts
