"""One stream of requests to sign: each is parsed, judged and recorded, signed, and answered as soon as it is.

A request is no task: hundreds come in a moment, and a task for each would take a good part of the time that its
signature takes. It is an object whose steps are called: by the queue when its record is durable, then when its message
is signed.

Invariants: each request has one answer; one that breaks is answered as failed and harms no other. What the queue calls
back with as work is on record.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Mapping

from prometheus_client import Histogram

from ssv_api.v1 import signer_pb2 as pb
from ssv_protocol.effects import Draft
from ssv_protocol.signing.verdict import DenialReason, Denied
from ssv_runtime import lease_wire
from ssv_runtime.lease_wire import LeaseMalformed
from ssv_signer import drafts
from ssv_signer.audit import Audit, kind
from ssv_signer.batch import GroupCommit
from ssv_signer.share_keys import SigningFailed
from ssv_signer.signatures import SigningPool
from ssv_signer.work import Asked, BatchWork, Failure, Judgement, Refusal, Work

_BROKE = "the signer failed; its log says why"


class Signing:
    """What all streams share: the queue, the keys, and what is said about requests. `signing_s` is by kind."""

    def __init__(
        self, commits: GroupCommit, pool: SigningPool, audit: Audit, signing_s: Mapping[str, Histogram]
    ) -> None:
        self.commits = commits
        self.pool = pool
        self.audit = audit
        self.signing_s = signing_s


class SigningStream:
    """The requests of one caller, who is not read further while `most_unanswered` of them have no answer."""

    def __init__(self, signing: Signing, caller: str, most_unanswered: int) -> None:
        self.signing = signing
        self.caller = caller
        self.hung_up = False
        self._most_unanswered = most_unanswered
        self._unanswered = 0
        self._answers: deque[pb.SignResponse] = deque()
        self._ready, self._room = asyncio.Event(), asyncio.Event()

    async def run(self, requests: AsyncIterator[pb.SignRequest]) -> AsyncGenerator[pb.SignResponse, None]:
        """Yield one answer for each request, as they become ready."""
        reading = asyncio.create_task(self._read(requests))
        reading.add_done_callback(lambda _: self._ready.set())
        try:
            while True:
                while self._answers:
                    yield self._answers.popleft()
                    self._unanswered -= 1
                    self._room.set()
                if reading.done() and not self._unanswered:
                    break
                self._ready.clear()
                await self._ready.wait()
            await reading
        finally:
            self.hung_up = True
            reading.cancel()

    async def _read(self, requests: AsyncIterator[pb.SignRequest]) -> None:
        async for request in requests:
            while self._unanswered >= self._most_unanswered:
                self._room.clear()
                await self._room.wait()
            self._unanswered += 1
            _Request(self, request.request_id).begin(request)

    def answer(self, response: pb.SignResponse) -> None:
        """Have an answer sent."""
        self._answers.append(response)
        self._ready.set()


class _Request:
    """One request on its way. Each step ends in the next one or in the answer, and never in an exception."""

    __slots__ = ("_begun_s", "_draft", "_number", "_signing", "_stream", "_work")
    _draft: Draft
    _work: Work
    _begun_s: float

    def __init__(self, stream: SigningStream, number: int) -> None:
        self._stream = stream
        self._signing = stream.signing
        self._number = number

    def begin(self, request: pb.SignRequest) -> None:
        """Parse it and have it judged."""
        try:
            self._parse(request)
        except Exception:
            self._break()

    def judged(self, judgement: Judgement) -> None:
        """Have signed what is on record; or say why not."""
        try:
            self._sign(judgement)
        except Exception:
            self._break()

    def signed(self, outcome: bytes | Exception) -> None:
        """Answer with the message; or say why there is none."""
        try:
            self._finish(outcome)
        except Exception:
            self._break()

    def _parse(self, request: pb.SignRequest) -> None:
        draft = drafts.parse(request)
        if isinstance(draft, Denied):
            self._refuse(None, Refusal(draft))
            return
        try:
            lease = lease_wire.decode(request.lease) if request.HasField("lease") else None
        except LeaseMalformed as error:
            self._refuse(draft, Refusal(Denied(DenialReason.MALFORMED, str(error))))
            return
        self._draft = draft
        self._signing.commits.put(Asked(draft, lease), self.judged)

    def _sign(self, judgement: Judgement) -> None:
        if isinstance(judgement, Refusal):
            self._refuse(self._draft, judgement)
        elif isinstance(judgement, Failure):
            self._fail(judgement.reason)
        elif not self._stream.hung_up:
            self._work, self._begun_s = judgement, time.perf_counter()
            self._signing.pool.begin(judgement, self.signed)

    def _finish(self, outcome: bytes | Exception) -> None:
        draft, work, audit = self._draft, self._work, self._signing.audit
        self._signing.signing_s[kind(draft)].observe(time.perf_counter() - self._begun_s)
        if isinstance(outcome, SigningFailed):
            self._fail(str(outcome))
            return
        if isinstance(outcome, Exception):
            raise outcome
        response = pb.SignResponse(request_id=self._number)
        response.signed.message = outcome
        if isinstance(work, BatchWork) and work.left_out:
            audit.left_out(draft, work.left_out, self._stream.caller)
            response.signed.denied.extend(drafts.left_out(work.left_out))
        if work.lease is not None:
            response.lease.CopyFrom(lease_wire.encode(work.lease))
        audit.signed(draft)
        self._stream.answer(response)

    def _refuse(self, draft: Draft | None, refusal: Refusal) -> None:
        self._signing.audit.refused(draft, refusal.denied, self._stream.caller)
        if draft is not None:
            self._signing.audit.left_out(draft, refusal.left_out, self._stream.caller)
        denied = drafts.denied(refusal.denied, refusal.left_out)
        self._stream.answer(pb.SignResponse(request_id=self._number, denied=denied))

    def _fail(self, reason: str) -> None:
        self._signing.audit.failed(self._draft, reason, self._stream.caller)
        self._stream.answer(pb.SignResponse(request_id=self._number, failed=pb.Failed(reason=reason)))

    def _break(self) -> None:
        self._signing.audit.broke(self._stream.caller)
        self._stream.answer(pb.SignResponse(request_id=self._number, failed=pb.Failed(reason=_BROKE)))
