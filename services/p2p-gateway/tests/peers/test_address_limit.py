from __future__ import annotations

from ssv_p2p_gateway.peers.address_limit import MOST_ADDRESSES, AddressLimit


def test_a_burst_and_then_four_in_half_a_minute() -> None:
    limit = AddressLimit()
    assert [limit.admits("192.0.2.1", 0.0) for _ in range(10)] == [True] * 8 + [False] * 2
    assert limit.admits("192.0.2.2", 0.0)
    assert not limit.admits("192.0.2.1", 7.0)
    assert [limit.admits("192.0.2.1", 30.0) for _ in range(5)] == [True] * 4 + [False]


def test_few_addresses_are_remembered() -> None:
    limit = AddressLimit()
    for number in range(MOST_ADDRESSES + 100):
        limit.admits(str(number), float(number))
    assert len(limit._levels) == MOST_ADDRESSES
