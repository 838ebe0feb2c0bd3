"""Post-consensus requests of a committee with a few validators, and the state they meet."""

from __future__ import annotations

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
from ssv_protocol.signing.records import ShareSigning
from ssv_protocol.signing.verdict import DenialReason
from ssv_protocol.types.beacon_vote import BeaconVote
from ssv_protocol.types.duty import ValidatorDuty
from ssv_protocol.types.ids import BlsPublicKey, CommitteeId, Epoch, Slot, ValidatorIndex
from ssv_protocol.types.roles import BeaconRole

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
