"""Settings of the duty-scheduler."""

from __future__ import annotations

from pydantic import Field

from ssv_duty_scheduler.slashing_reaction import OnSlashing
from ssv_ethereum.beacon.http import DEFAULT_DEADLINE_S
from ssv_runtime.settings import ServiceSettings


class DutySchedulerSettings(ServiceSettings):
    """Whom to ask for validators, duties and shares."""

    registry_target: str = Field(description="The eth1-listener's gRPC address, host:port")
    signer_target: str = Field(description="gRPC address of the signer, or of each replica with commas between them")
    beacon_urls: list[str] = Field(min_length=1, description="Beacon nodes by URL, the best first; all are used")
    builder_registrations: bool = Field(
        True, description="Whether the validators are registered with builders, for blocks that builders make"
    )
    doppelganger_protection: bool = Field(
        True,
        description="Whether validators wait for two epochs, or for the other operators to sign, before they attest "
        "and propose, unless the signer proves that they never stopped here",
    )
    on_slashing: OnSlashing = Field(
        OnSlashing.STOP_VALIDATOR,
        description="What has no duties any more when an own validator was slashed: stop-validator, stop-all or ignore",
    )
    beacon_deadline_s: float = Field(DEFAULT_DEADLINE_S, gt=0, description="Longest wait for a beacon node's answer")
