"""All beacon nodes of an operator: the best answers, the next one helps out within the same request, all of them act.

A question is a function of one node, so whatever has to hold of an answer (that it decodes, that it is of the right
fork) is part of it, and an answer that does not hold sends the question to the next node.

Invariant: a node of another network is asked nothing but who it is.
Not guaranteed: that nodes agree. Attestation data is weighed (`attestation_data.py`), and the newest head is told
from older ones (`heads.py`).

Source: architecture §6; the strategies are those of other validator clients: first, best, all.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self, TypeVar

from ssv_ethereum.backoff import Sleep
from ssv_ethereum.beacon.http import DEFAULT_DEADLINE_S
from ssv_ethereum.beacon.node import BeaconNode
from ssv_ethereum.pool.asking import Good, NoBeaconNode, by_every, first_good, gathered
from ssv_ethereum.pool.look import compared, look_at
from ssv_ethereum.pool.member import Ask, Member, NoReport, PoolReport, ordered
from ssv_ethereum.pool.standing import Look, Standing
from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.types.ids import Instant

HEDGE_SLOT_SHARE = 1 / 24
"""How long the best node may take before the next one is asked as well."""
PATIENCE_SLOT_SHARE = 1 / 12
"""How long several answers are waited for where they are weighed or summed up."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class NodeState:
    """A node as it is shown; `latency_s` and `failed_share` are moving averages."""

    endpoint: str
    look: Look
    latency_s: float
    failed_share: float


class BeaconPool:
    """The beacon nodes at `urls`, the preferred ones first. Use as an async context manager.

    `deadline_s` bounds each request; after `hedge_s` without an answer the next node is asked as well.
    """

    def __init__(
        self,
        urls: Sequence[str],
        chain: BeaconChain,
        deadline_s: float = DEFAULT_DEADLINE_S,
        *,
        hedge_s: float | None = None,
        report: PoolReport | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        told = report or NoReport()
        self.chain = chain
        self._members = [Member(BeaconNode(url, deadline_s), place, told) for place, url in enumerate(urls)]
        self._hedge_s = HEDGE_SLOT_SHARE * chain.slot_duration_s if hedge_s is None else hedge_s
        self._patience_s = PATIENCE_SLOT_SHARE * chain.slot_duration_s
        self._report = told
        self._now = now
        self._acting: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections; what nodes were still to do is given up. May be called again."""
        for task in self._acting:
            task.cancel()
        await asyncio.gather(*self._acting, return_exceptions=True)
        await asyncio.gather(*(member.node.close() for member in self._members))

    # what the nodes are
    def states(self) -> list[NodeState]:
        """Return all nodes as configured."""
        return [
            NodeState(each.node.endpoint, each.record.look, each.record.latency_s, each.record.failed_share)
            for each in self._members
        ]

    def problem(self) -> str | None:
        """Return why no node can be relied on, None when one can."""
        if any(each.record.look.standing is Standing.GOOD for each in self._members):
            return None
        return "; ".join(self._problems())

    @property
    def best(self) -> BeaconNode | None:
        """The node that is asked first."""
        members = ordered(self._members)
        return members[0].node if members else None

    def may_be_asked(self, node: BeaconNode) -> bool:
        """Whether `node` is, for all that is known, of the chain."""
        return any(each.node is node and each.record.look.standing.is_usable for each in self._members)

    @property
    def nodes(self) -> list[BeaconNode]:
        """All nodes as configured, for what is followed of each by itself."""
        return [member.node for member in self._members]

    async def look(self) -> None:
        """Look at every node; what they are asked from now on depends on it."""
        slot = self.chain.slot_at(Instant(self._now()))
        looks = await asyncio.gather(*(look_at(member.node, self.chain, slot) for member in self._members))
        for member, look in zip(self._members, compared(looks), strict=True):
            member.record.looked(look)
            self._report.looked(member.node.endpoint, look.standing.name.lower(), look.problem)
        self._report.usable(self.problem())

    async def watch(self, sleep: Sleep = asyncio.sleep) -> None:
        """Look at every node once a slot, for ever."""
        loop = asyncio.get_running_loop()
        while True:
            begun = loop.time()
            await self.look()
            await sleep(max(0.0, begun + self.chain.slot_duration_s - loop.time()))

    # asking
    async def first(self, question: Ask[T], *, good: Good[T] = lambda _: True) -> T:
        """Ask the best node, and the next when it fails or is slow. See `asking.first_good`. Raises BeaconError."""
        return await first_good(self._usable(), question, hedge_s=self._hedge_s, good=good)

    async def race(self, question: Ask[T], *, good: Good[T] = lambda _: True) -> T:
        """Ask all nodes that can be relied on at once and return the first good answer. Raises BeaconError.

        The others are asked when those fail or take long, and at once where there are no others.
        """
        usable = self._usable()
        reliable = [member for member in usable if member.record.is_reliable]
        unreliable = [member for member in usable if not member.record.is_reliable]
        at_once = len(reliable) or len(unreliable)
        return await first_good(reliable + unreliable, question, hedge_s=self._patience_s, at_once=at_once, good=good)

    async def answers(self, question: Ask[T]) -> list[tuple[BeaconNode, T]]:
        """Ask all nodes and return what comes in time, of the best node first, at least one. Raises BeaconError.

        Nodes that are behind or down are not asked, and nodes that failed lately not waited for, unless there are no
        others.
        """
        usable = self._usable()
        asked = [member for member in usable if member.record.is_well] or usable
        found = await gathered(asked, question, patience_s=self._patience_s)
        return [(member.node, answer) for member, answer in found]

    async def every(self, deed: Ask[None]) -> None:
        """Have all nodes do something; return once one has. See `asking.by_every`. Raises BeaconError."""
        await by_every(self._usable(), deed, self._acting)

    def _usable(self) -> list[Member]:
        members = ordered(self._members)
        if not members:
            raise NoBeaconNode(self._problems())
        return members

    def _problems(self) -> list[str]:
        return [f"beacon node {each.node.endpoint} {each.record.look.problem}" for each in self._members]
