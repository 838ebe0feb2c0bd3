"""A leaky bucket for each IP address: how often it may connect to us.

Invariant: at most `MOST_ADDRESSES` are remembered; those that came last are.
Source: ssvlabs/ssv network/peers/connections/conn_gater.go.
"""

from __future__ import annotations

BURST = 8
DRAIN_PER_S = 4 / 30
MOST_ADDRESSES = 4096


class AddressLimit:
    """Lets an address connect 8 times at once, and 4 times in 30 s after that. Times are seconds of one clock."""

    def __init__(self) -> None:
        self._levels: dict[str, tuple[float, float]] = {}

    def admits(self, address: str, now: float) -> bool:
        """Tell whether one more connection is all right; it is counted only then."""
        level, at = self._levels.pop(address, (0.0, now))
        level = max(0.0, level - (now - at) * DRAIN_PER_S)
        admitted = level + 1 <= BURST
        self._levels[address] = (level + admitted, now)
        if len(self._levels) > MOST_ADDRESSES:
            del self._levels[next(iter(self._levels))]
        return admitted
