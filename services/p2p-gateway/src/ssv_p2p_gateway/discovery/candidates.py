"""Nodes that were found, and which of them to dial: those that help most on our subnets.

A node is worth most where we have nobody yet. Each chosen one counts as connected for the choice of the next. After a
try a node rests 30 s; then its worth grows back, the more slowly the more tries there were.

Invariant: at most `MOST` are kept, half an hour each after they were found last, and `MOST_OF_ADDRESS` of one address:
who makes many records must not have us dial a third party all the time.

Source: ssvlabs/ssv network/p2p/p2p_discovery.go.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from libp2p.peer.id import ID

from ssv_discv5.endpoint import is_local
from ssv_p2p_gateway.discovery.records import Found
from ssv_p2p_gateway.peers.trimming import worth_by_others

MOST = 512
MOST_OF_ADDRESS = 4
"""Addresses of private networks are exempt: one machine may run a whole network there."""
KEPT_S = 30 * 60.0
REST_S = 30.0
LONGEST_RECOVERY_S = 300.0
_ANY = 0.01
"""Worth of a peer on a subnet that has enough: it fills a place that is free."""


@dataclass(slots=True)
class _Candidate:
    found: Found
    found_at: float
    tries: int = 0
    tried_at: float = 0.0


class Candidates:
    """The pool. Times are seconds of one clock."""

    def __init__(self) -> None:
        self._pool: dict[ID, _Candidate] = {}

    def __len__(self) -> int:
        return len(self._pool)

    def add(self, found: Found, now: float) -> None:
        """Take a node that was found, or found again."""
        before = self._pool.pop(found.peer_id, None)
        if not is_local(found.ip) and sum(each.found.ip == found.ip for each in self._pool.values()) >= MOST_OF_ADDRESS:
            return
        candidate = _Candidate(found, now)
        if before is not None:
            candidate.tries, candidate.tried_at = before.tries, before.tried_at
        self._pool[found.peer_id] = candidate
        if len(self._pool) > MOST:
            del self._pool[next(iter(self._pool))]

    def choose(
        self,
        own: Collection[int],
        peers: Mapping[int, int],
        places: int,
        now: float,
        may_dial: Callable[[Found], bool],
    ) -> list[Found]:
        """Return whom to dial now, at most `places`; `peers` says how many there are on each of our subnets."""
        while self._pool and (oldest := next(iter(self._pool.values()))).found_at + KEPT_S <= now:
            del self._pool[oldest.found.peer_id]
        there = Counter(dict(peers))
        subnets = frozenset(own)
        free = {
            peer_id: (each.found.subnets & subnets, relevance**2)
            for peer_id, each in self._pool.items()
            if (relevance := _relevance(each, now)) > 0 and each.found.subnets & subnets and may_dial(each.found)
        }
        chosen: list[Found] = []
        while free and len(chosen) < places:
            best = max(free, key=lambda peer_id: _worth(free[peer_id][0], there) * free[peer_id][1])
            there.update(free.pop(best)[0])
            candidate = self._pool[best]
            candidate.tries, candidate.tried_at = candidate.tries + 1, now
            chosen.append(candidate.found)
        return chosen


def _relevance(candidate: _Candidate, now: float) -> float:
    if not candidate.tries:
        return 1.0
    waited = now - candidate.tried_at
    if waited < REST_S:
        return 0.0
    return min(1.0, waited / min(LONGEST_RECOVERY_S, REST_S * candidate.tries))


def _worth(shared: Collection[int], there: Mapping[int, int]) -> float:
    return sum(_ANY + worth_by_others(there.get(each, 0)) for each in shared)
