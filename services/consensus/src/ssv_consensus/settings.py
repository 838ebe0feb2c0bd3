"""Settings of a consensus worker."""

from __future__ import annotations

from pydantic import Field

from ssv_runtime.settings import ServiceSettings


class ConsensusSettings(ServiceSettings):
    """Whom a worker asks, and how much it keeps."""

    signer_target: str = Field(description="The signer's gRPC address, host:port")
    registry_target: str = Field(description="The eth1-listener's gRPC address, host:port")
    beacon_urls: list[str] = Field(min_length=1, description="Beacon nodes, HTTP or HTTPS; the first one is used")
    beacon_deadline_s: float = Field(2.0, gt=0, description="How long a beacon node may take for an answer")
    same_roots: bool = Field(False, description="Agree only to votes with the checkpoint roots that the own node sees")
    combine_threads: int = Field(2, ge=1, description="Threads that put signatures together")
    records_max_age_s: float = Field(86_400.0, gt=0, description="How long the bus keeps records of duties")
    records_max_bytes: int = Field(256 * 1024 * 1024, gt=0, description="How much the bus keeps of them")
