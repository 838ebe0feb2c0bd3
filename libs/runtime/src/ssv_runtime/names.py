"""The names of the services: what certificates, permissions, metrics and bus users are called by."""

from __future__ import annotations

from typing import Final

SIGNER: Final = "signer"
P2P_GATEWAY: Final = "p2p-gateway"
CONSENSUS: Final = "consensus"
DUTY_SCHEDULER: Final = "duty-scheduler"
ETH1_LISTENER: Final = "eth1-listener"
EXPORTER: Final = "exporter"
CLI: Final = "cli"

SERVICES: Final = (SIGNER, P2P_GATEWAY, CONSENSUS, DUTY_SCHEDULER, ETH1_LISTENER, EXPORTER)
"""A group drains from the end: whoever signs and publishes for the others works to the last."""
CALLERS: Final = frozenset((*SERVICES, CLI))
"""Everyone who may hold a certificate."""
