"""What can go wrong in this package: one tree, from `Discv5Error`.

Nothing else escapes: whatever bytes a stranger sends, decoding them raises `MalformedError` or succeeds.
"""


class Discv5Error(Exception):
    """Root of every error that this package raises on purpose."""


class MalformedError(Discv5Error):
    """Bytes from outside that break the specification: packet, message, record, key or signature."""


class OversizeError(Discv5Error):
    """A record above 300 bytes or a packet above 1280, asked for by our own side."""


class NoSessionError(Discv5Error):
    """A message packet that no session opens."""


class RequestFailedError(Discv5Error):
    """A request without an answer: timed out, refused for want of room, or cancelled by the end of the engine."""
