"""What can go wrong on the bus. None of these ends a service."""

from __future__ import annotations

from ssv_protocol.errors import SsvError


class BusError(SsvError):
    """Root of the bus's errors."""


class BusUnavailable(BusError):
    """There is no connection; nothing was sent, or it is unknown whether it arrived."""


class BusRefused(BusError):
    """The server refuses: permissions of this service's user, a limit, or a stream's rule."""


class NoResponders(BusError):
    """Nobody serves the subject of a request."""


class BusTimeout(BusError):
    """No answer came in time."""
