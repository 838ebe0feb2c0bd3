from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address

from libp2p.peer.id import ID
from libp2p.peer.peerinfo import PeerInfo

from ssv_p2p_gateway.discovery.candidates import KEPT_S, MOST, MOST_OF_ADDRESS, REST_S, Candidates
from ssv_p2p_gateway.discovery.records import Found
from ssv_protocol.networks import LOCAL_ALAN_DOMAIN


def node(name: int, *subnets: int, ip: str = "127.0.0.1") -> Found:
    info = PeerInfo(ID(name.to_bytes(4, "big")), [])
    return Found(info, ip_address(ip), LOCAL_ALAN_DOMAIN, frozenset(subnets))


def pool(*nodes: Found) -> Candidates:
    candidates = Candidates()
    for each in nodes:
        candidates.add(each, 0.0)
    return candidates


def anybody(_found: Found) -> bool:
    return True


def choose(
    candidates: Candidates,
    peers: dict[int, int],
    *,
    own: tuple[int, ...] = (1, 2, 3),
    places: int = 8,
    now: float = 0.0,
    may_dial: Callable[[Found], bool] = anybody,
) -> list[Found]:
    return candidates.choose(own, peers, places, now, may_dial)


def test_who_helps_where_nobody_is_comes_first() -> None:
    enough, one_there, nobody, both = node(1, 1), node(2, 2), node(3, 3), node(4, 2, 3)
    candidates = pool(enough, one_there, nobody, both)
    assert choose(candidates, {1: 5, 2: 1, 3: 0}) == [both, nobody, one_there, enough]


def test_each_chosen_one_counts_for_the_next() -> None:
    first, same, other = node(1, 1, 2), node(2, 1, 2), node(3, 3)
    assert choose(pool(first, same, other), {}, places=2) == [first, other]


def test_nobody_is_chosen_who_shares_nothing_or_may_not_be_dialled() -> None:
    stranger, banned, good = node(1, 9), node(2, 1), node(3, 1)
    candidates = pool(stranger, banned, good)
    assert choose(candidates, {}, may_dial=lambda found: found is not banned) == [good]
    assert choose(pool(good), {}, places=0) == []


def test_after_a_try_a_node_rests_and_grows_back() -> None:
    often, seldom = node(1, 1), node(2, 1)
    candidates = pool(often)
    for tries in range(3):
        assert choose(candidates, {}, now=tries * 500.0) == [often]
    assert choose(candidates, {}, now=1000.0 + REST_S - 1) == []
    candidates.add(seldom, 1000.0)
    candidates.add(often, 1000.0)  # found again: the tries still count
    assert choose(candidates, {}, now=1000.0 + REST_S, places=1) == [seldom]
    assert choose(candidates, {}, now=1000.0 + REST_S) == [often]


def test_what_was_not_found_again_is_forgotten() -> None:
    candidates = pool(node(1, 1), node(2, 1))
    candidates.add(node(2, 1), 10.0)
    assert choose(candidates, {}, now=KEPT_S) == [node(2, 1)]
    assert len(candidates) == 1


def test_strangers_cannot_fill_the_memory() -> None:
    candidates = pool(*(node(name, 1) for name in range(MOST + 50)))
    assert len(candidates) == MOST
    assert node(MOST + 49, 1) in choose(candidates, {}, places=MOST)
    assert node(0, 1) not in choose(candidates, {}, now=REST_S, places=MOST)


def test_many_records_of_one_address_do_not_make_many_dials() -> None:
    candidates = pool(*(node(name, 1, ip="8.8.8.8") for name in range(20)), node(20, 1, ip="8.8.4.4"))
    assert len(candidates) == MOST_OF_ADDRESS + 1
    candidates.add(node(0, 2, ip="8.8.8.8"), 1.0)  # one that is there already changes
    assert node(0, 2, ip="8.8.8.8").subnets in [found.subnets for found in choose(candidates, {})]
    assert len(candidates) == MOST_OF_ADDRESS + 1
