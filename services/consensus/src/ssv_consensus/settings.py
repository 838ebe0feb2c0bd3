"""Settings of a consensus worker."""

from __future__ import annotations

from typing import Self

from pydantic import Field, field_validator, model_validator

from ssv_protocol.runners.seats import DEFAULT_GAS_LIMIT
from ssv_runtime.settings import ServiceSettings

GRAFFITI_BYTES = 32
SAFE_PROPOSER_DELAY_S = 1.65
"""Beyond it a block comes so late that others may attest to its parent."""


class ConsensusSettings(ServiceSettings):
    """Whom a worker asks, and how much it keeps."""

    signer_target: str = Field(description="gRPC address of the signer, or of each replica with commas between them")
    registry_target: str = Field(description="The eth1-listener's gRPC address, host:port")
    beacon_urls: list[str] = Field(min_length=1, description="Beacon nodes by URL, the best first; all are used")
    beacon_deadline_s: float = Field(2.0, gt=0, description="How long a beacon node may take for an answer")
    same_roots: bool = Field(False, description="Agree only to votes with the checkpoint roots that the own node sees")
    graffiti: str = Field("", description="What blocks of this operator's beacon node carry, at most 32 bytes")
    builder_boost_percent: int | None = Field(
        None,
        ge=0,
        description="How a builder's bid weighs against the node's own block; None: as the node has it",
    )
    gas_limit: int = Field(
        DEFAULT_GAS_LIMIT, gt=0, description="What registrations ask of builders; all operators must ask for the same"
    )
    proposer_delay_s: float = Field(
        0.0, ge=0, description="How long after the slot's start a block is asked for; more than 1.65 is refused"
    )
    unsafe_proposer_delay: bool = Field(False, description="Allow a proposer_delay_s of more than 1.65")
    combine_threads: int = Field(2, ge=1, description="Threads that put signatures together")
    records_max_age_s: float = Field(86_400.0, gt=0, description="How long the bus keeps records of duties")
    records_max_bytes: int = Field(256 * 1024 * 1024, gt=0, description="How much the bus keeps of them")

    @field_validator("graffiti")
    @classmethod
    def _fits_a_block(cls, graffiti: str) -> str:
        if len(graffiti.encode()) > GRAFFITI_BYTES:
            raise ValueError(f"graffiti has more than {GRAFFITI_BYTES} bytes")
        return graffiti

    @model_validator(mode="after")
    def _proposes_in_time(self) -> Self:
        if self.proposer_delay_s > SAFE_PROPOSER_DELAY_S and not self.unsafe_proposer_delay:
            raise ValueError(
                f"proposer_delay_s of more than {SAFE_PROPOSER_DELAY_S} loses blocks; unsafe_proposer_delay allows it"
            )
        return self
