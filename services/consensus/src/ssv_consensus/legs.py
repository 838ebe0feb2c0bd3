"""How long a duty's messages took between the services: from the gateway, at the signer, to the gateway."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from ssv_consensus.stages import percentile
from ssv_protocol.types.ids import Instant


class Leg(StrEnum):
    """One way of a message between two services."""

    BUS = "bus"
    """From the gateway's receipt to the worker's. Of two machines' clocks when they are two."""
    SIGNER = "signer"
    """From a draft to the signed message."""
    GATEWAY = "gateway"
    """From the request to publish to the gateway's answer."""


class LegTimes:
    """Every measured time of one duty."""

    def __init__(self) -> None:
        self._times_ms: dict[Leg, list[float]] = {}

    @property
    def times_ms(self) -> Mapping[Leg, Sequence[float]]:
        """The times in milliseconds, in the order of measurement."""
        return self._times_ms

    def add(self, leg: Leg, since: Instant, until: Instant) -> None:
        """Note one message; a clock that went back counts as no time."""
        self._times_ms.setdefault(leg, []).append(max(0.0, until - since) * 1000)


def medians_ms(times_ms: Mapping[Leg, Sequence[float]]) -> dict[Leg, float]:
    """Return the median of each leg that was measured."""
    return {leg: percentile(times, 0.5) for leg, times in times_ms.items() if times}
