"""What the router has counted since it began; a caller makes metrics of it."""

from dataclasses import dataclass


@dataclass(slots=True)
class Counts:
    """Numbers that only grow."""

    rpcs: int = 0
    graylisted_rpcs: int = 0
    excess_subscriptions: int = 0
    """RPCs ignored for their number of subscriptions."""
    received: int = 0
    """Messages in RPCs, copies included."""
    duplicates: int = 0
    foreign_topic: int = 0
    bad_envelope: int = 0
    own_returned: int = 0
    """Messages of ours that came back and that we do not remember."""
    validation_full: int = 0
    """Dropped, and not marked as seen: a copy may come in a better moment."""
    validation_late: int = 0
    accepted: int = 0
    ignored: int = 0
    rejected: int = 0
    published: int = 0
    sent: int = 0
    """Messages that a peer's queue took, IWANT excluded."""
    dropped: int = 0
    """Messages that a peer's full queue did not take, IWANT excluded."""
