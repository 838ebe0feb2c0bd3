"""What the operator says about a node: `SSVNode.status`.

Every condition says whether, why and, where something is wrong, what to do about it.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints

from ssv_kube.model.fields import Part

READY: Final = "Ready"
HIGHLY_AVAILABLE: Final = "HighlyAvailable"
SYNCED: Final = "Synced"
SIGNER_READY: Final = "SignerReady"
BEACON_HEALTHY: Final = "BeaconHealthy"
EXECUTION_HEALTHY: Final = "ExecutionHealthy"
SAFETY_DELAY: Final = "SafetyDelay"
TWIN_DETECTED: Final = "TwinDetected"
DEGRADED: Final = "Degraded"
CONDITIONS: Final = (
    READY,
    HIGHLY_AVAILABLE,
    SYNCED,
    SIGNER_READY,
    BEACON_HEALTHY,
    EXECUTION_HEALTHY,
    SAFETY_DELAY,
    TWIN_DETECTED,
    DEGRADED,
)

_Text = Annotated[str, StringConstraints(max_length=32768)]


class Condition(Part):
    """One thing that is so, is not, or is not known."""

    type: Annotated[str, StringConstraints(max_length=316)]
    status: Literal["True", "False", "Unknown"]
    reason: Annotated[str, StringConstraints(pattern=r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$", max_length=1024)]
    message: _Text = Field(description="Why, and what to do")
    last_transition_time: Annotated[str, Field(json_schema_extra={"format": "date-time"})]
    observed_generation: int = Field(ge=0)


class ServiceStatus(Part):
    """One service's pods."""

    wanted: int = Field(ge=0)
    ready: int = Field(ge=0)
    problems: list[_Text] = Field(default_factory=list, description="What pods say they wait for")


class SSVNodeStatus(Part):
    """How a node stands."""

    observed_generation: int = Field(
        default=0, ge=0, description="The generation of the spec that was last carried out"
    )
    phase: str = Field(
        default="", description="One word for a human: Pending, Starting, Ready, Degraded, Paused, Deleting"
    )
    message: _Text = Field(default="", description="What is wrong first, and what to do")
    certificate_issuer: Literal["operator", "cert-manager"] | None = Field(default=None, description="As it was chosen")
    validators: int | None = Field(default=None, ge=0, description="Shares that the signer may sign with")
    last_decided_slot: int | None = Field(default=None, ge=0)
    peers: int | None = Field(default=None, ge=0, description="Of all gateways")
    services: dict[str, ServiceStatus] = Field(default_factory=dict)
    committees_held: dict[str, int] = Field(default_factory=dict, description="By worker")
    conditions: list[Condition] = Field(default_factory=list)
