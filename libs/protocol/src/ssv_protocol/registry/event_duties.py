"""Slots of the duties that contract events ask for, the same for every operator.

Source: ssvlabs/ssv operator/validator (voluntary exit, fee recipient).
"""

from __future__ import annotations

from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.registry.state import ChainMoment
from ssv_protocol.types.ids import Instant, Slot

EVENT_DUTY_SLOTS = 4
"""Slots between a block and the duty that an event in it asks for. Part of the protocol: the slot is on the wire."""


def event_duty_slot(chain: BeaconChain, moment: ChainMoment) -> Slot:
    """Return the slot of the duty that an event of this moment asks for."""
    return Slot(chain.slot_at(Instant(moment.block_time_s)) + EVENT_DUTY_SLOTS)
