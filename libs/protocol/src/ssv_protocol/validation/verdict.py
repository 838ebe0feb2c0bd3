"""What gossip validation answers.

`Accept`: hand it to the workers, and forward it if it says so. `Ignore`: drop it without blame. `Reject`: drop it and
blame the peer that brought it. Which of the two a reason has stands in `rules.py`, and nowhere else.

Source: libp2p specs, pubsub/gossipsub-v1.1.md (extended validators).
"""

from __future__ import annotations

from dataclasses import dataclass

from ssv_protocol.types.ids import CommitteeId, Slot
from ssv_protocol.validation.rules import RULES, Consequence, GossipReason

__all__ = ["Accept", "GossipReason", "GossipVerdict", "Ignore", "Refusal", "Reject", "refuse", "spare_forwarder",
           "spare_if_stale"]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Accept:
    """A message of this committee and slot, signed by whom it says.

    `forward` is false for what does not go with what was forwarded before: peers would blame us for it.
    """

    committee_id: CommitteeId
    slot: Slot
    forward: bool = True


@dataclass(frozen=True, slots=True)
class Ignore:
    """Drop without blame. `detail` is for logs, never for decisions; `spared`: a rule that blames, but not now."""

    reason: GossipReason
    detail: str = ""
    spared: bool = False


@dataclass(frozen=True, slots=True)
class Reject:
    """Drop and blame. `detail` is for logs, never for decisions."""

    reason: GossipReason
    detail: str = ""


Refusal = Ignore | Reject
GossipVerdict = Accept | Refusal


def refuse(reason: GossipReason, detail: str = "") -> Refusal:
    """Return the refusal that the rule of this reason asks for."""
    return Reject(reason, detail) if RULES[reason].consequence is Consequence.REJECT else Ignore(reason, detail)


def spare_forwarder(refusal: Refusal) -> Refusal:
    """Return the refusal for a peer that is not the message's author."""
    if isinstance(refusal, Reject) and RULES[refusal.reason].of_author:
        return Ignore(refusal.reason, refusal.detail, spared=True)
    return refusal


def spare_if_stale(refusal: Refusal) -> Refusal:
    """Return the refusal for a node whose registry is behind the chain."""
    if isinstance(refusal, Reject) and RULES[refusal.reason].of_registry:
        return Ignore(refusal.reason, refusal.detail, spared=True)
    return refusal
