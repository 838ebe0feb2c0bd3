"""Requests with leases, and what a refusal about a lease leads to; and what a successor takes up."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any, cast

from libs.protocol.tests.signing.world import CHAIN, CLOCK, COMMITTEE, Decision, qbft_draft, vote_for
from services.consensus.tests.fake_time import now, run
from services.consensus.tests.leasing_signer import LeasingSigner

from ssv_api.v1 import signer_pb2 as pb
from ssv_consensus.committee_journal import CommitteeJournal
from ssv_consensus.lease_instruments import LeaseInstruments
from ssv_consensus.lease_keeper import LeaseKeeper
from ssv_consensus.leased_signer import LeasedSigner
from ssv_consensus.ports import Failed, Signed
from ssv_consensus.sign_stream import SignStream
from ssv_consensus.signer_client import SignerClient
from ssv_ethereum.slot_clock import SlotClock
from ssv_protocol.signing.verdict import DenialReason, Denied
from ssv_protocol.types.ids import Instant, Slot
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.roles import QbftMessageType
from ssv_runtime import lease_wire
from ssv_runtime.logs import make_logger
from ssv_runtime.service import Service

VALUE = vote_for(CLOCK).encode()
DRAFT = qbft_draft(QbftMessageType.PREPARE, 1, VALUE)
SIGNED = Decision(VALUE).signed()
LATER = Instant(1e6)


@dataclass
class Stream:
    """Signs for whoever has a lease that matches."""

    signer: LeasingSigner
    requests: list[pb.SignRequest] = field(default_factory=list)

    async def ask(self, request: pb.SignRequest, timeout_s: float) -> pb.SignResponse:
        self.requests.append(request)
        denied = self.signer.judge(COMMITTEE, lease_wire.decode(request.lease))
        if denied is not None:
            return pb.SignResponse(denied=pb.Denied(reason=denied.reason, detail=denied.detail))
        record = self.signer.records[COMMITTEE]
        self.signer.records[COMMITTEE] = replace(record, seq=record.seq + 1)
        told = lease_wire.encode(self.signer.told(COMMITTEE))
        return pb.SignResponse(signed=pb.Signed(message=SIGNED.encode()), lease=told)


@dataclass
class Peers:
    published: list[tuple[SignedSSVMessage, Slot, Instant]] = field(default_factory=list)

    async def publish(self, message: SignedSSVMessage, slot: Slot, deadline: Instant) -> bool:
        self.published.append((message, slot, deadline))
        return True


@dataclass
class Scene:
    signer: LeasingSigner
    stream: Stream
    keeper: LeaseKeeper
    leased: LeasedSigner
    clock: SlotClock


def with_signer(scenario: Callable[[Scene], Awaitable[None]]) -> None:
    async def run_it() -> None:
        signer, clock, log = LeasingSigner(), SlotClock(CHAIN, now), make_logger("consensus", file=io.StringIO())
        async with Service("consensus", log=log) as service:
            stream = Stream(signer)
            keeper = LeaseKeeper(signer, "worker", clock, LeaseInstruments(log, service.metrics, service.health))
            client = SignerClient(cast(SignStream, stream), cast(Any, signer), now, log)
            running = asyncio.create_task(keeper.run())
            try:
                await scenario(Scene(signer, stream, keeper, LeasedSigner(COMMITTEE, client, keeper), clock))
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)

    run(run_it)


def test_a_request_comes_with_the_latest_lease_that_was_told() -> None:
    async def scenario(scene: Scene) -> None:
        for _ in range(2):
            assert await scene.leased.sign(DRAFT, LATER) == Signed(SIGNED)
        first, second = (request.lease.seq for request in scene.stream.requests)
        assert second == first + 1

    with_signer(scenario)


def test_without_a_lease_nothing_is_asked_and_the_deadline_ends_it() -> None:
    async def scenario(scene: Scene) -> None:
        scene.signer.away = True
        assert isinstance(await scene.leased.sign(DRAFT, Instant(5.0)), Failed)
        assert now() == 5.0
        assert not scene.stream.requests

    with_signer(scenario)


def test_a_committee_that_nobody_holds_is_claimed_and_asked_for_again() -> None:
    async def scenario(scene: Scene) -> None:
        lease = await scene.keeper.want(COMMITTEE)
        assert not isinstance(lease, Denied)
        await scene.signer.Release(
            pb.ReleaseRequest(committees=[pb.HeldCommittee(committee_id=COMMITTEE, lease=lease_wire.encode(lease))]),
            timeout=1.0,
        )
        assert await scene.leased.sign(DRAFT, LATER) == Signed(SIGNED)
        assert len(scene.stream.requests) == 2

    with_signer(scenario)


def test_who_lost_the_committee_is_refused_once_and_asks_no_more() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.keeper.want(COMMITTEE)
        scene.signer.takes("successor")
        for _ in range(3):
            verdict = await scene.leased.sign(DRAFT, LATER)
            assert isinstance(verdict, Denied)
            assert verdict.reason is DenialReason.STALE_FENCE
        assert len(scene.stream.requests) == 1
        assert scene.signer.records[COMMITTEE].holder == "successor"

    with_signer(scenario)


def test_a_successor_takes_up_what_was_said_and_publishes_it_again() -> None:
    async def scenario(scene: Scene) -> None:
        delivered: list[bytes] = []
        peers, message = Peers(), SIGNED.encode()
        scene.signer.said = [message]
        journal = CommitteeJournal(
            COMMITTEE,
            cast(Any, scene.signer),
            scene.keeper,
            peers,
            scene.clock,
            lambda encoded, came_at: delivered.append(encoded),
        )
        scene.signer.away = True
        taking = asyncio.create_task(journal.take_over())
        await asyncio.sleep(10)
        assert not taking.done()
        scene.signer.away = False
        assert await taking == 1
        assert delivered == [message]
        assert [(each.encode(), slot) for each, slot, _ in peers.published] == [(message, CLOCK)]
        await journal.let_go()
        assert not scene.signer.records[COMMITTEE].holder

    with_signer(scenario)
