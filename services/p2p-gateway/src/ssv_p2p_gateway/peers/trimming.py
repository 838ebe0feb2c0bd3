"""Which peers to let go: bad ones, then useless ones, then those worth least when there are too many.

A peer is worth most where it is one of few on a topic that we listen to. Static peers are let go for their score only.

Source: ssvlabs/ssv network/p2p/p2p.go (trim), network/p2p/p2p_discovery.go (scores of subnets).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from random import Random

from ssv_gossipsub import PeerId

USELESS_AT_ONCE = 3
WORST_AT_ONCE = 4
SOME_PEERS = 60
PEERS_PER_TOPIC, MANY_PEERS = 3, 150
_WORTH_BY_OTHERS = (16, 4, 1)
_INBOUND_TURN = 5


@dataclass(frozen=True, slots=True)
class Candidate:
    """A connected peer. `settled` when it had time to say what it listens to."""

    peer: PeerId
    inbound: bool
    settled: bool
    static: bool
    is_bad: bool
    topics: frozenset[str]


def most_peers(own_topics: int, setting: int = SOME_PEERS) -> int:
    """Return how many peers to have: more for more topics."""
    return max(setting, min(setting + PEERS_PER_TOPIC * own_topics, MANY_PEERS))


def worth_by_others(others: int) -> int:
    """Return what a peer is worth on a subnet where there are so many others."""
    return _WORTH_BY_OTHERS[others] if others < len(_WORTH_BY_OTHERS) else 0


def to_let_go(candidates: Sequence[Candidate], own_topics: Collection[str], most: int, rng: Random) -> list[PeerId]:
    """Return whom to disconnect now, for one reason at a time."""
    if bad := [one.peer for one in candidates if one.is_bad]:
        return bad
    own = frozenset(own_topics)
    free = [one for one in candidates if not one.static]
    if own and (useless := [one.peer for one in free if one.settled and not one.topics & own]):
        return useless[:USELESS_AT_ONCE]
    if len(candidates) > most - WORST_AT_ONCE:
        return _worst(free, candidates, own)
    inbound = [one for one in free if one.inbound]
    if len(inbound) >= most // 2 and rng.randrange(_INBOUND_TURN) == 0:
        return _worst(inbound, candidates, own)
    return []


def _worst(choice: Sequence[Candidate], everybody: Sequence[Candidate], own: frozenset[str]) -> list[PeerId]:
    on_topic = Counter(topic for one in everybody for topic in one.topics & own)

    def worth(one: Candidate) -> int:
        return sum(worth_by_others(on_topic[topic] - 1) for topic in one.topics & own)

    return [one.peer for one in sorted(choice, key=worth)[:WORST_AT_ONCE]]
