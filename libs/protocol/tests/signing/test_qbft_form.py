from __future__ import annotations

from dataclasses import replace

import pytest
from libs.protocol.tests.signing.drafts import PREPARE, A, B, change, commit, prepare, proposal
from libs.protocol.tests.signing.world import (
    CLOCK,
    COMMITTEE,
    NETWORK,
    SLOTS_PER_EPOCH,
    qbft_draft,
)

from ssv_protocol.effects import QbftDraft
from ssv_protocol.networks import LOCAL_BOOLE_DOMAIN, MAINNET
from ssv_protocol.signing import qbft
from ssv_protocol.signing.qbft import QbftApproved
from ssv_protocol.signing.verdict import DenialReason, Denied
from ssv_protocol.types.ids import BlsPublicKey, Round, Slot
from ssv_protocol.types.message_id import committee_message_id, validator_message_id
from ssv_protocol.types.messages import MAX_FULL_DATA_BYTES
from ssv_protocol.types.roles import RunnerRole

HUGE = bytes(MAX_FULL_DATA_BYTES + 1)
PUBKEY = BlsPublicKey(b"\xab" * 48)
ALAN = NETWORK.domain_at(CLOCK)


WITH_DATA_ROUND = replace(prepare(1, A).message, data_round=Round(7))


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
    (
        "RegistrationHasNoConsensus",
        with_id(validator_message_id(ALAN, RunnerRole.VALIDATOR_REGISTRATION, PUBKEY)),
        DenialReason.WRONG_ROLE,
    ),
    ("ProposalWithoutValue", replace(proposal(1, A), full_data=b""), DenialReason.FULL_DATA),
    ("ProposalOfOtherValue", replace(proposal(1, A), full_data=B), DenialReason.FULL_DATA),
    ("LargestProposal", proposal(1, HUGE[1:]), None),
    ("HugeProposal", proposal(1, HUGE), DenialReason.FULL_DATA),
    ("PreparedRoundChangeWithoutValue", replace(change(2, (1, A)), full_data=b""), DenialReason.FULL_DATA),
    ("UnpreparedRoundChangeWithValue", replace(change(2), full_data=A), DenialReason.FULL_DATA),
    ("PrepareWithValue", replace(prepare(1, A), full_data=A), DenialReason.FULL_DATA),
    ("PrepareWithMeaninglessDataRound", QbftDraft(WITH_DATA_ROUND), None),
    ("PrepareWithDataRoundAndValue", QbftDraft(WITH_DATA_ROUND, A), DenialReason.FULL_DATA),
    ("CommitWithValue", replace(commit(1, A), full_data=A), DenialReason.FULL_DATA),
]


@pytest.mark.parametrize(("draft", "reason"), [case[1:] for case in FORMS], ids=[case[0] for case in FORMS])
def test_form(draft: QbftDraft, reason: DenialReason | None) -> None:
    verdict = qbft.check(NETWORK, None, draft, CLOCK)
    assert (verdict.reason if isinstance(verdict, Denied) else None) == reason


def test_what_is_too_old_is_not_repeated_either() -> None:
    draft = prepare(1, A)
    later = CLOCK + 35
    first = qbft.check(NETWORK, None, draft, CLOCK)
    assert isinstance(first, QbftApproved)
    verdict = qbft.check(NETWORK, first.record, draft, Slot(later))
    assert isinstance(verdict, Denied)
    assert verdict.reason == DenialReason.TOO_OLD
