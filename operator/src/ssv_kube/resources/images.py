"""Which image a service runs from. There is no `latest`: a tag or a digest is always named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

PullPolicy = Literal["Always", "IfNotPresent", "Never"]


@dataclass(frozen=True, slots=True)
class Images:
    """Where images come from: `<repository>/<service>:<tag>`, or by digest (sha256:…) where one is given.

    Raises:
        ValueError: the tag is missing or moves.
    """

    repository: str
    tag: str
    nats: str
    digests: Mapping[str, str] = field(default_factory=dict)
    pull_policy: PullPolicy = "IfNotPresent"

    def __post_init__(self) -> None:
        for reference in (f"{self.repository}:{self.tag}", self.nats):
            _, _, tag = reference.rpartition("/")[2].partition(":")
            if tag in ("", "latest"):
                raise ValueError(f"image {reference} names no fixed version; give a tag other than latest, or a digest")

    def of(self, service: str) -> str:
        """Return the reference of a service's image."""
        digest = self.digests.get(service)
        suffix = f"@{digest}" if digest else f":{self.tag}"
        return f"{self.repository}/{service}{suffix}"
