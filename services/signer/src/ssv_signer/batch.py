"""Group commit: requests of all streams are drained into one transaction, and answered when it is durable.

While the writer thread commits one batch, the next one gathers, so the batch grows with the load by itself: a lone
request waits for nobody, a hundred share one fsync.

Invariants: an answer leaves only after the commit that covers it; a batch whose commit failed is answered as failed
in whole.

Source: architecture §4, §5.1.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from structlog.typing import FilteringBoundLogger

from ssv_protocol.effects import Draft
from ssv_signer.meters import Meters
from ssv_signer.work import Failure, Judgement

NOT_DURABLE = "the record could not be written, nothing was signed"
_STOPPED = "the signer is stopping"

Record = Callable[[Sequence[Draft]], Awaitable[list[Judgement]]]
"""Judges drafts and makes the records durable; raises when they may not be."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    draft: Draft
    answer: asyncio.Future[Judgement]


class GroupCommit:
    """A queue in front of the writer thread."""

    def __init__(self, record: Record, max_batch: int, meters: Meters, log: FilteringBoundLogger) -> None:
        self._record = record
        self._max_batch = max_batch
        self._meters = meters
        self._log = log
        self._waiting: deque[_Waiting] = deque()
        self._wake = asyncio.Event()
        self._stopped = False

    async def submit(self, draft: Draft) -> Judgement:
        """Return the judgement of a draft, whose record is durable."""
        if self._stopped:
            return Failure(_STOPPED)
        waiting = _Waiting(draft, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._meters.queue.set(len(self._waiting))
        self._wake.set()
        return await waiting.answer

    async def run(self) -> None:
        """Commit batch after batch until `stop`; what waits then is still answered."""
        while True:
            await self._wake.wait()
            while self._waiting:
                taken = min(len(self._waiting), self._max_batch)
                batch = [self._waiting.popleft() for _ in range(taken)]
                self._meters.queue.set(len(self._waiting))
                await self._commit(batch)
            if self._stopped:
                return
            self._wake.clear()

    def stop(self) -> None:
        """Take no more requests and let `run` end."""
        self._stopped = True
        self._wake.set()

    async def _commit(self, batch: Sequence[_Waiting]) -> None:
        begun = time.perf_counter()
        judgements: Sequence[Judgement]
        try:
            judgements = await self._record([waiting.draft for waiting in batch])
        except Exception as error:
            self._log.error(
                "the record could not be written; nothing of the batch was signed",
                problem=f"{type(error).__name__}: {error}",
                requests=len(batch),
                remedy="check the database; readiness says which and what is wrong",
            )
            judgements = [Failure(NOT_DURABLE)] * len(batch)
        self._meters.commit_s.observe(time.perf_counter() - begun)
        self._meters.batch.observe(len(batch))
        self.answer(batch, judgements)

    @staticmethod
    def answer(batch: Sequence[_Waiting], judgements: Sequence[Judgement]) -> None:
        """Wake those who wait; a caller that hung up is passed over."""
        for waiting, judgement in zip(batch, judgements, strict=True):
            if not waiting.answer.done():
                waiting.answer.set_result(judgement)
