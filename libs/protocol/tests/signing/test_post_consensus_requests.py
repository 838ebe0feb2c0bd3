from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from libs.protocol.tests.signing.requests import (
    EPOCH,
    OURS,
    SYNC,
    VOTE,
    advanced,
    duty,
    judge,
    pubkey,
    request,
    state,
)
from libs.protocol.tests.signing.world import (
    CHAIN,
    CLOCK,
    NETWORK,
    Decision,
    member,
    message_id,
    vote_for,
)

from ssv_protocol.effects import PostConsensusDraft
from ssv_protocol.signing import post_consensus
from ssv_protocol.signing.post_consensus import PostConsensusVerdict
from ssv_protocol.signing.verdict import DenialReason, Denied
from ssv_protocol.types.beacon_vote import BeaconVote
from ssv_protocol.types.ids import MessageId, Slot
from ssv_protocol.types.message_id import validator_message_id
from ssv_protocol.types.partial_signatures import MAX_PARTIAL_SIGNATURES
from ssv_protocol.types.roles import RunnerRole

REPEATS = [
    request(duty(1), duty(2)),
    request(duty(2)),
    request(duty(3)),
    request(duty(1), vote=vote_for(CLOCK, head=8)),
]


@pytest.mark.parametrize("asked", REPEATS, ids=["Same", "Fewer", "Others", "OtherDecision"])
def test_the_message_on_record_is_the_answer_whatever_is_asked(asked: PostConsensusDraft) -> None:
    before = state()
    first = judge(request(duty(1), duty(2)), before)
    again = judge(asked, advanced(before, first))
    assert again == PostConsensusVerdict(first.record, {})


def test_a_recorded_message_whose_share_is_gone_is_not_replaced() -> None:
    before = state()
    after = advanced(before, judge(request(duty(1), duty(2)), before))
    without = {index: held for index, held in after.shares.items() if index != 2}
    denied = post_consensus.check(NETWORK, member(), replace(after, shares=without), request(duty(1)), CLOCK)
    assert isinstance(denied, Denied)
    assert denied.reason == DenialReason.SHARE_REMOVED


GOOD = request(duty(1))
REGISTRATION = validator_message_id(NETWORK.domain_at(CLOCK), RunnerRole.VALIDATOR_REGISTRATION, pubkey(1))


@pytest.mark.parametrize(
    ("draft", "clock", "reason"),
    [
        (GOOD, CLOCK + 35, DenialReason.TOO_OLD),
        (GOOD, CLOCK - CHAIN.slots_per_epoch - 1, DenialReason.FAR_FUTURE),
        (replace(GOOD, message_id=REGISTRATION), CLOCK, DenialReason.WRONG_ROLE),
        (replace(GOOD, message_id=MessageId(message_id()[:-1])), CLOCK, DenialReason.MALFORMED),
        (replace(GOOD, slot=Slot(CLOCK - 1)), CLOCK, DenialReason.EVIDENCE_OTHER_DUTY),
        (
            replace(GOOD, decided=Decision(VOTE.encode(), signers=(1, 2)).signed()),
            CLOCK,
            DenialReason.EVIDENCE_NO_QUORUM,
        ),
    ],
    ids=["TooOld", "FarFuture", "Registration", "ShortId", "OtherSlot", "NoQuorum"],
)
def test_requests_that_are_denied_as_a_whole(draft: PostConsensusDraft, clock: int, reason: DenialReason) -> None:
    denied = post_consensus.check(NETWORK, member(), state(), draft, Slot(clock))
    assert isinstance(denied, Denied)
    assert denied.reason == reason


def test_a_request_has_at_most_as_many_duties_as_a_message_has_signatures() -> None:
    full = request(*(duty(1),) * MAX_PARTIAL_SIGNATURES)
    assert len(judge(full).denied) == MAX_PARTIAL_SIGNATURES - 1
    overfull = replace(full, duties=(*full.duties, duty(1)))
    denied = post_consensus.check(NETWORK, member(), state(), overfull, CLOCK)
    assert isinstance(denied, Denied)
    assert denied.reason is DenialReason.MALFORMED


VOTES = [vote_for(CLOCK, source=EPOCH - back, head=head) for back in (1, 2) for head in (7, 8)]
REQUESTS = {(vote, index): request(duty(index), duty(index, SYNC), vote=vote) for vote in VOTES for index in OURS}


@given(st.lists(st.tuples(st.sampled_from(VOTES), st.sampled_from(OURS)), max_size=12))
def test_a_share_attests_once_for_a_target(asked: list[tuple[BeaconVote, int]]) -> None:
    current, signed = state(), dict[int, BeaconVote]()
    for vote, index in asked:
        verdict = judge(REQUESTS[vote, index], current)
        current = replace(advanced(current, verdict), sent=None)
        assert verdict.record is not None
        if len(verdict.record.items) == 2:
            assert signed.setdefault(index, vote) == vote
        else:
            assert signed.get(index) != vote
