"""The queue in front of the writer: what gathers while it is busy shares the next transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from services.signer.tests.harness import START
from structlog.testing import capture_logs
from tests.support.signing_world import SigningWorld

from ssv_protocol.effects import Draft, QbftDraft
from ssv_protocol.signing.verdict import DenialReason, Denied
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import QbftMessageType
from ssv_runtime.logs import make_logger
from ssv_runtime.metrics import Metrics
from ssv_signer.batch import GroupCommit
from ssv_signer.meters import Meters
from ssv_signer.work import Asked, Failure, Judgement, Refusal

pytestmark = pytest.mark.asyncio


class Writer:
    """Refuses everything, once it is told to; remembers the batches."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.busy = asyncio.Event()
        self.go = asyncio.Event()
        self.problem: Exception | None = None

    async def __call__(self, asked: Sequence[Asked]) -> list[Judgement]:
        self.batches.append(len(asked))
        self.busy.set()
        await self.go.wait()
        if self.problem is not None:
            raise self.problem
        return [Refusal(Denied(DenialReason.MALFORMED, str(self._round(each.draft)))) for each in asked]

    @staticmethod
    def _round(draft: Draft) -> int:
        assert isinstance(draft, QbftDraft)
        return draft.message.round


def asked(world: SigningWorld, number: int) -> Asked:
    return Asked(QbftDraft(QbftMessage.decode(world.qbft(QbftMessageType.PREPARE, START, b"v", number).message)), None)


async def test_a_busy_writer_gathers_a_batch_and_answers_each_its_own(world: SigningWorld) -> None:
    writer = Writer()
    commits = GroupCommit(writer, 8, Meters(Metrics("signer")), make_logger("signer"))
    running = asyncio.create_task(commits.run())
    waiting = [asyncio.create_task(commits.submit(asked(world, 1)))]
    await writer.busy.wait()
    waiting += [asyncio.create_task(commits.submit(asked(world, number))) for number in range(2, 21)]
    hung_up = asyncio.create_task(commits.submit(asked(world, 99)))
    await asyncio.sleep(0)
    hung_up.cancel()
    assert not any(task.done() for task in waiting)
    writer.go.set()
    answers = await asyncio.gather(*waiting)
    commits.stop()
    await running
    assert writer.batches == [1, 8, 8, 4]
    assert [answer.denied.detail for answer in answers if isinstance(answer, Refusal)] == [
        str(number) for number in range(1, 21)
    ]
    assert isinstance(await commits.submit(asked(world, 1)), Failure)


async def test_a_batch_that_is_not_durable_fails_in_whole_and_the_next_one_is_tried(world: SigningWorld) -> None:
    writer = Writer()
    writer.go.set()
    writer.problem = OSError("no space")
    commits = GroupCommit(writer, 8, Meters(Metrics("signer")), make_logger("signer"))
    running = asyncio.create_task(commits.run())
    with capture_logs():
        failed = await asyncio.gather(*(commits.submit(asked(world, number)) for number in range(1, 5)))
    writer.problem = None
    refused = await commits.submit(asked(world, 1))
    commits.stop()
    await running
    assert all(isinstance(answer, Failure) for answer in failed)
    assert isinstance(refused, Refusal)
