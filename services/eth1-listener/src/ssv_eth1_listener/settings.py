"""Settings of the eth1-listener."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from ssv_eth1_listener.chain_sync import FollowRules
from ssv_ethereum.ownership import useful_processes
from ssv_ethereum.registry_blocks import FIRST_LOGS_WITHIN_BLOCKS, PUBLIC_FOLLOW_DISTANCE, PUBLIC_HEAD_MAX_AGE_S
from ssv_protocol.networks import LOCAL, SsvNetwork
from ssv_runtime.settings import GrpcServiceSettings

FINALITY_BLOCKS = 128
"""How far the finalised block may be behind while all is well, generously."""


class Eth1ListenerSettings(GrpcServiceSettings):
    """Where the contract is read, where the registry is kept, who holds the shares."""

    execution_urls: list[str] = Field([], description="Execution nodes, HTTP or HTTPS, the best first; all are used")
    execution_url: str | None = Field(None, description="The same for a single one")
    registry_db: Path = Field(Path("registry.sqlite"), description="Database of the registry; one for each process")
    signer_target: str = Field(description="gRPC address of the signer, or of each replica with commas between them")
    follow_distance: int | None = Field(
        None, ge=0, description="Blocks to stay behind the head; unset: 8, and 0 on the local network"
    )
    poll_interval_s: float = Field(1.0, gt=0, description="Pause between two looks at the head")
    finalized_only: bool = Field(False, description="Read finalised blocks only; about 15 minutes behind the head")
    lag_limit_blocks: int = Field(
        16, ge=0, description="With more blocks to read than this, the registry is not the chain's any more"
    )
    head_max_age_s: float | None = Field(
        None,
        ge=0,
        description="A head older than this is a syncing node's; unset: 300, and any age on the local network",
    )
    signature_processes: int | None = Field(
        None,
        ge=0,
        description="Processes that check signatures while a long history is read; unset: one a core, up to 2",
    )
    share_check_interval_s: float = Field(60.0, gt=0, description="How often the signer's shares are compared anyway")

    @model_validator(mode="after")
    def _has_a_node(self) -> Self:
        if not self.nodes:
            raise ValueError("execution_urls: at least one execution node is needed")
        return self

    @property
    def nodes(self) -> list[str]:
        """URLs of the execution nodes, the best first."""
        return list(dict.fromkeys(self.execution_urls + ([self.execution_url] if self.execution_url else [])))

    @property
    def processes(self) -> int:
        """How many processes check signatures while a long history is read."""
        return useful_processes() if self.signature_processes is None else self.signature_processes

    def follow_rules(self, network: SsvNetwork) -> FollowRules:
        """Return how to follow the chain of `network`."""
        local = network.name == LOCAL
        distance = 0 if local else PUBLIC_FOLLOW_DISTANCE
        max_age_s = None if local else PUBLIC_HEAD_MAX_AGE_S
        return FollowRules(
            distance if self.follow_distance is None else self.follow_distance,
            self.poll_interval_s,
            max_age_s if self.head_max_age_s is None else self.head_max_age_s,
            self.finalized_only,
            self.lag_limit_blocks + (FINALITY_BLOCKS if self.finalized_only else 0),
            0 if local else FIRST_LOGS_WITHIN_BLOCKS,
        )
