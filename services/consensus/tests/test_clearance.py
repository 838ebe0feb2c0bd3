"""Who may sign what, at a duty's start."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import cast

import pytest
from libs.protocol.tests.signing.world import CHAIN, COMMITTEE
from services.consensus.tests.fake_time import run
from services.consensus.tests.test_duty_book import EPOCH, FIRST, attester, key, proposer, sync

from ssv_consensus.clearance import SigningClearance, clear
from ssv_consensus.duty_book import DutyBook
from ssv_consensus.ports import Cleared
from ssv_consensus.signer_client import SignerClient, Watermark
from ssv_protocol.runners.ledger import MissedReason
from ssv_protocol.types.duty import AggregatorCommitteeDuty, CommitteeDuty, ValidatorDuty
from ssv_protocol.types.ids import BlsPublicKey, CommitteeId, Epoch, Slot, ValidatorIndex
from ssv_protocol.types.roles import BeaconRole

ONE, TWO = ValidatorIndex(1), ValidatorIndex(2)
DUTY = CommitteeDuty(FIRST, (attester(1, FIRST), attester(2, FIRST), sync(1)))
AGGREGATORS = AggregatorCommitteeDuty(
    FIRST, tuple(replace(attester(index, FIRST), type=BeaconRole.AGGREGATOR) for index in (1, 2))
)
FREE = Watermark(Epoch(EPOCH - 1), Epoch(0))
AHEAD = Watermark(Epoch(EPOCH + 1), Epoch(0))
LATER = Watermark(EPOCH, Epoch(EPOCH + 1))


def own(role: BeaconRole) -> ValidatorDuty:
    return replace(proposer(1, FIRST), type=role)


def cleared(mark: Watermark | None) -> Cleared:
    """Clear the duty where validator 1 has this mark, and validator 2 a good one."""
    return clear(DUTY, EPOCH, {}, {key(2): FREE} if mark is None else {key(1): mark, key(2): FREE})


def roles(result: Cleared, index: ValidatorIndex) -> set[int]:
    assert isinstance(result.duty, CommitteeDuty)
    return {duty.type for duty in result.duty.validator_duties if duty.validator_index == index}


def test_everybody_who_may_sign_is_kept() -> None:
    assert cleared(FREE) == Cleared(DUTY)


def test_a_record_at_the_dutys_own_epoch_bars_nobody() -> None:
    assert cleared(Watermark(EPOCH, Epoch(0))) == Cleared(DUTY)


def test_a_record_beyond_the_epoch_bars_the_attestation_only() -> None:
    result = cleared(AHEAD)
    assert result.barred == {(BeaconRole.ATTESTER, ONE): MissedReason.RECORD_AHEAD}
    assert roles(result, ONE) == {BeaconRole.SYNC_COMMITTEE}
    assert roles(result, TWO) == {BeaconRole.ATTESTER}
    for other in (own(BeaconRole.PROPOSER), AGGREGATORS):
        assert clear(other, EPOCH, {}, {key(1): AHEAD, key(2): AHEAD}) == Cleared(other)


def test_a_share_that_is_not_held_bars_everything() -> None:
    result = cleared(None)
    reason = MissedReason.NO_SHARE
    assert result.barred == {(BeaconRole.ATTESTER, ONE): reason, (BeaconRole.SYNC_COMMITTEE, ONE): reason}
    assert not roles(result, ONE)
    assert roles(result, TWO)


def test_the_attestation_of_who_waits_is_decided_upon_and_barred_from_signing() -> None:
    assert cleared(LATER) == Cleared(DUTY, {(BeaconRole.ATTESTER, ONE): MissedReason.WAITING})


def test_the_scheduler_may_let_a_validator_wait() -> None:
    marks = {key(1): FREE, key(2): FREE}
    assert clear(DUTY, EPOCH, {ONE: EPOCH}, marks) == Cleared(DUTY)
    result = clear(DUTY, EPOCH, {ONE: Epoch(EPOCH + 1)}, marks)
    assert result == Cleared(DUTY, {(BeaconRole.ATTESTER, ONE): MissedReason.WAITING})


def test_a_silent_signer_bars_nobody_but_the_scheduler_still_does() -> None:
    assert clear(DUTY, EPOCH, {}, None) == Cleared(DUTY)
    assert clear(DUTY, EPOCH, {TWO: Epoch(EPOCH + 5)}, None).barred == {
        (BeaconRole.ATTESTER, TWO): MissedReason.WAITING
    }


@pytest.mark.parametrize(
    ("duty", "waits"),
    [
        (own(BeaconRole.PROPOSER), True),
        (own(BeaconRole.AGGREGATOR), True),
        (own(BeaconRole.SYNC_COMMITTEE_CONTRIBUTION), False),
        (own(BeaconRole.VALIDATOR_REGISTRATION), False),
        (own(BeaconRole.VOLUNTARY_EXIT), False),
    ],
)
def test_who_waits_begins_neither_block_nor_aggregate(duty: ValidatorDuty, waits: bool) -> None:
    barred = Cleared(None, {(BeaconRole(duty.type), ONE): MissedReason.WAITING})
    for result in (clear(duty, EPOCH, {}, {key(1): LATER}), clear(duty, EPOCH, {ONE: Epoch(EPOCH + 1)}, None)):
        assert result == (barred if waits else Cleared(duty))
    assert clear(duty, EPOCH, {}, {}).barred == {(BeaconRole(duty.type), ONE): MissedReason.NO_SHARE}


def test_a_committees_aggregators_are_barred_one_by_one() -> None:
    result = clear(AGGREGATORS, EPOCH, {}, {key(1): LATER, key(2): FREE})
    assert result.duty == AggregatorCommitteeDuty(FIRST, AGGREGATORS.validator_duties[1:])
    assert result.barred == {(BeaconRole.AGGREGATOR, ONE): MissedReason.WAITING}


@dataclass
class CountingSigner:
    """Answers `answers` one after the other, the last one for ever."""

    answers: list[Mapping[BlsPublicKey, Watermark] | None]
    asked: int = 0

    async def watermarks(self, committee: CommitteeId, timeout_s: float) -> Mapping[BlsPublicKey, Watermark] | None:
        self.asked += 1
        await asyncio.sleep(0.1)
        return self.answers[min(self.asked, len(self.answers)) - 1]


def test_the_duties_of_a_slot_share_one_answer_of_the_signer() -> None:
    async def scenario() -> None:
        signer = CountingSigner([{key(1): FREE, key(2): FREE}])
        clearance = SigningClearance(COMMITTEE, DutyBook(CHAIN), cast(SignerClient, signer))
        results = await asyncio.gather(clearance(DUTY), clearance(AGGREGATORS), clearance(own(BeaconRole.PROPOSER)))
        assert [not result.barred for result in results] == [True] * 3
        assert signer.asked == 1
        await clearance(replace(DUTY, slot=Slot(FIRST + 1)))
        assert signer.asked == 2

    run(scenario)


def test_a_signer_that_gave_no_answer_is_asked_again() -> None:
    async def scenario() -> None:
        signer = CountingSigner([None, {key(2): FREE}])
        clearance = SigningClearance(COMMITTEE, DutyBook(CHAIN), cast(SignerClient, signer))
        assert await clearance(DUTY) == Cleared(DUTY)
        assert (await clearance(DUTY)).barred

    run(scenario)
