"""All execution nodes of an operator as one: the best is asked, the next helps out within the same request.

A question is a function of one node, so everything that belongs together (a range's logs and the headers that prove
which chain they are of) comes from one node, and an answer that does not hold sends the whole question to the next.

Invariants: a node of another chain is asked nothing but which one it is; a node that has another block than most
others at a depth where they should agree is told of and not read until it agrees again, not even when it is the last
one left, unless it agrees with what was followed so far.
Not guaranteed: that most nodes are right, or that a single one is.

Source: architecture §6.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, Self, TypeVar

from ssv_ethereum.execution.errors import (
    BlockUnknown,
    ExecutionError,
    HistoryPruned,
    NoExecutionNode,
    RangeTooLarge,
)
from ssv_ethereum.execution.node import REQUEST_TIMEOUT_S, BlockHeader, ExecutionNode
from ssv_ethereum.execution.standing import Look, Standing, lagging_marked, newest_head, preferred_hash
from ssv_ethereum.pool.member import PoolReport

T = TypeVar("T")
Question = Callable[[ExecutionNode], Awaitable[T]]
PRUNED_REMEDY = "use a node that keeps the logs of all blocks since the contract's deployment"


class ExecutionReport(PoolReport, Protocol):
    """Whoever wants to know how the nodes do."""

    def compared(self, endpoint: str, blocks_behind: int, *, disagrees: bool) -> None:
        """A node's head was compared with the newest one, its blocks with the others'."""


@dataclass(slots=True, eq=False)
class Member:
    """A node and what is known of it; `pruned` says why it can't tell the history."""

    node: ExecutionNode
    look: Look = field(default_factory=lambda: Look(Standing.UNKNOWN, "not looked at yet"))
    failures: int = 0
    pruned: str = ""

    def problem(self) -> str:
        """Say in words what is wrong with the node."""
        return f"execution node {self.node.endpoint} {self.look.problem or self.pruned or 'is good'}"


class ExecutionPool:
    """The execution nodes at `urls`, the preferred ones first. Use as an async context manager.

    `chain_id` None takes what most nodes say at the first look. Nodes are compared `follow_distance` blocks behind
    the shortest chain. `followed` is the last block that the caller relies on.
    """

    def __init__(
        self,
        urls: Sequence[str],
        *,
        report: ExecutionReport | None = None,
        chain_id: int | None = None,
        follow_distance: int = 0,
        request_timeout_s: float = REQUEST_TIMEOUT_S,
    ) -> None:
        self.chain_id = chain_id
        self.followed: tuple[int, bytes] | None = None
        self._members = [Member(ExecutionNode(url, request_timeout_s)) for url in urls]
        self._follow_distance = follow_distance
        self._report = report

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await asyncio.gather(*(member.node.close() for member in self._members))

    # what the nodes are
    @property
    def newest_head(self) -> BlockHeader | None:
        """The newest block of the good nodes at the last look."""
        return newest_head([member.look for member in self._members])

    def standings(self) -> Mapping[str, Look]:
        """Return what the last look showed, by endpoint."""
        return {member.node.endpoint: member.look for member in self._members}

    def problem(self) -> str | None:
        """Return why no node can be relied on, None when one can."""
        if any(member.look.standing is Standing.GOOD for member in self._members):
            return None
        return "; ".join(member.problem() for member in self._members)

    async def look(self) -> None:
        """Look at every node; what they are asked from now on depends on it. Never raises for the nodes' faults."""
        looks = await asyncio.gather(*(self._look_at(member) for member in self._members))
        looks = await self._disputes_marked(lagging_marked(looks))
        newest = newest_head(looks)
        for member, look in zip(self._members, looks, strict=True):
            member.look, member.failures = look, 0
            if self._report is not None:
                endpoint = member.node.endpoint
                self._report.looked(endpoint, look.standing.name.lower(), look.problem)
                behind = newest.number - look.head.number if newest is not None and look.head is not None else 0
                self._report.compared(endpoint, max(0, behind), disagrees=look.standing is Standing.DISAGREES)
        if self._report is not None:
            self._report.usable(self.problem())

    async def read(self, question: Question[T], *, history: bool = False) -> T:
        """Return the first answer: the best node is asked, the next when it fails.

        A question about the `history` is not asked of nodes that don't keep it.

        Raises:
            RangeTooLarge: at once, since another node would not give more either.
            ExecutionError: all nodes failed; the error is that of the best one.
        """
        if any(member.look.standing is Standing.UNKNOWN for member in self._members):
            await self.look()
        loop = asyncio.get_running_loop()
        errors: list[ExecutionError] = []
        for member in self._ordered(history=history):
            begun = loop.time()
            try:
                answer = await question(member.node)
            except RangeTooLarge:
                raise
            except ExecutionError as error:
                errors.append(error)
                if isinstance(error, HistoryPruned):
                    member.pruned = f"does not keep the history ({error.problem}): {PRUNED_REMEDY}"
                member.failures += not isinstance(error, BlockUnknown | HistoryPruned)
                self._asked(member, loop.time() - begun, failed=True)
                continue
            member.failures = 0
            self._asked(member, loop.time() - begun, failed=False)
            return answer
        if errors:
            raise errors[0]
        raise NoExecutionNode([member.problem() for member in self._members])

    async def hash_at(self, number: int, trusted: bytes | None = None) -> bytes | None:
        """Return the hash of block `number` as most nodes see it, None when none of them has the block.

        `trusted` decides where they are divided. Raises ExecutionError when no node answers.
        """
        members = self._ordered(history=False)
        answers = await asyncio.gather(*(member.node.header(number) for member in members), return_exceptions=True)
        hashes = {place: answer.hash for place, answer in enumerate(answers) if isinstance(answer, BlockHeader)}
        if hashes:
            return preferred_hash(hashes, trusted)
        for answer in answers:
            if isinstance(answer, BaseException) and not isinstance(answer, BlockUnknown):
                raise answer
        if not members:
            raise NoExecutionNode([member.problem() for member in self._members])
        return None

    async def mark_pruned(self, find: Question[str]) -> None:
        """Have `find` say of each node, in words, why it can't tell the history; empty when it can."""

        async def ask(member: Member) -> None:
            try:
                found = await find(member.node)
            except ExecutionError:
                return  # whether it keeps the history is not known; a read will show
            member.pruned = f"{found}: {PRUNED_REMEDY}" if found else ""

        await asyncio.gather(*(ask(member) for member in self._members if member.look.standing.is_usable))

    def history_problem(self) -> str | None:
        """Return why no node can tell the history, None when one may."""
        usable = [member for member in self._members if member.look.standing.is_usable]
        if not usable or any(not member.pruned for member in usable):
            return None
        return "; ".join(f"execution node {member.node.endpoint} {member.pruned}" for member in usable)

    def _ordered(self, *, history: bool) -> list[Member]:
        usable = [m for m in self._members if m.look.standing.is_usable and not (history and m.pruned)]
        return sorted(usable, key=lambda member: (member.look.standing, member.failures))

    def _asked(self, member: Member, seconds: float, *, failed: bool) -> None:
        if self._report is not None:
            self._report.asked(member.node.endpoint, seconds, failed=failed)

    async def _look_at(self, member: Member) -> Look:
        try:
            chain_id = await member.node.chain_id()
        except ExecutionError as error:
            return Look(Standing.DOWN, f"{error.request}: {error.problem}")
        return await self._look_at_chain(member, chain_id)

    async def _look_at_chain(self, member: Member, chain_id: int) -> Look:
        expected = await self._chain_id(chain_id)
        if chain_id != expected:
            return Look(Standing.WRONG, f"is of chain {chain_id}, not of {expected}")
        try:
            return Look(Standing.GOOD, "", await member.node.header("latest"))
        except ExecutionError as error:
            return Look(Standing.DOWN, f"{error.request}: {error.problem}")

    async def _chain_id(self, said: int) -> int:
        """Return the chain's id; where it is not known, ask all, and let most nodes decide, then the first."""
        if self.chain_id is None:
            answers = await asyncio.gather(*(m.node.chain_id() for m in self._members), return_exceptions=True)
            votes = Counter([answer for answer in answers if isinstance(answer, int)] or [said])
            if self.chain_id is None:
                self.chain_id = votes.most_common(1)[0][0]
        return self.chain_id

    async def _disputes_marked(self, looks: list[Look]) -> list[Look]:
        """Return the looks with those as disagreeing whose node has another block than what counts."""
        good = {place: look.head for place, look in enumerate(looks) if look.standing is Standing.GOOD and look.head}
        doubted = {place for place in good if self._members[place].look.standing is Standing.DISAGREES}
        if len(good) + len(doubted) < 2:
            return looks
        number = max(0, min(head.number for head in good.values()) - self._follow_distance)
        hashes = await self._hashes(list(good), number)
        if len(set(hashes.values())) <= 1 and not doubted.issuperset(hashes):
            return looks
        trusted, true = await self._followed_by(list(hashes))
        if len(set(hashes.values())) <= 1:  # only nodes that disagreed with others which are gone now
            wrong = set() if true is None else set(hashes) - trusted
        else:
            of_trusted = next((hashes[place] for place in sorted(trusted)), None)
            counts = preferred_hash(hashes, of_trusted)
            wrong = {place for place, value in hashes.items() if value != counts}
        problem = f"has another block {number} than others, or than was followed so far: compare it with an explorer"
        return [
            replace(look, standing=Standing.DISAGREES, problem=problem) if place in wrong else look
            for place, look in enumerate(looks)
        ]

    async def _hashes(self, places: list[int], number: int) -> dict[int, bytes]:
        asked = (self._members[place].node.header(number) for place in places)
        answers = await asyncio.gather(*asked, return_exceptions=True)
        return {
            place: answer.hash for place, answer in zip(places, answers, strict=True) if isinstance(answer, BlockHeader)
        }

    async def _followed_by(self, places: list[int]) -> tuple[set[int], bytes | None]:
        """Return which nodes have the block that was followed so far, and its hash."""
        if self.followed is None:
            return set(), None
        number, block_hash = self.followed
        hashes = await self._hashes(places, number)
        return {place for place, value in hashes.items() if value == block_hash}, block_hash
