from __future__ import annotations

from dataclasses import replace

import pytest
from libs.protocol.tests.signing.world import (
    CHAIN,
    CLOCK,
    COMMITTEE,
    NETWORK,
    SLOTS_PER_EPOCH,
    message_id,
    qbft_draft,
    root_of,
)

from ssv_protocol.effects import QbftDraft
from ssv_protocol.networks import LOCAL_BOOLE_DOMAIN, MAINNET
from ssv_protocol.signing import qbft
from ssv_protocol.signing.qbft import QbftApproved
from ssv_protocol.signing.records import Lock, QbftRecord
from ssv_protocol.signing.verdict import DenialReason, Denied
from ssv_protocol.types.ids import BlsPublicKey, Height, Round
from ssv_protocol.types.message_id import committee_message_id, validator_message_id
from ssv_protocol.types.messages import MAX_FULL_DATA_BYTES, SSVMessage
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import MsgType, QbftMessageType, RunnerRole

A, B = b"value a", b"value b"
PROPOSAL, PREPARE, COMMIT = QbftMessageType.PROPOSAL, QbftMessageType.PREPARE, QbftMessageType.COMMIT


def proposal(at_round: int, value: bytes) -> QbftDraft:
    return qbft_draft(PROPOSAL, at_round, value)


def prepare(at_round: int, value: bytes) -> QbftDraft:
    return qbft_draft(PREPARE, at_round, value)


def commit(at_round: int, value: bytes) -> QbftDraft:
    return qbft_draft(COMMIT, at_round, value)


def change(to_round: int, prepared: tuple[int, bytes] = (0, b"")) -> QbftDraft:
    return qbft_draft(QbftMessageType.ROUND_CHANGE, to_round, prepared[1], prepared_round=prepared[0])


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
    assert after(proposal(1, A), prepare(1, A), commit(1, A), change(2, (1, A))) == QbftRecord(
        round=Round(2),
        root=None,
        lock=Lock(Round(1), root_of(A)),
        steps=after(proposal(1, A), prepare(1, A), commit(1, A), change(2, (1, A))).steps,  # type: ignore[union-attr]
    )


HUGE = bytes(MAX_FULL_DATA_BYTES + 1)
PUBKEY = BlsPublicKey(b"\xab" * 48)
ALAN = NETWORK.domain_at(CLOCK)


def with_id(identifier: bytes) -> QbftDraft:
    return qbft_draft(PREPARE, 1, A, identifier=identifier)


FORMS: list[tuple[str, QbftDraft, DenialReason | None]] = [
    ("OldestHeight", qbft_draft(PREPARE, 1, A, height=CLOCK - 34), None),
    ("TooOld", qbft_draft(PREPARE, 1, A, height=CLOCK - 35), DenialReason.TOO_OLD),
    ("LatestHeight", qbft_draft(PREPARE, 1, A, height=CLOCK + SLOTS_PER_EPOCH), None),
    ("FarFuture", qbft_draft(PREPARE, 1, A, height=CLOCK + SLOTS_PER_EPOCH + 1), DenialReason.FAR_FUTURE),
    ("RoundZero", prepare(0, A), DenialReason.MALFORMED),
    ("ShortIdentifier", with_id(bytes(55)), DenialReason.MALFORMED),
    ("EmptyIdentifier", with_id(b""), DenialReason.MALFORMED),
    (
        "UnknownType",
        QbftDraft(replace(prepare(1, A).message, msg_type=4)),
        DenialReason.MALFORMED,
    ),
    (
        "BrokenJustification",
        QbftDraft(replace(change(2).message, round_change_justification=(b"\x00",))),
        DenialReason.MALFORMED,
    ),
    ("RootOfWrongLength", QbftDraft(replace(prepare(1, A).message, root=b"\x00")), DenialReason.MALFORMED),  # type: ignore[arg-type]
    (
        "OtherNetwork",
        with_id(committee_message_id(MAINNET.alan_domain, RunnerRole.COMMITTEE, COMMITTEE)),
        DenialReason.WRONG_DOMAIN,
    ),
    (
        "NextForksDomain",
        with_id(committee_message_id(LOCAL_BOOLE_DOMAIN, RunnerRole.COMMITTEE, COMMITTEE)),
        DenialReason.WRONG_DOMAIN,
    ),
    ("Proposer", with_id(validator_message_id(ALAN, RunnerRole.PROPOSER, PUBKEY)), None),
    (
        "RoleWithoutConsensus",
        with_id(validator_message_id(ALAN, RunnerRole.VOLUNTARY_EXIT, PUBKEY)),
        DenialReason.WRONG_ROLE,
    ),
    ("ProposalWithoutValue", replace(proposal(1, A), full_data=b""), DenialReason.FULL_DATA),
    ("ProposalOfOtherValue", replace(proposal(1, A), full_data=B), DenialReason.FULL_DATA),
    ("HugeProposal", proposal(1, HUGE), DenialReason.FULL_DATA),
    ("PreparedRoundChangeWithoutValue", replace(change(2, (1, A)), full_data=b""), DenialReason.FULL_DATA),
    ("UnpreparedRoundChangeWithValue", replace(change(2), full_data=A), DenialReason.FULL_DATA),
    ("PrepareWithValue", replace(prepare(1, A), full_data=A), DenialReason.FULL_DATA),
    ("CommitWithValue", replace(commit(1, A), full_data=A), DenialReason.FULL_DATA),
]


@pytest.mark.parametrize(("draft", "reason"), [case[1:] for case in FORMS], ids=[case[0] for case in FORMS])
def test_form(draft: QbftDraft, reason: DenialReason | None) -> None:
    verdict = qbft.check(NETWORK, None, draft, CLOCK)
    assert (verdict.reason if isinstance(verdict, Denied) else None) == reason


def test_what_is_too_old_is_not_repeated_either() -> None:
    draft = prepare(1, A)
    later = CHAIN.first_slot(CHAIN.epoch_of(CLOCK)) + 100
    verdict = qbft.check(NETWORK, after(draft), draft, type(CLOCK)(later))
    assert isinstance(verdict, Denied)
    assert verdict.reason == DenialReason.TOO_OLD
    assert draft.message.height == Height(CLOCK)
