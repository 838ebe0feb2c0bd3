"""Settings of the operator itself: environment variables SSV_KUBE_…, which the chart sets."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from ssv_kube.resources.images import Images, PullPolicy


class OperatorSettings(BaseSettings):
    """Where this operator is, what it looks after, and from which images."""

    model_config = SettingsConfigDict(env_prefix="SSV_KUBE_", frozen=True)

    namespace: str = Field(description="Namespace of this operator's own pod, and of its Lease")
    pod_name: str = Field(description="Name of this operator's own pod: who holds the Lease")
    watched_namespaces: list[str] = Field(min_length=1, description="Namespaces whose SSVNodes it looks after (JSON)")
    image_repository: str = Field(description="Where the services' images are: <repository>/<service>:<tag>")
    image_tag: str = Field(description="Their tag")
    image_digests: dict[str, str] = Field(default={}, description="Digest by service, instead of the tag (JSON)")
    image_pull_policy: PullPolicy = Field(default="IfNotPresent", description="When images are pulled")
    nats_image: str = Field(description="Image of nats-server")
    resync_s: float = Field(default=30.0, gt=0, description="How often a node is looked at when nothing happens")
    export_limit_s: float = Field(default=600.0, ge=0, description="How long a deletion waits for the slashing record")
    lease_s: float = Field(default=15.0, gt=0, description="How long a leader that says nothing stays leader")
    health_host: str = Field(default="0.0.0.0", description="Address of /livez, /readyz and /metrics")  # noqa: S104
    health_port: int = Field(default=8080, ge=0, le=65535, description="Port of /livez, /readyz and /metrics")
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="Least level logged")

    @classmethod
    def read(cls) -> OperatorSettings:
        """Return what the environment says; raises pydantic.ValidationError."""
        given: dict[str, Any] = {}
        return cls(**given)

    def images(self) -> Images:
        """Return which images services run from; raises ValueError when a version is not fixed."""
        return Images(
            self.image_repository, self.image_tag, self.nats_image, self.image_digests, self.image_pull_policy
        )
