"""Accepted messages of the last slots, for a worker that comes late to a duty.

Memory is bounded: beyond it, and beyond three slots, the oldest go first.

Source: architecture §3 (`ssv.replay.<committee>`), §6 (take-over).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.types.ids import CommitteeId, Instant, Slot

SLOTS = 3


@dataclass(frozen=True, slots=True)
class Received:
    """An accepted message (SSZ) and when it came."""

    data: bytes
    unix_us: int


class Replay:
    """The accepted messages of the running slot and the two before it, by committee, in the order they came."""

    def __init__(self, chain: BeaconChain, max_bytes: int) -> None:
        self._chain = chain
        self._max_bytes = max_bytes
        self._by_committee: dict[CommitteeId, deque[Received]] = {}
        self._order: deque[CommitteeId] = deque()
        self.bytes = 0

    def add(self, committee: CommitteeId, received: Received) -> None:
        """Remember a message that has just come."""
        self._by_committee.setdefault(committee, deque()).append(received)
        self._order.append(committee)
        self.bytes += len(received.data)
        self._forget_before(Instant(received.unix_us / 1e6))

    def of(self, committee: CommitteeId, at: Instant, max_bytes: int) -> list[Received]:
        """Return what is kept of a committee at `at`, the oldest first; only the newest when it is over `max_bytes`."""
        self._forget_before(at)
        found: list[Received] = []
        size = 0
        for received in reversed(self._by_committee.get(committee, ())):
            size += len(received.data)
            if size > max_bytes:
                break
            found.append(received)
        return found[::-1]

    def _forget_before(self, at: Instant) -> None:
        first = Slot(max(0, self._chain.slot_at(at) - (SLOTS - 1)))
        since_us = self._chain.slot_start(first) * 1e6
        while self._order:
            oldest = self._by_committee[self._order[0]]
            if oldest[0].unix_us >= since_us and self.bytes <= self._max_bytes:
                return
            committee = self._order.popleft()
            self.bytes -= len(oldest.popleft().data)
            if not oldest:
                del self._by_committee[committee]
