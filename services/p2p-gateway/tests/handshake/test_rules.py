from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.gateway_messages import network_from_now

from ssv_p2p_gateway.handshake.errors import HandshakeError, HandshakeReason
from ssv_p2p_gateway.handshake.node_info import NodeInfo
from ssv_p2p_gateway.handshake.rules import check_network, check_subnets, domains_around, subnets_of
from ssv_protocol.forks import Network
from ssv_protocol.networks import LOCAL_ALAN_DOMAIN, LOCAL_BOOLE_DOMAIN
from ssv_protocol.types.ids import Epoch, Slot
from ssv_protocol.validation.topology import LATE_SLOTS

BEFORE = network_from_now()
NETWORK = Network(replace(BEFORE.ssv, boole_epoch=Epoch(10)), BEFORE.chain)
EPOCH = NETWORK.chain.slots_per_epoch
FORK = 10 * EPOCH
ALAN, BOOLE = LOCAL_ALAN_DOMAIN, LOCAL_BOOLE_DOMAIN


@pytest.mark.parametrize(
    ("after_fork", "domains"),
    [
        (-EPOCH - 1, {ALAN}),
        (-EPOCH, {ALAN, BOOLE}),
        (EPOCH + LATE_SLOTS - 1, {ALAN, BOOLE}),
        (EPOCH + LATE_SLOTS, {BOOLE}),
    ],
)
def test_around_a_fork_both_domains_are_this_networks(after_fork: int, domains: set[bytes]) -> None:
    assert domains_around(NETWORK, Slot(FORK + after_fork)) == domains


def test_another_networks_peer_is_refused() -> None:
    check_network(NodeInfo(ALAN), frozenset({ALAN}))
    with pytest.raises(HandshakeError) as refused:
        check_network(NodeInfo(BOOLE), frozenset({ALAN}))
    assert refused.value.reason is HandshakeReason.OTHER_NETWORK


@pytest.mark.parametrize(("own", "theirs"), [({1, 2}, {2, 3}), (set(), None), (set(), {3})])
def test_who_dialled_us_is_kept_if_it_shares_a_subnet(own: set[int], theirs: set[int] | None) -> None:
    check_subnets(NodeInfo(ALAN, subnets=None if theirs is None else frozenset(theirs)), frozenset(own))


@pytest.mark.parametrize("theirs", [{3}, set(), None])
def test_who_dialled_us_is_let_go_without_a_common_subnet(theirs: set[int] | None) -> None:
    info = NodeInfo(ALAN, subnets=None if theirs is None else frozenset(theirs))
    with pytest.raises(HandshakeError) as refused:
        check_subnets(info, frozenset({1, 2}))
    assert refused.value.reason is HandshakeReason.NO_COMMON_SUBNET


def test_topics_of_both_rule_sets_have_subnets() -> None:
    assert subnets_of(["ssv.v2.7", "/ssv/local/boole/100"]) == {7, 100}
