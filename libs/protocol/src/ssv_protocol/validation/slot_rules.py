"""What the slot of a message decides: when it may come, its domain and roles, how large it is, and on which topic.

Source: ssvlabs/ssv message/validation (slot time, topic); SIP "fork support": every rule by the message's slot.
"""

from __future__ import annotations

from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.forks import Network
from ssv_protocol.signing import message_id as canonical
from ssv_protocol.signing.verdict import DenialReason
from ssv_protocol.types.ids import Instant, MessageId, Slot
from ssv_protocol.types.message_id import message_role
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.roles import RunnerRole
from ssv_protocol.validation.directory import KnownCommittee
from ssv_protocol.validation.limits import MAX_DATA_BYTES
from ssv_protocol.validation.topology import LATE_SLOTS, topic_at
from ssv_protocol.validation.verdict import GossipReason, Ignore, Refusal, Reject

CLOCK_ERROR_S = 0.05
LATE_MARGIN_S = 3.0
_SHORT_LIVED = frozenset({RunnerRole.PROPOSER, RunnerRole.SYNC_COMMITTEE_CONTRIBUTION})
_NEVER_LATE = frozenset({RunnerRole.VALIDATOR_REGISTRATION, RunnerRole.VOLUNTARY_EXIT})


def check_slot(
    network: Network, signed: SignedSSVMessage, slot: Slot, committee: KnownCommittee, *, topic: str, at: Instant
) -> Refusal | None:
    """Check a message of `slot` that came at `at` on `topic`."""
    message = signed.ssv_message
    limit = MAX_DATA_BYTES[network.ssv_fork_at(slot)]
    if len(message.data) > limit:
        return Reject(GossipReason.DATA_TOO_LARGE, f"{len(message.data)} bytes, at most {limit}")
    return (
        _check_id(network, message.msg_id, slot)
        or _check_topic(network, slot, committee, topic)
        or _check_time(network.chain, message_role(message.msg_id), slot, at)
    )


def _check_id(network: Network, message_id: MessageId, slot: Slot) -> Refusal | None:
    denied = canonical.check(network, message_id, slot)
    if denied is None:
        return None
    if denied.reason is DenialReason.WRONG_DOMAIN:
        return Ignore(GossipReason.WRONG_DOMAIN, denied.detail)
    if denied.reason is DenialReason.WRONG_ROLE:
        return Reject(GossipReason.ROLE_OF_OTHER_FORK, denied.detail)
    # other nodes do not look at the padding, so an honest one may have forwarded it
    return Ignore(GossipReason.COMMITTEE_PADDING)


def _check_topic(network: Network, slot: Slot, committee: KnownCommittee, topic: str) -> Refusal | None:
    expected = topic_at(network, slot, committee.operator_ids)
    return None if topic == expected else Ignore(GossipReason.WRONG_TOPIC, f"{topic} instead of {expected}")


def _check_time(chain: BeaconChain, role: int, slot: Slot, at: Instant) -> Refusal | None:
    early_s = chain.slot_start(slot) - at
    if early_s > CLOCK_ERROR_S:
        return Ignore(GossipReason.TOO_EARLY, f"slot {slot} begins in {early_s:.3f} s")
    if role in _NEVER_LATE:
        return None
    life_slots = LATE_SLOTS + (1 if role in _SHORT_LIVED else chain.slots_per_epoch)
    late_s = at - chain.slot_start(Slot(slot + life_slots))
    if late_s > LATE_MARGIN_S + CLOCK_ERROR_S:
        return Ignore(GossipReason.TOO_LATE, f"{late_s:.3f} s after the life of slot {slot}")
    return None
