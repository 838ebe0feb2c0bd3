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
from ssv_consensus.sign_stream import FIRST_PAUSE_S, LONGEST_PAUSE_S, SETTLED_S, SignStream


class Broken(grpc.aio.AioRpcError):
    def __init__(self) -> None:
        super().__init__(grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), grpc.aio.Metadata(), "broken")


@dataclass
class Call:
    """One stream as the signer sees it."""

    opened_at: float
    asked: list[int] = field(default_factory=list)
    answers: asyncio.Queue[pb.SignResponse | Exception | None] = field(default_factory=asyncio.Queue)
    cancelled: bool = False

    def answer(self, request_id: int) -> None:
        self.answers.put_nowait(pb.SignResponse(request_id=request_id, failed=pb.Failed(reason=f"of {request_id}")))

    def break_off(self) -> None:
        self.answers.put_nowait(Broken())

    async def __aiter__(self) -> AsyncIterator[pb.SignResponse]:
        while (answer := await self.answers.get()) is not None:
            if isinstance(answer, Exception):
                raise answer
            yield answer

    def cancel(self) -> None:
        self.cancelled = True


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
            await asyncio.sleep(1)
            second = scene.signer.calls[1]
            assert second.asked == [first.asked[0], first.asked[2]]
            for request_id in second.asked:
                second.answer(request_id)
            await asyncio.gather(*asked)
            assert scene.lost == ["UNAVAILABLE: no connection"]

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
            await asyncio.sleep(1)
            assert len(scene.signer.calls) == 2
            assert scene.lost == ["the signer ended the stream"]

    run(scenario)


def test_without_an_answer_in_time_the_caller_is_told_and_nothing_is_asked_again() -> None:
    async def scenario() -> None:
        async with Scene() as scene:
            asked = scene.ask(timeout_s=2)
            with pytest.raises(TimeoutError):
                await asked
            assert now() == pytest.approx(2.001)
            call = scene.signer.calls[0]
            call.answer(1)  # too late: nobody waits any more
            call.break_off()
            await asyncio.sleep(1)
            assert scene.signer.calls[1].asked == []

    run(scenario)


def test_pauses_grow_to_a_limit_and_shrink_after_an_answer() -> None:
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
            await asyncio.sleep(1)
            assert scene.signer.calls[-1].opened_at - broke_at == pytest.approx(FIRST_PAUSE_S)

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
