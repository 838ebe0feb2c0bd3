from __future__ import annotations

import pytest
from services.consensus.tests.test_duty_book import EPOCH, FIRST, attester, key, sync

from ssv_consensus.clearance import clear
from ssv_consensus.ports import Cleared
from ssv_consensus.signer_client import Watermark
from ssv_protocol.runners.ledger import MissedReason
from ssv_protocol.types.duty import CommitteeDuty
from ssv_protocol.types.ids import Epoch, ValidatorIndex
from ssv_protocol.types.roles import BeaconRole

ONE, TWO = ValidatorIndex(1), ValidatorIndex(2)
DUTY = CommitteeDuty(FIRST, (attester(1, FIRST), attester(2, FIRST), sync(1)))
FREE = Watermark(Epoch(EPOCH - 1), Epoch(0))


def cleared(mark: Watermark | None) -> Cleared:
    """Clear the duty where validator 1 has this mark, and validator 2 a good one."""
    return clear(DUTY, EPOCH, {}, {key(2): FREE} if mark is None else {key(1): mark, key(2): FREE})


def roles(result: Cleared, index: ValidatorIndex) -> set[int]:
    return {duty.type for duty in result.duty.validator_duties if duty.validator_index == index}


def test_everybody_who_may_sign_is_kept() -> None:
    assert cleared(FREE) == Cleared(DUTY)


def test_a_record_at_the_dutys_own_epoch_bars_nobody() -> None:
    assert cleared(Watermark(EPOCH, Epoch(0))) == Cleared(DUTY)


def test_a_record_beyond_the_epoch_bars_the_attestation_only() -> None:
    result = cleared(Watermark(Epoch(EPOCH + 1), Epoch(0)))
    assert result.barred == {ONE: MissedReason.RECORD_AHEAD}
    assert roles(result, ONE) == {BeaconRole.SYNC_COMMITTEE}
    assert roles(result, TWO) == {BeaconRole.ATTESTER}


@pytest.mark.parametrize(
    ("mark", "reason"),
    [(Watermark(EPOCH, Epoch(EPOCH + 1)), MissedReason.WAITING), (None, MissedReason.NO_SHARE)],
    ids=["signs later", "not held"],
)
def test_a_share_that_signs_nothing_bars_everything(mark: Watermark | None, reason: MissedReason) -> None:
    result = cleared(mark)
    assert result.barred == {ONE: reason}
    assert not roles(result, ONE)
    assert roles(result, TWO)


def test_the_scheduler_may_let_a_validator_wait() -> None:
    marks = {key(1): FREE, key(2): FREE}
    assert clear(DUTY, EPOCH, {ONE: EPOCH}, marks) == Cleared(DUTY)
    result = clear(DUTY, EPOCH, {ONE: Epoch(EPOCH + 1)}, marks)
    assert result.barred == {ONE: MissedReason.WAITING}
    assert not roles(result, ONE)


def test_a_silent_signer_bars_nobody_but_the_scheduler_still_does() -> None:
    assert clear(DUTY, EPOCH, {}, None) == Cleared(DUTY)
    assert clear(DUTY, EPOCH, {TWO: Epoch(EPOCH + 5)}, None).barred == {TWO: MissedReason.WAITING}
