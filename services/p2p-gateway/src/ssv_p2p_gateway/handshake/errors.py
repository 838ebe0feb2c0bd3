"""Why a handshake fails; the peer is let go then."""

from __future__ import annotations

from enum import StrEnum

from ssv_protocol.errors import SsvError


class HandshakeReason(StrEnum):
    """What was wrong with a peer."""

    UNREACHABLE = "unreachable"
    """It does not speak the protocol, or the connection broke."""
    TIMEOUT = "timeout"
    TOO_LARGE = "too_large"
    UNREADABLE = "unreadable"
    """What it sent is no signed node info."""
    FORGED = "forged"
    """The signature is bad, or another peer's."""
    OTHER_NETWORK = "other_network"
    NO_COMMON_SUBNET = "no_common_subnet"
    UNWANTED = "unwanted"
    """Its score is bad."""


class HandshakeError(SsvError):
    """A handshake that failed. The text never repeats what the peer sent."""

    def __init__(self, reason: HandshakeReason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else str(reason))
        self.reason = reason
