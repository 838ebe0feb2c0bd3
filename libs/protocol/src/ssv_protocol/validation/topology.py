"""On which gossip topic a committee talks.

Alan spreads committees by their id, Boole by the least hash of their operators, so that committees with a common
operator often share a topic. The rule set is that of the message's slot, so around a fork a node listens on both.

Source: ssv-spec p2p/SPEC.md; SIP "network topics by MinHash"; SIP "fork support".
"""

from __future__ import annotations

from collections.abc import Collection
from hashlib import sha256

from ssv_protocol.forks import Network, SsvFork
from ssv_protocol.types.committee import committee_id
from ssv_protocol.types.ids import CommitteeId, OperatorId, Slot

TOPIC_COUNT = 128
LATE_SLOTS = 2
"""Slots after its epoch for which a message of the old rule set is still under way."""


def alan_subnet(committee: CommitteeId) -> int:
    """Return the subnet of a committee under Alan."""
    return int.from_bytes(committee, "big") % TOPIC_COUNT


def boole_subnet(operator_ids: Collection[OperatorId]) -> int:
    """Return the subnet of a committee under Boole, whatever order its operators come in."""
    return min(int.from_bytes(sha256(oid.to_bytes(8, "little")).digest(), "big") for oid in operator_ids) % TOPIC_COUNT


def topic_at(network: Network, slot: Slot, operator_ids: Collection[OperatorId]) -> str:
    """Return the topic for the messages of `slot` of the committee of these operators."""
    return _topic(network, network.ssv_fork_at(slot), operator_ids)


def topics_around(network: Network, slot: Slot, operator_ids: Collection[OperatorId]) -> frozenset[str]:
    """Return where to listen for a committee during `slot`: one topic, or two around a fork.

    The new topic is joined an epoch ahead; the old one is kept for as long as its messages live.
    """
    epoch = network.chain.slots_per_epoch
    slots = (Slot(max(0, slot - epoch - LATE_SLOTS)), slot, Slot(slot + epoch))
    return frozenset(_topic(network, network.ssv_fork_at(at), operator_ids) for at in slots)


def all_topics(network: Network) -> frozenset[str]:
    """Return every topic of the network under the rule sets that it has or will have."""
    forks = [SsvFork.ALAN] if network.ssv.boole_epoch is None else [SsvFork.ALAN, SsvFork.BOOLE]
    return frozenset(_name(network, fork, subnet) for fork in forks for subnet in range(TOPIC_COUNT))


def _topic(network: Network, fork: SsvFork, operator_ids: Collection[OperatorId]) -> str:
    boole = fork is SsvFork.BOOLE
    return _name(network, fork, boole_subnet(operator_ids) if boole else alan_subnet(committee_id(operator_ids)))


def _name(network: Network, fork: SsvFork, subnet: int) -> str:
    return f"/ssv/{network.ssv.name}/boole/{subnet}" if fork is SsvFork.BOOLE else f"ssv.v2.{subnet}"
