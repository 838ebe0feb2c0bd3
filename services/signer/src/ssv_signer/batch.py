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
from typing import Generic, NamedTuple, Protocol, TypeVar

from prometheus_client import Gauge, Histogram
from structlog.typing import FilteringBoundLogger

from ssv_signer.work import Asked, Failure, Judgement

NOT_DURABLE = "the record could not be written, nothing was signed"
_STOPPED = "the signer is stopping"

Request = TypeVar("Request")
Judged = TypeVar("Judged")


class CommitMeters(Protocol):
    """What is measured of batches."""

    @property
    def queue(self) -> Gauge:
        """Requests that wait."""

    @property
    def batch(self) -> Histogram:
        """Requests in one transaction."""

    @property
    def commit_s(self) -> Histogram:
        """Seconds that a batch took."""


class _Waiting(NamedTuple, Generic[Request, Judged]):
    request: Request
    judged: Callable[[Judged | Failure], None]


class Commits(Generic[Request, Judged]):
    """A queue in front of the writer thread.

    `record` judges requests and makes their records durable; it raises when they may not be.
    """

    def __init__(
        self,
        record: Callable[[Sequence[Request]], Awaitable[list[Judged]]],
        max_batch: int,
        meters: CommitMeters,
        log: FilteringBoundLogger,
    ) -> None:
        self._record = record
        self._max_batch = max_batch
        self._meters = meters
        self._log = log
        self._waiting: deque[_Waiting[Request, Judged]] = deque()
        self._wake = asyncio.Event()
        self._stopped = False
        meters.queue.set_function(lambda: len(self._waiting))

    def put(self, request: Request, judged: Callable[[Judged | Failure], None]) -> None:
        """Have a request judged; `judged` is called when its record is durable, and raises nothing."""
        if self._stopped:
            judged(Failure(_STOPPED))
            return
        self._waiting.append(_Waiting(request, judged))
        self._wake.set()

    async def submit(self, request: Request) -> Judged | Failure:
        """Return the judgement of a request, whose record is durable."""
        answer: asyncio.Future[Judged | Failure] = asyncio.get_running_loop().create_future()

        def judged(judgement: Judged | Failure) -> None:
            if not answer.done():  # who asked hung up
                answer.set_result(judgement)

        self.put(request, judged)
        return await answer

    async def run(self) -> None:
        """Commit batch after batch until `stop`; what waits then is still answered."""
        while True:
            await self._wake.wait()
            while self._waiting:
                taken = min(len(self._waiting), self._max_batch)
                batch = [self._waiting.popleft() for _ in range(taken)]
                await self._commit(batch)
            if self._stopped:
                return
            self._wake.clear()

    def stop(self) -> None:
        """Take no more requests and let `run` end."""
        self._stopped = True
        self._wake.set()

    async def _commit(self, batch: Sequence[_Waiting[Request, Judged]]) -> None:
        begun = time.perf_counter()
        judgements: Sequence[Judged | Failure]
        try:
            judgements = await self._record([waiting.request for waiting in batch])
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
    def answer(batch: Sequence[_Waiting[Request, Judged]], judgements: Sequence[Judged | Failure]) -> None:
        """Call those who wait."""
        for waiting, judgement in zip(batch, judgements, strict=True):
            waiting.judged(judgement)


GroupCommit = Commits[Asked, Judgement]
"""The queue of the committees' requests."""
