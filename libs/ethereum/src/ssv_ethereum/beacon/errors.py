"""What can go wrong between us and a beacon node, by what the caller can do about it.

Every text is one line that names the endpoint. An endpoint is shown as scheme, host and port only: paths and user
parts of provider URLs hold access tokens.
"""

from __future__ import annotations

from dataclasses import dataclass

from yarl import URL

from ssv_protocol.errors import SsvError


def shown_endpoint(url: str) -> str:
    """Return `url` without anything that may be secret."""
    parsed = URL(url)
    return f"{parsed.scheme}://{parsed.host}:{parsed.port}"


class BeaconError(SsvError):
    """Root: a request to the beacon node `endpoint` brought no usable answer."""

    def __init__(self, endpoint: str, request: str, problem: str) -> None:
        super().__init__(f"beacon node {endpoint}, {request}: {problem}")
        self.endpoint = endpoint
        self.request = request
        self.problem = problem


class BeaconUnreachable(BeaconError):
    """No connection, or it broke before the answer was complete. Another node may do."""


class BeaconTimeout(BeaconError):
    """No complete answer before the deadline. The node may still have acted."""


class BeaconAnswerInvalid(BeaconError):
    """The answer is not what the Beacon API promises."""


class BeaconRefused(BeaconError):
    """The node answered with an error `status`."""

    def __init__(self, endpoint: str, request: str, status: int, message: str) -> None:
        super().__init__(endpoint, request, f"HTTP {status}: {message}")
        self.status = status
        self.message = message


@dataclass(frozen=True, slots=True)
class ItemFailure:
    """Why one item of a batch was refused; `index` is its place in the batch."""

    index: int
    message: str


class BatchRefused(BeaconRefused):
    """Some items of a submitted batch were refused; the others were accepted."""

    def __init__(
        self, endpoint: str, request: str, status: int, message: str, failures: tuple[ItemFailure, ...]
    ) -> None:
        first = failures[0]
        text = f"{message} ({len(failures)} refused, first at {first.index}: {first.message})"
        super().__init__(endpoint, request, status, text)
        self.failures = failures
