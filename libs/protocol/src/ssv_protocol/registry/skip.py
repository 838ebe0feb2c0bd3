"""How a handler says that an event is to be skipped; `apply.py` turns it into a `Skipped`."""

from ssv_protocol.errors import SsvError
from ssv_protocol.registry.reasons import SkipReason


class Skip(SsvError):
    """The event does not count; never leaves the registry package."""

    def __init__(self, reason: SkipReason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else str(reason))
        self.reason = reason
        self.detail = detail
