"""What this library raises on purpose; nothing else leaves it, whatever a peer sends."""


class GossipError(Exception):
    """Root of the errors below."""


class DecodeError(GossipError):
    """Bytes of a peer that are no RPC, or one beyond the limits. The stream they came on is of no further use."""


class ParameterError(GossipError):
    """A parameter outside the range that the specification gives it; the text names it and the rule."""
