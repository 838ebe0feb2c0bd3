"""Shares to hold, gathered into transactions: those that arrive while others are written share the next one.

A signer that joins a registry is handed thousands of shares, and each transaction is a journey to the disk during which
nothing is signed. A share is held, and may be claimed and signed with, as soon as its own transaction is durable; the
others need not be there.

Invariant: the answer to a share leaves after the commit that covers it, and a share that is refused changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from ssv_signer.custody import Added, NewShare
from ssv_signer.taking import Outcome

MOST_AT_ONCE = 32


class ShareQueue:
    """`write` holds shares in one transaction, with an outcome for each; what it raises is the outcome of all."""

    def __init__(self, write: Callable[[Sequence[NewShare]], Awaitable[list[Outcome]]]) -> None:
        self._write = write
        self._waiting: list[tuple[NewShare, asyncio.Future[Added]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def add(self, share: NewShare) -> Added:
        """Hold a share; raises ShareConflict, StoreError."""
        answer: asyncio.Future[Added] = asyncio.get_running_loop().create_future()
        self._waiting.append((share, answer))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all(), name="holding shares")
        return await answer

    async def _write_all(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
            outcomes: Sequence[Added | Exception]
            try:
                outcomes = await self._write([share for share, _ in batch])
            except Exception as error:
                outcomes = [error] * len(batch)
            for (_, answer), outcome in zip(batch, outcomes, strict=True):
                if answer.done():  # the caller hung up
                    continue
                if isinstance(outcome, Added):
                    answer.set_result(outcome)
                else:
                    answer.set_exception(outcome)
