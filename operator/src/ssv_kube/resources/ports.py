"""Ports inside the node's pods, and other numbers that services and manifests must agree on."""

from __future__ import annotations

from typing import Final

GRPC: Final = 9000
HEALTH: Final = 9100
P2P: Final = 13001
DISCOVERY: Final = 12001
"""UDP; all others are TCP."""
NATS_CLIENTS: Final = 4222
NATS_CLUSTER: Final = 6222
NATS_MONITOR: Final = 8222
OPERATOR_HEALTH: Final = 8080

DRAIN_S: Final = 45
GRACE_S: Final = DRAIN_S + 20
"""Draining, then ending: more than the services take for it, so that nothing is killed that would have ended."""
