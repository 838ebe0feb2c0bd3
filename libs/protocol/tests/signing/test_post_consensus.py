from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from libs.protocol.tests.signing.world import (
    CHAIN,
    CLOCK,
    COMMITTEE,
    NETWORK,
    Decision,
    member,
    message_id,
    vote_for,
)

from ssv_protocol.effects import PostConsensusDraft
from ssv_protocol.signing import attestation, post_consensus
from ssv_protocol.signing.objects import committee_objects
from ssv_protocol.signing.post_consensus import HeldShare, PostConsensusState, PostConsensusVerdict
from ssv_protocol.signing.records import AttestationRecord, ShareSigning
from ssv_protocol.signing.verdict import DenialReason, Denied
from ssv_protocol.types.beacon_vote import BeaconVote
from ssv_protocol.types.duty import ValidatorDuty
from ssv_protocol.types.ids import BlsPublicKey, CommitteeId, Epoch, MessageId, Slot, ValidatorIndex
from ssv_protocol.types.message_id import validator_message_id
from ssv_protocol.types.roles import BeaconRole, RunnerRole

VOTE = vote_for(CLOCK)
EPOCH = CHAIN.epoch_of(CLOCK)
ATTESTER, SYNC = BeaconRole.ATTESTER, BeaconRole.SYNC_COMMITTEE
FOREIGN, KEYLESS = 40, 41
OURS = (1, 2, 3)


def pubkey(index: int) -> BlsPublicKey:
    return BlsPublicKey(b"\xaa" + bytes([index]) * 47)


def share(index: int) -> BlsPublicKey:
    return BlsPublicKey(b"\xbb" + bytes([index]) * 47)


def duty(index: int, kind: int = ATTESTER, slot: int = CLOCK, key: int | None = None) -> ValidatorDuty:
    return ValidatorDuty(
        kind, pubkey(index if key is None else key), Slot(slot), ValidatorIndex(index), committee_length=8
    )


def held(index: int, committee: CommitteeId = COMMITTEE) -> HeldShare:
    return HeldShare(pubkey(index), share(index), committee)


def state(epoch: int = EPOCH - 1) -> PostConsensusState:
    shares = {ValidatorIndex(index): held(index) for index in (*OURS, KEYLESS)}
    shares[ValidatorIndex(FOREIGN)] = held(FOREIGN, CommitteeId(bytes(32)))
    records = {share(index): attestation.raised(None, Epoch(epoch)) for index in (*OURS, FOREIGN)}
    return PostConsensusState(shares, records)


def request(*duties: ValidatorDuty, vote: BeaconVote = VOTE, slot: Slot = CLOCK) -> PostConsensusDraft:
    return PostConsensusDraft(message_id(), slot, Decision(vote.encode(), slot).signed(), duties)


def judge(
    draft: PostConsensusDraft, before: PostConsensusState | None = None, clock: Slot = CLOCK
) -> PostConsensusVerdict:
    verdict = post_consensus.check(NETWORK, member(), before or state(), draft, clock)
    assert isinstance(verdict, PostConsensusVerdict)
    return verdict


def advanced(before: PostConsensusState, verdict: PostConsensusVerdict) -> PostConsensusState:
    return PostConsensusState(before.shares, {**before.attestations, **verdict.attestations}, verdict.record)


def reasons(verdict: PostConsensusVerdict) -> dict[int, DenialReason]:
    return {item.duty.validator_index: item.denied.reason for item in verdict.denied}


def signing(given_duty: ValidatorDuty, vote: BeaconVote = VOTE) -> ShareSigning:
    (wanted,) = committee_objects(CHAIN, CLOCK, vote, [given_duty])
    return ShareSigning(given_duty.validator_index, share(given_duty.validator_index), wanted.signing_root)


def test_attestations_and_sync_messages_in_one_message() -> None:
    duties = (duty(1), duty(2), duty(1, SYNC))
    verdict = judge(request(*duties))
    assert verdict.record is not None
    assert verdict.record.items == tuple(signing(item) for item in duties)
    assert verdict.denied == ()
    root = signing(duty(1)).signing_root
    expected = AttestationRecord(VOTE.source.epoch, VOTE.target.epoch, root)
    assert verdict.attestations == {share(1): expected, share(2): expected}


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (duty(2, BeaconRole.PROPOSER), DenialReason.DUTY_TYPE),
        (duty(2, 99), DenialReason.DUTY_TYPE),
        (duty(2, slot=CLOCK - 1), DenialReason.DUTY_SLOT),
        (duty(77), DenialReason.UNKNOWN_VALIDATOR),
        (duty(2, key=1), DenialReason.UNKNOWN_VALIDATOR),
        (duty(FOREIGN), DenialReason.OTHER_COMMITTEE),
        (duty(FOREIGN, SYNC), DenialReason.OTHER_COMMITTEE),
        (duty(KEYLESS), DenialReason.NO_RECORD),
        (duty(1), DenialReason.DUPLICATE_DUTY),
    ],
    ids=str,
)
def test_one_refusal_never_sinks_the_batch(bad: ValidatorDuty, reason: DenialReason) -> None:
    verdict = judge(request(duty(1), bad, duty(3)))
    assert [(item.duty, item.denied.reason) for item in verdict.denied] == [(bad, reason)]
    assert verdict.record is not None
    assert verdict.record.items == (signing(duty(1)), signing(duty(3)))
    assert set(verdict.attestations) == {share(1), share(3)}


def test_a_validator_without_record_still_sends_its_sync_message() -> None:
    verdict = judge(request(duty(KEYLESS), duty(KEYLESS, SYNC)))
    assert verdict.record is not None
    assert verdict.record.items == (signing(duty(KEYLESS, SYNC)),)
    assert verdict.attestations == {}


def test_nothing_left_is_nothing_recorded() -> None:
    verdict = judge(request(duty(77), duty(FOREIGN)))
    assert verdict.record is None
    assert verdict.attestations == {}
    assert len(verdict.denied) == 2


def test_a_new_key_waits_for_the_next_epoch() -> None:
    assert reasons(judge(request(duty(1)), state(EPOCH))) == {1: DenialReason.DOUBLE_VOTE}


def test_two_votes_for_one_target() -> None:
    before = state()
    after = advanced(before, judge(request(duty(1)), before))
    other = judge(request(duty(1), duty(2), vote=vote_for(CLOCK, head=8)), replace(after, sent=None))
    assert reasons(other) == {1: DenialReason.DOUBLE_VOTE}
    assert set(other.attestations) == {share(2)}


def test_the_same_vote_may_be_signed_again_without_its_message_record() -> None:
    before = state()
    first = judge(request(duty(1)), before)
    again = judge(request(duty(1)), replace(advanced(before, first), sent=None))
    assert again.record == first.record
    assert again.attestations == {}


@pytest.mark.parametrize(
    ("vote", "reason"),
    [
        (vote_for(CLOCK, target=EPOCH + 1), DenialReason.TARGET_OF_OTHER_EPOCH),
        (vote_for(CLOCK, source=EPOCH - 3, target=EPOCH - 1), DenialReason.TARGET_OF_OTHER_EPOCH),
        (vote_for(CLOCK, target=2**64 - 1), DenialReason.TARGET_OF_OTHER_EPOCH),
        (vote_for(CLOCK, source=EPOCH - 3), DenialReason.SURROUND),
    ],
)
def test_a_vote_that_may_not_be_attested_still_gives_sync_messages(vote: BeaconVote, reason: DenialReason) -> None:
    verdict = judge(request(duty(1), duty(2, SYNC), vote=vote))
    assert reasons(verdict) == {1: reason}
    assert verdict.record is not None
    assert verdict.record.items == (signing(duty(2, SYNC), vote),)


def test_validators_that_share_a_key_share_its_record() -> None:
    before = state()
    shares = {**before.shares, ValidatorIndex(2): HeldShare(pubkey(2), share(1), COMMITTEE)}
    verdict = judge(request(duty(1), duty(2)), replace(before, shares=shares))
    assert verdict.denied == ()
    assert len(verdict.attestations) == 1


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
PROPOSER = validator_message_id(NETWORK.domain_at(CLOCK), RunnerRole.PROPOSER, pubkey(1))


@pytest.mark.parametrize(
    ("draft", "clock", "reason"),
    [
        (GOOD, CLOCK + 35, DenialReason.TOO_OLD),
        (GOOD, CLOCK - CHAIN.slots_per_epoch - 1, DenialReason.FAR_FUTURE),
        (replace(GOOD, message_id=PROPOSER), CLOCK, DenialReason.WRONG_ROLE),
        (replace(GOOD, message_id=MessageId(message_id()[:-1])), CLOCK, DenialReason.MALFORMED),
        (replace(GOOD, slot=Slot(CLOCK - 1)), CLOCK, DenialReason.EVIDENCE_OTHER_DUTY),
        (
            replace(GOOD, decided=Decision(VOTE.encode(), signers=(1, 2)).signed()),
            CLOCK,
            DenialReason.EVIDENCE_NO_QUORUM,
        ),
    ],
    ids=["TooOld", "FarFuture", "Proposer", "ShortId", "OtherSlot", "NoQuorum"],
)
def test_requests_that_are_denied_as_a_whole(draft: PostConsensusDraft, clock: int, reason: DenialReason) -> None:
    denied = post_consensus.check(NETWORK, member(), state(), draft, Slot(clock))
    assert isinstance(denied, Denied)
    assert denied.reason == reason


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
