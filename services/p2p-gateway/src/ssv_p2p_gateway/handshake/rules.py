"""Whom to keep: peers of this network, that talk about something we listen to.

Around a fork two domains are this network's: nodes say the one of the running slot, and clocks and releases differ. The
new one counts from an epoch before the fork, the old one for as long as its messages live.

Source: ssvlabs/ssv network/peers/connections (filters); SIP "fork support".
"""

from __future__ import annotations

from collections.abc import Iterable

from ssv_p2p_gateway.handshake.errors import HandshakeError, HandshakeReason
from ssv_p2p_gateway.handshake.node_info import NodeInfo
from ssv_protocol.forks import Network
from ssv_protocol.types.ids import DomainType, Slot
from ssv_protocol.validation.topology import LATE_SLOTS


def domains_around(network: Network, slot: Slot) -> frozenset[DomainType]:
    """Return the domains of this network's peers during `slot`: one, or two around a fork."""
    epoch = network.chain.slots_per_epoch
    slots = (Slot(max(0, slot - epoch - LATE_SLOTS)), slot, Slot(slot + epoch))
    return frozenset(map(network.domain_at, slots))


def subnets_of(topics: Iterable[str]) -> frozenset[int]:
    """Return the subnets of topics, under whichever rule set each is named."""
    return frozenset(int(topic.replace("/", ".").rpartition(".")[2]) for topic in topics)


def check_network(theirs: NodeInfo, domains: frozenset[DomainType]) -> None:
    """Raise HandshakeError OTHER_NETWORK unless the peer is of one of the domains."""
    if theirs.domain not in domains:
        raise HandshakeError(HandshakeReason.OTHER_NETWORK, theirs.domain.hex())


def check_subnets(theirs: NodeInfo, own: frozenset[int]) -> None:
    """Raise HandshakeError NO_COMMON_SUBNET unless a peer that dialled us listens to something we listen to.

    Who listens to nothing yet takes everybody.
    """
    if own and not own & (theirs.subnets or frozenset()):
        raise HandshakeError(HandshakeReason.NO_COMMON_SUBNET)
