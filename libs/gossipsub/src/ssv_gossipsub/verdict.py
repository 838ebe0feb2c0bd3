"""What validation says of a message. Source: GossipSub v1.1, "Extended Validators"."""

from enum import Enum


class Verdict(Enum):
    """Accept forwards and delivers; Ignore does neither; Reject does neither and counts against all who sent it."""

    ACCEPT = "accept"
    IGNORE = "ignore"
    REJECT = "reject"
