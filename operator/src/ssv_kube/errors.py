"""Errors of the operator.

SsvError > KubeError > ClusterError > Conflict
                     > NotYet
"""

from __future__ import annotations

from ssv_protocol.errors import SsvError


class KubeError(SsvError):
    """Something that the operator could not do; the text says what, and becomes part of a node's status."""


class ClusterError(KubeError):
    """The API server refused, or could not be reached (`status` is None then)."""

    def __init__(self, text: str, status: int | None = None) -> None:
        super().__init__(text)
        self.status = status


class Conflict(ClusterError):
    """Somebody else has changed or made the object first."""


class NotYet(KubeError):
    """Something outside is missing; `reason` is a condition's reason, the text says what to do."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason
