"""When a duty of a role begins and ends.

Attestations and sync committee messages begin a third into the slot, or a moment after the slot's head is known; all
else begins with the slot, because selection proofs and RANDAO reveals come first. A block or a contribution is worth
nothing once its slot is over. Attestations and aggregates may come a slot late. Registrations and exits are open for
an epoch: who asks for one does it in the contract, which operators read some blocks behind its head, and not all at the
same distance.

Source: protocol-core 3.8, 3.9.
"""

from __future__ import annotations

from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.types.ids import Instant, Slot
from ssv_protocol.types.roles import RunnerRole

COMMITTEE_START_SLOT_SHARE = 1 / 3
HEAD_PROPAGATION_SLOT_SHARE = 1 / 40
"""How long after a head the committee's duty begins: 300 ms of a slot of 12 s."""
DUTY_SLOTS = 2
"""How many slots a duty lasts that may come late."""
FETCH_SLOT_SHARE = 1 / 6
"""How long a beacon node may take for an aggregate or a contribution: a quick round of consensus."""
_WITHIN_THE_SLOT = frozenset({RunnerRole.PROPOSER, RunnerRole.SYNC_COMMITTEE_CONTRIBUTION})
_FOR_AN_EPOCH = frozenset({RunnerRole.VALIDATOR_REGISTRATION, RunnerRole.VOLUNTARY_EXIT})


def open_slots(role: RunnerRole, chain: BeaconChain) -> int:
    """Return how many slots a duty of a role lasts, its own included."""
    if role in _FOR_AN_EPOCH:
        return max(chain.slots_per_epoch, DUTY_SLOTS)
    return 1 if role in _WITHIN_THE_SLOT else DUTY_SLOTS


def end_of(role: RunnerRole, slot: Slot, chain: BeaconChain) -> Instant:
    """Return when a duty of `slot` ends."""
    return chain.slot_start(Slot(slot + open_slots(role, chain)))
