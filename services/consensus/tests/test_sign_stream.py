"""The stream to the signer under a fake signer and a fake clock: answers in any order, breaks, deadlines."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import grpc
import grpc.aio
import pytest
from services.consensus.tests.fake_time import now, run

from ssv_api.v1 import signer_pb2 as pb
from ssv_consensus.sign_stream import (
    FIRST_PATIENCE_S,
    FIRST_PAUSE_S,
    LONGEST_PATIENCE_S,
    LONGEST_PAUSE_S,
    MOST_STREAMS,
    SETTLED_S,
    TURN_S,
    SignStream,
)


class Broken(grpc.aio.AioRpcError):
    def __init__(self) -> None:
        super().__init__(grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), grpc.aio.Metadata(), "broken")


@dataclass
class Call:
    """One stream as the signer sees it."""

    opened_at: float
    asked: list[int] = field(default_factory=list)
    answers: asyncio.Queue[pb.SignResponse | BaseException | None] = field(default_factory=asyncio.Queue)
    cancelled: bool = False

    def answer(self, request_id: int) -> None:
        self.answers.put_nowait(pb.SignResponse(request_id=request_id, failed=pb.Failed(reason=f"of {request_id}")))

    def break_off(self) -> None:
        self.answers.put_nowait(Broken())

    async def __aiter__(self) -> AsyncIterator[pb.SignResponse]:
        while (answer := await self.answers.get()) is not None:
            if isinstance(answer, BaseException):
                raise answer
            yield answer

    def cancel(self) -> None:
        self.cancelled = True
        self.answers.put_nowait(asyncio.CancelledError())  # so gRPC tells who still reads


class FakeSigner:
    """Opens streams; those in `broken` end at once."""

    def __init__(self, broken: range = range(0)) -> None:
        self.calls: list[Call] = []
        self._broken = broken
        self._readers: set[asyncio.Task[None]] = set()

    def open(self, requests: AsyncIterator[pb.SignRequest], /) -> Any:
        call = Call(now())
        if len(self.calls) in self._broken:
            call.break_off()
        self.calls.append(call)

        async def read() -> None:
            async for request in requests:
                call.asked.append(request.request_id)

        reader = asyncio.create_task(read())
        self._readers.add(reader)
        reader.add_done_callback(self._readers.discard)
        return call

    @property
    def streams_read(self) -> int:
        return len(self._readers)


@dataclass
class Scene:
    signer: FakeSigner = field(default_factory=FakeSigner)
    lost: list[str] = field(default_factory=list)
    good: list[float] = field(default_factory=list)

    async def __aenter__(self) -> Scene:
        self.stream = SignStream(self.signer.open, self.lost.append, lambda: self.good.append(now()))
        self.running = asyncio.create_task(self.stream.run())
        await asyncio.sleep(0.001)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.running.cancel()
        await asyncio.gather(self.running, return_exceptions=True)
        await asyncio.sleep(0.001)
        assert self.signer.streams_read == 0, "every stream's requests come to an end"
        assert all(call.cancelled for call in self.signer.calls)

    def ask(self, timeout_s: float = 10.0) -> asyncio.Task[pb.SignResponse]:
        return asyncio.create_task(self.stream.ask(pb.SignRequest(), timeout_s))


def test_answers_come_in_any_order() -> None:
    async def scenario() -> None:
        async with Scene() as scene:
            asked = [scene.ask() for _ in range(3)]
            await asyncio.sleep(0.001)
            (call,) = scene.signer.calls
            assert len(set(call.asked)) == 3
            for request_id in reversed(call.asked):
                call.answer(request_id)
            answers = await asyncio.gather(*asked)
            assert [answer.request_id for answer in answers] == call.asked

    run(scenario)


def test_what_was_under_way_when_the_stream_broke_is_asked_again() -> None:
    async def scenario() -> None:
        async with Scene() as scene:
            asked = [scene.ask() for _ in range(3)]
            await asyncio.sleep(0.001)
            first = scene.signer.calls[0]
            first.answer(first.asked[1])
            await asked[1]
            first.break_off()
            await asyncio.sleep(0.001)
            second = scene.signer.calls[1]
            assert second.asked == [first.asked[0], first.asked[2]]
            for request_id in second.asked:
                second.answer(request_id)
            await asyncio.gather(*asked)
            assert scene.lost == ["UNAVAILABLE: no connection (requests asked again: 2)"]

    run(scenario)


def test_a_request_made_while_there_is_no_stream_waits_for_the_next() -> None:
    async def scenario() -> None:
        async with Scene(FakeSigner(broken=range(5))) as scene:
            asked = scene.ask()
            await asyncio.sleep(5)
            last = scene.signer.calls[-1]
            assert last.asked == [1]
            last.answer(1)
            assert (await asked).request_id == 1

    run(scenario)


def test_an_ended_stream_is_opened_again() -> None:
    async def scenario() -> None:
        async with Scene() as scene:
            scene.signer.calls[0].answers.put_nowait(None)
            await asyncio.sleep(FIRST_PAUSE_S + 0.001)
            assert len(scene.signer.calls) == 2
            assert scene.lost == ["the signer ended the stream"]

    run(scenario)


def test_without_an_answer_in_time_the_caller_is_told_and_nothing_is_asked_again() -> None:
    async def scenario() -> None:
        async with Scene() as scene:
            asked = scene.ask(timeout_s=0.5)
            with pytest.raises(TimeoutError):
                await asked
            assert now() == pytest.approx(0.501)
            call = scene.signer.calls[0]
            call.answer(1)  # too late: nobody waits any more
            call.break_off()
            await asyncio.sleep(0.2)
            assert scene.signer.calls[1].asked == []

    run(scenario)


def test_after_a_stream_that_was_good_there_is_no_pause_and_else_pauses_grow_to_a_limit() -> None:
    async def scenario() -> None:
        async with Scene(FakeSigner(broken=range(10))) as scene:
            await asyncio.sleep(30)
            opened = [call.opened_at for call in scene.signer.calls]
            pauses = [after - before for before, after in pairwise(opened)]
            assert pauses[0] == pytest.approx(FIRST_PAUSE_S)
            assert pauses == pytest.approx(sorted(pauses))
            assert max(pauses) == pytest.approx(LONGEST_PAUSE_S)
            asked = scene.ask()
            await asyncio.sleep(0.001)
            scene.signer.calls[-1].answer(1)
            await asked
            scene.signer.calls[-1].break_off()
            broke_at = now()
            await asyncio.sleep(0.001)
            assert scene.signer.calls[-1].opened_at == pytest.approx(broke_at)
            scene.signer.calls[-1].break_off()
            await asyncio.sleep(1)
            assert scene.signer.calls[-1].opened_at - broke_at == pytest.approx(FIRST_PAUSE_S, abs=0.01)

    run(scenario)


def test_a_stream_counts_as_good_after_an_answer_or_a_quiet_while() -> None:
    async def scenario() -> None:
        async with Scene(FakeSigner(broken=range(3))) as scene:
            await asyncio.sleep(0.5)
            assert scene.good == []
            opened = scene.signer.calls[-1].opened_at
            await asyncio.sleep(5)
            assert scene.good == [pytest.approx(opened + SETTLED_S)]

    run(scenario)


def test_a_silent_stream_is_joined_by_another_that_takes_over_with_its_first_answer() -> None:
    async def scenario() -> None:
        async with Scene() as scene:
            answered, owed = scene.ask(), scene.ask()
            await asyncio.sleep(0.001)
            silent = scene.signer.calls[0]
            silent.answer(silent.asked[0])
            await answered
            await asyncio.sleep(FIRST_PATIENCE_S + 0.2)
            other = scene.signer.calls[1]
            assert other.asked == [silent.asked[1]]
            assert not silent.cancelled
            later = scene.ask()
            await asyncio.sleep(0.001)
            assert (len(silent.asked), len(other.asked)) == (2, 2)
            for request_id in other.asked:
                other.answer(request_id)
            await asyncio.gather(owed, later)
            await asyncio.sleep(0.001)
            assert silent.cancelled
            assert scene.lost == [f"no answer for {FIRST_PATIENCE_S:g} s (requests asked again: 1)"]

    run(scenario)


def test_a_signer_that_was_only_slow_may_answer_on_the_old_stream() -> None:
    async def scenario() -> None:
        async with Scene() as scene:
            asked = scene.ask()
            await asyncio.sleep(FIRST_PATIENCE_S + 0.2)
            slow, other = scene.signer.calls
            slow.answer(1)
            assert (await asked).request_id == 1
            other.answer(1)  # again: nobody waits for it, and the old stream is not needed any more
            await asyncio.sleep(0.001)
            assert (slow.cancelled, other.cancelled) == (True, False)

    run(scenario)


def test_a_stream_that_owes_nothing_may_be_silent() -> None:
    async def scenario() -> None:
        async with Scene() as scene:
            asked = scene.ask()
            await asyncio.sleep(0.001)
            scene.signer.calls[0].answer(1)
            await asked
            await asyncio.sleep(0.5 * TURN_S)
            late = scene.ask()
            await asyncio.sleep(0.9 * FIRST_PATIENCE_S)
            assert len(scene.signer.calls) == 1, "patience begins with the request"
            scene.signer.calls[0].answer(2)
            await late
            assert scene.lost == []

    run(scenario)


def test_when_nothing_is_owed_the_next_replica_gets_its_turn() -> None:
    async def scenario() -> None:
        async with Scene() as scene:
            await asyncio.sleep(3.5 * TURN_S)
            *before, present = scene.signer.calls
            assert len(before) == 3
            assert all(call.cancelled for call in before)
            assert (present.cancelled, scene.lost) == (False, [])
            asked = scene.ask()
            await asyncio.sleep(0.001)
            present.answer(1)
            assert (await asked).request_id == 1

    run(scenario)


def test_a_stream_that_owes_an_answer_keeps_its_turn() -> None:
    async def scenario() -> None:
        async with Scene() as scene:
            for _ in range(round(2 * TURN_S)):
                asked = scene.ask()
                await asyncio.sleep(0.9 * FIRST_PATIENCE_S)
                following = scene.ask()
                scene.signer.calls[0].answer(scene.signer.calls[0].asked[-1])
                await asked
                await asyncio.sleep(0.001)
                scene.signer.calls[0].answer(scene.signer.calls[0].asked[-1])
                await following
            assert len(scene.signer.calls) == 1

    run(scenario)


def test_while_all_are_silent_patience_grows_and_few_streams_are_open() -> None:
    async def scenario() -> None:
        async with Scene() as scene:
            asked = scene.ask(timeout_s=100)
            await asyncio.sleep(60)
            calls = scene.signer.calls
            assert sum(not call.cancelled for call in calls) == MOST_STREAMS
            waits = [after.opened_at - before.opened_at for before, after in pairwise(calls)]
            assert waits == pytest.approx(sorted(waits), abs=0.2)
            assert waits[-1] == pytest.approx(LONGEST_PATIENCE_S, abs=0.2)
            assert all(call.asked == [1] for call in calls)
            calls[-1].answer(1)
            await asked

    run(scenario)


def test_a_silent_stream_that_breaks_at_last_is_no_loss() -> None:
    async def scenario() -> None:
        async with Scene() as scene:
            asked = scene.ask()
            await asyncio.sleep(FIRST_PATIENCE_S + 0.2)
            silent, other = scene.signer.calls
            silent.break_off()
            await asyncio.sleep(0.2)
            assert len(scene.signer.calls) == 2
            other.answer(1)
            assert (await asked).request_id == 1

    run(scenario)
