from __future__ import annotations

import pytest
from libs.protocol.tests.signing.drafts import A, B, change, commit, prepare, proposal
from libs.protocol.tests.signing.world import (
    CLOCK,
    NETWORK,
    message_id,
    root_of,
)

from ssv_protocol.effects import QbftDraft
from ssv_protocol.signing import qbft
from ssv_protocol.signing.qbft import QbftApproved
from ssv_protocol.signing.records import Lock, QbftRecord
from ssv_protocol.signing.verdict import DenialReason, Denied
from ssv_protocol.types.ids import Round
from ssv_protocol.types.messages import SSVMessage
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import MsgType, QbftMessageType


def after(*drafts: QbftDraft) -> QbftRecord | None:
    record = None
    for draft in drafts:
        verdict = qbft.check(NETWORK, record, draft, CLOCK)
        assert isinstance(verdict, QbftApproved)
        record = verdict.record
    return record


# name, what is on record, what is asked, None when it is approved as asked
CASES: list[tuple[str, tuple[QbftDraft, ...], QbftDraft, DenialReason | None]] = [
    ("FirstProposal", (), proposal(1, A), None),
    ("FirstPrepare", (), prepare(1, A), None),
    ("FirstCommit", (), commit(1, A), None),
    ("FirstRoundChange", (), change(2), None),
    ("FirstInLaterRound", (), prepare(7, A), None),
    ("PrepareOwnProposal", (proposal(1, A),), prepare(1, A), None),
    ("PrepareAgainstOwnProposal", (proposal(1, A),), prepare(1, B), DenialReason.SECOND_ROOT),
    ("ProposalAgainstOwnPrepare", (prepare(1, A),), proposal(1, B), DenialReason.SECOND_ROOT),
    ("CommitAfterPrepare", (prepare(1, A),), commit(1, A), None),
    ("CommitAgainstPrepare", (prepare(1, A),), commit(1, B), DenialReason.SECOND_ROOT),
    ("PrepareAgainstCommit", (commit(1, A),), prepare(1, B), DenialReason.SECOND_ROOT),
    ("LatePrepareAfterCommit", (commit(1, A),), prepare(1, A), None),
    ("PrepareBelow", (prepare(3, A),), prepare(2, A), DenialReason.ROUND_FELL),
    ("CommitBelowRoundChange", (prepare(1, A), change(2)), commit(1, A), DenialReason.ROUND_FELL),
    ("PrepareBelowRoundChange", (change(2),), prepare(1, A), DenialReason.ROUND_FELL),
    ("ProposalBelowRoundChange", (change(2),), proposal(1, A), DenialReason.ROUND_FELL),
    ("RoundChangeBelow", (change(3),), change(2), DenialReason.ROUND_FELL),
    ("PrepareInRoundChangedTo", (prepare(1, A), change(2)), prepare(2, B), None),
    ("OtherValueInHigherRound", (prepare(1, A), commit(1, A)), prepare(2, B), None),
    ("CommitOtherValueInHigherRound", (commit(1, A), prepare(2, B)), commit(2, B), None),
    ("RoundChangeUnprepared", (prepare(1, A),), change(2), None),
    ("RoundChangeUnpreparedAfterCommit", (commit(1, A),), change(2), DenialReason.LOCK_VIOLATED),
    ("RoundChangeWithLock", (commit(1, A),), change(2, (1, A)), None),
    ("RoundChangeOtherRootThanLock", (commit(1, A),), change(2, (1, B)), DenialReason.LOCK_VIOLATED),
    ("RoundChangeBelowLock", (prepare(1, B), commit(2, A)), change(3, (1, A)), DenialReason.LOCK_VIOLATED),
    ("RoundChangeAboveLock", (commit(1, A), prepare(2, B)), change(3, (2, B)), None),
    ("RoundChangeMovedLock", (commit(1, A), commit(2, B)), change(3, (1, A)), DenialReason.LOCK_VIOLATED),
    ("RoundChangePreparedWithoutCommit", (), change(4, (3, A)), None),
    ("RoundChangeIntoPreparedRound", (prepare(2, A),), change(2), None),
    ("SecondValueAfterRoundChangeIntoRound", (prepare(2, A), change(2)), commit(2, B), DenialReason.SECOND_ROOT),
    ("RoundChangeIntoCommittedRound", (commit(2, A),), change(2), DenialReason.LOCK_VIOLATED),
    ("RoundChangePreparedInItsRound", (), change(2, (2, A)), DenialReason.PREPARED_ROUND),
    ("RoundChangePreparedLater", (), change(2, (3, A)), DenialReason.PREPARED_ROUND),
    ("LockStaysOverRoundChanges", (commit(1, A), change(2, (1, A))), change(3), DenialReason.LOCK_VIOLATED),
]


@pytest.mark.parametrize(("before", "asked", "reason"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_named_cases(before: tuple[QbftDraft, ...], asked: QbftDraft, reason: DenialReason | None) -> None:
    verdict = qbft.check(NETWORK, after(*before), asked, CLOCK)
    if reason is not None:
        assert isinstance(verdict, Denied)
        assert verdict.reason == reason
        return
    assert isinstance(verdict, QbftApproved)
    assert verdict.message.message == SSVMessage(MsgType.CONSENSUS, message_id(), asked.message.encode())
    assert verdict.message.full_data == asked.full_data


@pytest.mark.parametrize(
    ("before", "asked"),
    [
        (proposal(1, A), proposal(1, A)),
        (proposal(1, A), proposal(1, B)),
        (prepare(1, A), prepare(1, B)),
        (commit(1, A), commit(1, B)),
        (change(2), change(2, (1, A))),
        (change(2, (1, A)), change(2)),
    ],
)
def test_a_step_on_record_is_the_answer_whatever_is_asked(before: QbftDraft, asked: QbftDraft) -> None:
    first = qbft.check(NETWORK, None, before, CLOCK)
    assert isinstance(first, QbftApproved)
    again = qbft.check(NETWORK, first.record, asked, CLOCK)
    assert again == first


def test_a_step_of_a_passed_round_can_still_be_repeated() -> None:
    record = after(proposal(1, A), prepare(1, A), commit(1, A), change(2, (1, A)))
    again = qbft.check(NETWORK, record, commit(1, A), CLOCK)
    assert isinstance(again, QbftApproved)
    assert again.record == record
    assert QbftMessage.decode(again.message.message.data) == commit(1, A).message


def test_the_successor_of_a_leader_goes_on_with_the_recorded_proposal() -> None:
    record = after(proposal(1, A))
    verdict = qbft.check(NETWORK, record, proposal(1, B), CLOCK)
    assert isinstance(verdict, QbftApproved)
    assert verdict.message.full_data == A
    for draft in (prepare(1, A), commit(1, A), change(2, (1, A)), proposal(2, A)):
        verdict = qbft.check(NETWORK, verdict.record, draft, CLOCK)
        assert isinstance(verdict, QbftApproved)


def test_what_a_record_says() -> None:
    record = after(proposal(1, A), prepare(1, A), commit(1, A), change(2, (1, A)))
    assert record is not None
    assert (record.round, record.root, record.lock) == (2, None, Lock(Round(1), root_of(A)))
    assert [(step.type, step.round) for step in record.steps] == [
        (QbftMessageType.PROPOSAL, 1),
        (QbftMessageType.PREPARE, 1),
        (QbftMessageType.COMMIT, 1),
        (QbftMessageType.ROUND_CHANGE, 2),
    ]
