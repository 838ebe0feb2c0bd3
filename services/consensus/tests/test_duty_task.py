"""What a duty does when signer or gateways do not: asks again, keeps the order, says why in the end."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from itertools import pairwise

from libs.protocol.tests.runners import world
from libs.protocol.tests.signing.world import CLOCK
from services.consensus.tests.committee import FIRST_SLOT, FOUR, ONE, THREE, TWO, Committee, operator_key
from services.consensus.tests.fake_time import now, run

from ssv_consensus.duty_task import DutyTask
from ssv_consensus.duty_times import DUTY_SLOTS
from ssv_consensus.ports import Failed, Signer, SignVerdict
from ssv_devnet.committee.local_ports import LocalSignerPort
from ssv_devnet.committee.local_signer import LocalSigner
from ssv_protocol.effects import Draft, Effect, Event, PostConsensusDraft, QbftDraft, Received
from ssv_protocol.errors import Reason
from ssv_protocol.runners.admission import open_content
from ssv_protocol.runners.committee import CommitteeRunner
from ssv_protocol.runners.ledger import MissedReason
from ssv_protocol.signing.verdict import DenialReason, Denied
from ssv_protocol.types.duty import CommitteeDuty
from ssv_protocol.types.ids import Instant, OperatorId, Slot
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.roles import QbftMessageType

END = FIRST_SLOT + DUTY_SLOTS


@dataclass
class Trouble:
    """A signer that fails for `fails_s` from the first draft on, and takes `takes_s` for an answer."""

    signer: Signer
    fails_s: float = 0.0
    takes_s: float = 0.0
    asked: list[tuple[float, Draft]] = field(default_factory=list)

    async def sign(self, draft: Draft, deadline: Instant) -> SignVerdict:
        self.asked.append((now(), draft))
        await asyncio.sleep(self.takes_s)
        if now() < self.asked[0][0] + self.fails_s:
            return Failed("database")
        return await self.signer.sign(draft, deadline)


class Silent:
    """A signer that never answers."""

    async def sign(self, draft: Draft, deadline: Instant) -> SignVerdict:
        await asyncio.sleep(max(0.0, deadline - now()))
        return Failed("no answer before the duty's deadline")


class Refusing:
    """A signer that refuses share signatures."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    async def sign(self, draft: Draft, deadline: Instant) -> SignVerdict:
        if isinstance(draft, PostConsensusDraft):
            return Denied(DenialReason.WAITING)
        return await self._signer.sign(draft, deadline)


class Deaf:
    """Gateways that take nothing."""

    async def publish(self, message: SignedSSVMessage, slot: Slot, deadline: Instant) -> bool:
        await asyncio.sleep(max(0.0, deadline - now()))
        return False


async def first_duty(committee: Committee, *down: OperatorId, signer: Signer | None = None, deaf: bool = False) -> None:
    """Run the first duty with operator 1 in trouble, and everybody else who is not down."""
    for operator_id in (TWO, THREE, FOUR):
        if operator_id not in down:
            committee.start(operator_id)
    ports = committee.ports(ONE, signer=signer, gossip=Deaf() if deaf else None)
    committee.start(ONE, committee.node(ONE, ports))
    await committee.until_slot(END, 0.5)


def test_a_signer_that_fails_is_asked_again() -> None:
    async def scenario() -> None:
        async with Committee() as committee:
            signer = Trouble(committee.signer(ONE), fails_s=0.5)
            await first_duty(committee, FOUR, signer=signer)
            record = committee.records[FIRST_SLOT][ONE]
            assert record.submitted == record.attesters
            first = signer.asked[0][1]
            assert sum(draft is first for _, draft in signer.asked) > 1

    run(scenario)


def test_drafts_are_signed_one_after_another_in_their_order() -> None:
    async def scenario() -> None:
        async with Committee() as committee:
            signer = Trouble(committee.signer(ONE), takes_s=0.3)
            await first_duty(committee, FOUR, signer=signer)
            of_first = [
                (at, draft)
                for at, draft in signer.asked
                if (draft.message.height if isinstance(draft, QbftDraft) else draft.slot) == FIRST_SLOT
            ]
            assert all(later[0] - earlier[0] >= 0.3 - 1e-9 for earlier, later in pairwise(of_first))
            assert isinstance(of_first[-1][1], PostConsensusDraft)
            record = committee.records[FIRST_SLOT][ONE]
            assert record.submitted == record.attesters

    run(scenario)


def test_without_the_signer_the_ledger_names_it() -> None:
    async def scenario() -> None:
        async with Committee() as committee:
            await first_duty(committee, FOUR, signer=Silent())
            record = committee.records[FIRST_SLOT][ONE]
            assert set(record.missed.values()) == {MissedReason.SIGNER_UNAVAILABLE}
            others = committee.records[FIRST_SLOT][TWO]
            assert MissedReason.SIGNER_UNAVAILABLE not in others.missed.values()

    run(scenario)


def test_without_the_gateways_the_ledger_names_them() -> None:
    async def scenario() -> None:
        async with Committee() as committee:
            await first_duty(committee, FOUR, deaf=True)
            record = committee.records[FIRST_SLOT][ONE]
            assert set(record.missed.values()) == {MissedReason.GATEWAY_UNAVAILABLE}

    run(scenario)


def test_a_silent_signer_does_no_harm_while_the_others_are_a_quorum() -> None:
    async def scenario() -> None:
        async with Committee() as committee:
            await first_duty(committee, signer=Silent())
            record = committee.records[FIRST_SLOT][ONE]
            assert record.submitted == record.attesters
            assert all(ONE not in seen for seen in record.participants.values())

    run(scenario)


def test_a_refusal_is_named_when_it_costs_the_quorum() -> None:
    async def scenario() -> None:
        async with Committee() as committee:
            await first_duty(committee, FOUR, signer=Refusing(committee.signer(ONE)))
            record = committee.records[FIRST_SLOT][ONE]
            assert record.decided is not None
            assert set(record.missed.values()) == {MissedReason.SIGNER_REFUSED}

    run(scenario)


def test_a_signer_with_another_operators_key_is_not_believed() -> None:
    async def scenario() -> None:
        async with Committee() as committee:
            wrong = LocalSigner(committee.member(ONE), committee.network, operator_key(TWO), now)
            await first_duty(committee, signer=LocalSignerPort(wrong, committee.signer(ONE).offload))
            assert committee.nodes[ONE].dropped[Reason.ENVELOPE_SIGNATURE] > 0
            said = [SignedSSVMessage.decode(encoded) for encoded in committee.kept]
            assert all(message.operator_ids != (ONE,) for message in said)

    run(scenario)


class Counting(CommitteeRunner):
    """Counts what it is offered."""

    steps = 0

    def step(self, event: Event, at: Instant) -> list[Effect]:
        self.steps += 1
        return super().step(event, at)


def test_what_came_too_early_is_offered_again_once_for_each_stage() -> None:
    """Not after each message: a large committee says hundreds before the own value is there."""

    async def scenario() -> None:
        seat = world.seat()
        machine = Counting(seat, CommitteeDuty(CLOCK, (world.attester(world.A),)))
        async with Committee() as committee:
            task = DutyTask(
                machine, committee.ports(ONE), Instant(1e9), operator_id=ONE, admit=open_content, patience_s=1.0
            )
            serving = asyncio.create_task(task.run())
            said = [world.qbft(operator, QbftMessageType.PREPARE, b"") for operator in (2, 3, 4)]
            said += [world.qbft(4, QbftMessageType.COMMIT, b"", at_round) for at_round in range(1, 6)]
            for signed in said:
                task.deliver(Received(signed, open_content(signed)))
            await asyncio.sleep(1.0)
            assert machine.steps == len(said)
            task.begin()
            await asyncio.sleep(1.0)
            assert machine.consensus.started
            assert machine.steps == 2 * len(said) + 1
            accepted = world.qbft(2, QbftMessageType.ROUND_CHANGE, b"", 2)
            task.deliver(Received(accepted, open_content(accepted)))
            await asyncio.sleep(1.0)
            assert not task.dropped
            assert machine.steps == 2 * len(said) + 2, "a round change of one operator is taken, and alters nothing"
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)

    run(scenario)
