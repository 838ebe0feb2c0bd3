"""Which slots a signer speaks about: recent ones, and at most an epoch ahead of its clock.

The lower bound lets records be pruned: what is below it is refused, so forgetting it is safe. The upper bound keeps
a wrong or hostile caller from burning a key's future.

Source: architecture §5.2, §5.4; ssvlabs/ssv message validation (messages live for 34 slots).
"""

from __future__ import annotations

from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.signing.verdict import DenialReason, Denied
from ssv_protocol.types.ids import Slot

TTL_SLOTS = 34
"""Slots after which no peer takes a message: an epoch of the public networks and two late slots."""


def oldest(clock: Slot) -> Slot:
    """Return the first slot that may be signed when it is `clock`; records below it may be pruned."""
    return Slot(max(0, clock - TTL_SLOTS))


def latest(chain: BeaconChain, clock: Slot) -> Slot:
    """Return the last slot that may be signed when it is `clock`: one epoch ahead."""
    return Slot(clock + chain.slots_per_epoch)


def check(chain: BeaconChain, slot: Slot, clock: Slot, *, may_be_old: bool = False) -> Denied | None:
    """Refuse a slot outside of the window; `may_be_old` lifts the lower bound (exits, registrations)."""
    if slot > latest(chain, clock):
        return Denied(DenialReason.FAR_FUTURE, f"slot {slot}, clock {clock}")
    if slot < oldest(clock) and not may_be_old:
        return Denied(DenialReason.TOO_OLD, f"slot {slot}, clock {clock}")
    return None
