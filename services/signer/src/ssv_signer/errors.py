"""What keeps the signer from starting or from taking a share. Each text is one sentence with its remedy, no secret."""

from ssv_protocol.errors import SsvError
from ssv_runtime.settings import SettingsError


class StartRefused(SettingsError):
    """The signer must not start with these files."""


class ShareRefused(SsvError):
    """The request to hold or let go of a share is wrong in itself; nothing changed."""


class ShareKeyMissing(SsvError):
    """The external store does not hold the share's key; nothing changed, and the same request succeeds when it does."""


class HoldRefused(SsvError):
    """Shares are not held for as long as was asked; nothing changed."""


class ShareConflict(SsvError):
    """The request does not fit what the signer holds; nothing changed."""
