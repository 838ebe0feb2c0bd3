"""One node of a pool: asked and measured."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from ssv_ethereum.beacon.errors import BeaconError, BeaconRefused
from ssv_ethereum.beacon.node import BeaconNode
from ssv_ethereum.pool.standing import Record

_OWN_FAULT = 500
T = TypeVar("T")
Ask = Callable[[BeaconNode], Awaitable[T]]


class PoolReport(Protocol):
    """Whoever wants to know how the nodes do."""

    def asked(self, endpoint: str, seconds: float, *, failed: bool) -> None:
        """A request to the node ended."""

    def looked(self, endpoint: str, standing: str, problem: str) -> None:
        """The node was looked at; the same may be told again."""

    def usable(self, problem: str | None) -> None:
        """All nodes were looked at; `problem` says why none is good, None when one is."""


class NoReport:
    """Nobody wants to know."""

    def asked(self, endpoint: str, seconds: float, *, failed: bool) -> None:
        """See `PoolReport`."""

    def looked(self, endpoint: str, standing: str, problem: str) -> None:
        """See `PoolReport`."""

    def usable(self, problem: str | None) -> None:
        """See `PoolReport`."""


@dataclass(slots=True, eq=False)
class Member:
    """A node, where it stands among the configured ones, and its record."""

    node: BeaconNode
    place: int
    report: PoolReport
    record: Record = field(default_factory=Record)

    async def ask(self, question: Ask[T]) -> T:
        """Ask the node; its record has the outcome. Raises BeaconError.

        A refusal is an answer unless it is the node's own fault. A request that is cancelled tells nothing, unless
        the one who cancels it says so (`given_up`).
        """
        loop = asyncio.get_running_loop()
        begun = loop.time()
        try:
            answer = await question(self.node)
        except BeaconError as error:
            failed = not isinstance(error, BeaconRefused) or error.status >= _OWN_FAULT
            self._told(loop.time() - begun, failed=failed)
            raise
        self._told(loop.time() - begun, failed=False)
        return answer

    def given_up(self, seconds: float) -> None:
        """The node was not waited for any longer."""
        self._told(seconds, failed=True)

    def _told(self, seconds: float, *, failed: bool) -> None:
        if failed:
            self.record.failed()
        else:
            self.record.answered(seconds)
        self.report.asked(self.node.endpoint, seconds, failed=failed)


def ordered(members: list[Member]) -> list[Member]:
    """Return the members that may be asked, the best first."""
    usable = [member for member in members if member.record.look.standing.is_usable]
    return sorted(usable, key=lambda member: (member.record.rank(), member.place))
