from __future__ import annotations

from dataclasses import replace

import pytest
from libs.protocol.tests.signing.requests import (
    EPOCH,
    FOREIGN,
    KEYLESS,
    SYNC,
    VOTE,
    advanced,
    duty,
    judge,
    pubkey,
    reasons,
    request,
    share,
    signing,
    state,
)
from libs.protocol.tests.signing.world import (
    CHAIN,
    CLOCK,
    COMMITTEE,
    NETWORK,
    member,
    vote_for,
)

from ssv_protocol.beacon_chain import BeaconFork, ScheduledFork
from ssv_protocol.forks import Network
from ssv_protocol.signing import post_consensus
from ssv_protocol.signing.post_consensus import HeldShare, PostConsensusVerdict
from ssv_protocol.signing.records import AttestationRecord
from ssv_protocol.signing.verdict import DenialReason
from ssv_protocol.types.beacon_vote import BeaconVote
from ssv_protocol.types.duty import ValidatorDuty
from ssv_protocol.types.ids import Epoch, ForkVersion, ValidatorIndex
from ssv_protocol.types.roles import BeaconRole


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


def test_a_share_that_waits_votes_in_the_sync_committee() -> None:
    before = state()
    one = ValidatorIndex(1)
    shares = {**before.shares, one: replace(before.shares[one], may_sign_from=Epoch(EPOCH + 1))}
    verdict = judge(request(duty(1), duty(1, SYNC)), replace(before, shares=shares))
    assert reasons(verdict) == {1: DenialReason.WAITING}
    assert verdict.record is not None
    assert verdict.record.items == (signing(duty(1, SYNC)),)


def test_a_new_share_waits_for_its_first_epoch() -> None:
    kind = BeaconRole.ATTESTER
    before = state()
    shares = dict(before.shares)
    shares[ValidatorIndex(1)] = replace(shares[ValidatorIndex(1)], may_sign_from=EPOCH)
    shares[ValidatorIndex(2)] = replace(shares[ValidatorIndex(2)], may_sign_from=Epoch(EPOCH + 1))
    verdict = judge(request(duty(1, kind), duty(2, kind)), replace(before, shares=shares))
    assert reasons(verdict) == {2: DenialReason.WAITING}
    assert verdict.record is not None
    assert verdict.record.items == (signing(duty(1, kind)),)
    assert share(2) not in verdict.attestations


def test_a_share_whose_key_can_not_be_used_is_left_out_and_its_record_stays_as_it_was() -> None:
    before = state()
    shares = dict(before.shares)
    shares[ValidatorIndex(2)] = replace(shares[ValidatorIndex(2)], has_key=False)
    verdict = judge(request(duty(1), duty(2)), replace(before, shares=shares))
    assert reasons(verdict) == {2: DenialReason.NO_KEY}
    assert verdict.record is not None
    assert verdict.record.items == (signing(duty(1)),)
    assert share(2) not in verdict.attestations
    assert {root: item.signing_root for root, item in verdict.objects.items()} == {
        item.signing_root: item.signing_root for item in verdict.record.items
    }


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


def test_shares_with_one_key_attest_one_after_the_other() -> None:
    # before Electra the committee is part of what is signed, so two validators' attestations differ
    deneb = ScheduledFork(BeaconFork.DENEB, ForkVersion(bytes(4)), Epoch(0))
    network = Network(NETWORK.ssv, replace(CHAIN, forks=(deneb,)))
    before = state()
    shares = {**before.shares, ValidatorIndex(2): HeldShare(pubkey(2), share(1), COMMITTEE)}
    draft = request(duty(1), replace(duty(2), committee_index=1))
    verdict = post_consensus.check(network, member(), replace(before, shares=shares), draft, CLOCK)
    assert isinstance(verdict, PostConsensusVerdict)
    assert reasons(verdict) == {2: DenialReason.DOUBLE_VOTE}
