from __future__ import annotations

import asyncio
import io
from dataclasses import dataclass, field
from typing import Any, cast

import grpc
import grpc.aio
from libs.protocol.tests.signing.world import CLOCK, COMMITTEE, Decision, qbft_draft, vote_for
from services.consensus.tests.fake_time import now, run

from ssv_api.v1 import signer_pb2 as pb
from ssv_consensus.ports import Failed, Signed, SignVerdict
from ssv_consensus.sign_stream import SignStream
from ssv_consensus.signer_client import SignerClient, Watermark
from ssv_protocol.signing.verdict import DenialReason, Denied
from ssv_protocol.types.ids import BlsPublicKey, Epoch, Instant
from ssv_protocol.types.roles import QbftMessageType
from ssv_runtime.logs import make_logger

VALUE = vote_for(CLOCK).encode()
DRAFT = qbft_draft(QbftMessageType.PREPARE, 1, VALUE)
SIGNED = Decision(VALUE).signed()


class FakeStream:
    def __init__(self, answer: pb.SignResponse | None) -> None:
        self._answer = answer

    async def ask(self, request: pb.SignRequest, timeout_s: float) -> pb.SignResponse:
        if self._answer is None:
            await asyncio.sleep(timeout_s)
            raise TimeoutError
        return self._answer


@dataclass
class FakeStub:
    answer: pb.WatermarksResponse | None
    asked: list[tuple[bytes, float]] = field(default_factory=list)

    async def Watermarks(self, request: pb.WatermarksRequest, timeout: float) -> pb.WatermarksResponse:  # noqa: N802, ASYNC109
        self.asked.append((request.committee_id, timeout))
        if self.answer is None:
            nothing = grpc.aio.Metadata()
            raise grpc.aio.AioRpcError(grpc.StatusCode.DEADLINE_EXCEEDED, nothing, nothing, "too late")
        return self.answer


@dataclass
class Scene:
    answer: pb.SignResponse | None = None
    stub: Any = None
    output: io.StringIO = field(default_factory=io.StringIO)
    verdicts: list[SignVerdict] = field(default_factory=list)

    def client(self) -> SignerClient:
        log = make_logger("consensus", file=self.output)
        return SignerClient(cast(SignStream, FakeStream(self.answer)), self.stub, now, log, self.verdicts.append)


def test_verdicts_come_back_and_are_told() -> None:
    scene = Scene(pb.SignResponse(signed=pb.Signed(message=SIGNED.encode())))
    verdict = run(lambda: scene.client().sign(DRAFT, Instant(10.0)))
    assert verdict == Signed(SIGNED)
    assert scene.verdicts == [verdict]
    assert scene.output.getvalue() == ""


def test_a_refusal_is_logged_with_the_duty_and_what_it_means() -> None:
    scene = Scene(pb.SignResponse(denied=pb.Denied(reason="second_root", detail="round 1")))
    verdict = run(lambda: scene.client().sign(DRAFT, Instant(10.0)))
    assert verdict == Denied(DenialReason.SECOND_ROOT, "round 1")
    logged = scene.output.getvalue()
    assert f"committee-{CLOCK}-{COMMITTEE.hex()[:8]}" in logged
    assert verdict.explanation in logged


def test_without_an_answer_the_deadline_ends_it() -> None:
    scene = Scene(None)

    async def scenario() -> None:
        await asyncio.sleep(3)
        assert isinstance(await scene.client().sign(DRAFT, Instant(10.0)), Failed)
        assert now() == 10.0
        assert isinstance(await scene.client().sign(DRAFT, Instant(9.0)), Failed)
        assert now() == 10.0

    run(scenario)


def test_watermarks_are_by_validator() -> None:
    mark = pb.Watermark(validator_pubkey=b"\x01" * 48, source_epoch=3, target_epoch=4, may_sign_from_epoch=5)
    scene = Scene(stub=FakeStub(pb.WatermarksResponse(watermarks=[mark])))
    marks = run(lambda: scene.client().watermarks(COMMITTEE, 0.5))
    assert marks == {BlsPublicKey(b"\x01" * 48): Watermark(Epoch(4), Epoch(5))}
    assert scene.stub.asked == [(COMMITTEE, 0.5)]


def test_a_signer_that_does_not_say_is_not_taken_for_one_without_shares() -> None:
    scene = Scene(stub=FakeStub(None))
    assert run(lambda: scene.client().watermarks(COMMITTEE, 0.5)) is None
