"""What the slot of a message decides: size, domain, role (14, 16, 17), topic (25), when it may come (46, 60).

Source: ssvlabs/ssv message/validation (slot time, topic); SIP "fork support": every rule by the message's slot.
"""

from __future__ import annotations

from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.forks import Network
from ssv_protocol.signing import message_id as canonical
from ssv_protocol.signing.verdict import DenialReason
from ssv_protocol.types.ids import Instant, Slot
from ssv_protocol.types.message_id import message_role
from ssv_protocol.types.messages import SSVMessage
from ssv_protocol.types.roles import MsgType, RunnerRole
from ssv_protocol.validation.directory import KnownCommittee
from ssv_protocol.validation.limits import MAX_BATCH_BYTES, MAX_DATA_BYTES
from ssv_protocol.validation.topology import LATE_SLOTS, topic_at
from ssv_protocol.validation.verdict import GossipReason, Refusal, refuse

CLOCK_ERROR_S = 0.05
LATE_MARGIN_S = 3.0
_ROLES = frozenset(RunnerRole) - {RunnerRole.UNKNOWN}
_SHORT_LIVED = frozenset({RunnerRole.PROPOSER, RunnerRole.SYNC_COMMITTEE_CONTRIBUTION})
_NEVER_LATE = frozenset({RunnerRole.VALIDATOR_REGISTRATION, RunnerRole.VOLUNTARY_EXIT})


def check_message(network: Network, message: SSVMessage, slot: Slot) -> Refusal | None:
    """Check a message of `slot` that is not opened yet: size, domain, role."""
    fork = network.ssv_fork_at(slot)
    limit = (MAX_BATCH_BYTES if message.msg_type == MsgType.PARTIAL_SIGNATURE else MAX_DATA_BYTES)[fork]
    if len(message.data) > limit:
        return refuse(GossipReason.DATA_TOO_LARGE, f"{len(message.data)} bytes, at most {limit}")
    denied = canonical.check(network, message.msg_id, slot)
    if denied is None:
        return None
    if denied.reason is DenialReason.WRONG_DOMAIN:
        return refuse(GossipReason.WRONG_DOMAIN, denied.detail)
    if denied.reason is DenialReason.WRONG_ROLE:
        known = message_role(message.msg_id) in _ROLES
        return refuse(GossipReason.ROLE_OF_OTHER_FORK if known else GossipReason.UNKNOWN_ROLE, denied.detail)
    # other nodes do not look at the padding, so an honest one may have forwarded it
    return refuse(GossipReason.COMMITTEE_PADDING)


def check_topic(network: Network, slot: Slot, committee: KnownCommittee, topic: str) -> Refusal | None:
    """Check that the committee talks on `topic` at `slot`."""
    expected = topic_at(network, slot, committee.operator_ids)
    return None if topic == expected else refuse(GossipReason.WRONG_TOPIC, f"{topic} instead of {expected}")


def check_time(chain: BeaconChain, role: int, slot: Slot, at: Instant) -> Refusal | None:
    """Check that a message of `slot` may come at `at`."""
    early_s = chain.slot_start(slot) - at
    if early_s > CLOCK_ERROR_S:
        return refuse(GossipReason.TOO_EARLY, f"slot {slot} begins in {early_s:.3f} s")
    if role in _NEVER_LATE:
        return None
    late_s = at - chain.slot_start(Slot(slot + life_slots(chain, role)))
    if late_s > LATE_MARGIN_S + CLOCK_ERROR_S:
        return refuse(GossipReason.TOO_LATE, f"{late_s:.3f} s after the life of slot {slot}")
    return None


def life_slots(chain: BeaconChain, role: int) -> int:
    """Return how many slots after its own a message of a role that can be late may still come."""
    return LATE_SLOTS + (1 if role in _SHORT_LIVED else chain.slots_per_epoch)
