from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from ipaddress import ip_address

import pytest
from libp2p.crypto.secp256k1 import create_new_key_pair
from libp2p.peer.id import ID
from tests.support.gateway_messages import network_from_now

from ssv_discv5 import Endpoint, PrivateKey, Record, endpoint_pairs
from ssv_p2p_gateway.discovery.records import found, may_reach, next_domain, own_pairs
from ssv_protocol.forks import Network
from ssv_protocol.networks import LOCAL_ALAN_DOMAIN, LOCAL_BOOLE_DOMAIN
from ssv_protocol.types.ids import Epoch, Slot

NETWORK = network_from_now()
AT = endpoint_pairs(Endpoint(ip_address("127.0.0.1"), 4002))


def with_boole_at(epoch: int) -> Network:
    return replace(NETWORK, ssv=replace(NETWORK.ssv, boole_epoch=Epoch(epoch)))


def record(changes: Mapping[bytes, bytes | None], secret: bytes = b"\x07" * 32) -> Record:
    pairs = {**AT, **own_pairs(NETWORK, Slot(9), {0, 9, 127}, 13001), **changes}
    return Record.sign(PrivateKey(secret), 1, {key: value for key, value in pairs.items() if value is not None})


def test_what_is_said_is_read_again() -> None:
    secret = os.urandom(32)
    node = found(record({}, secret))
    assert node is not None
    assert node.peer_id == ID.from_pubkey(create_new_key_pair(secret).public_key)
    assert [str(address) for address in node.info.addrs] == ["/ip4/127.0.0.1/tcp/13001"]
    assert (node.domain, node.subnets) == (LOCAL_ALAN_DOMAIN, frozenset({0, 9, 127}))


def test_the_bitmap_begins_with_the_lowest_bit() -> None:
    assert record({}).get(b"subnets") == b"\x01\x02" + bytes(13) + b"\x80"
    assert record({}).get(b"ssv") == b"\x01"


def test_a_node_with_an_address_of_ipv6_alone() -> None:
    node = found(record({b"ip": None, b"tcp": None, b"ip6": ip_address("2001:db8::1").packed, b"tcp6": b"\x10\x00"}))
    assert node is not None
    assert [str(address) for address in node.info.addrs] == ["/ip6/2001:db8::1/tcp/4096"]


@pytest.mark.parametrize(
    "changes",
    [
        {b"ssv": None},
        {b"ssv": b""},
        {b"subnets": None},
        {b"subnets": bytes(16)},
        {b"subnets": b"\x01" * 15},
        {b"domaintype": None},
        {b"domaintype": b"\x01\x02\x03"},
        {b"tcp": None},
        {b"tcp": b"\x01\x02\x03"},
        {b"ip": None},
        {b"ip": b"\x7f\x00\x00"},
    ],
)
def test_nodes_that_do_not_say_enough_are_nothing_to_dial(changes: Mapping[bytes, bytes | None]) -> None:
    assert found(record(changes)) is None


def test_the_record_tells_the_domain_after_the_fork() -> None:
    assert next_domain(NETWORK, Slot(9)) == LOCAL_ALAN_DOMAIN
    forking = with_boole_at(2)
    for slot, domain in ((15, LOCAL_ALAN_DOMAIN), (16, LOCAL_BOOLE_DOMAIN)):
        pairs = own_pairs(forking, Slot(slot), {1}, 13001)
        assert (pairs[b"domaintype"], pairs[b"next_domaintype"]) == (domain, LOCAL_BOOLE_DOMAIN)


@pytest.mark.parametrize(
    ("ours", "theirs", "may"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "192.168.0.7", False),
        ("127.0.0.1", "8.8.8.8", False),
        ("192.168.0.2", "192.168.0.7", True),
        ("192.168.0.2", "8.8.8.8", True),
        ("192.168.0.2", "127.0.0.1", False),
        ("8.8.4.4", "8.8.8.8", True),
        ("8.8.4.4", "10.0.0.1", False),
        ("8.8.4.4", "127.0.0.1", False),
        ("0.0.0.0", "8.8.8.8", True),
        ("0.0.0.0", "10.0.0.1", False),
        ("0.0.0.0", "127.0.0.1", False),
    ],
)
def test_strangers_cannot_make_us_knock_at_our_neighbours_doors(ours: str, theirs: str, may: bool) -> None:
    assert may_reach(ip_address(ours), ip_address(theirs)) is may
