"""Post-consensus requests of a proposer: the decided block, the share's record, one block a slot."""

from __future__ import annotations

from dataclasses import replace

import pytest
from libs.protocol.tests.runners.validator_world import full_block
from libs.protocol.tests.signing.requests import FOREIGN, held, pubkey, share
from libs.protocol.tests.signing.world import CHAIN, CLOCK, NETWORK, Decision, member

from ssv_protocol.effects import PostConsensusDraft
from ssv_protocol.signing import block, post_consensus
from ssv_protocol.signing.objects import block_object
from ssv_protocol.signing.post_consensus import PostConsensusState, PostConsensusVerdict
from ssv_protocol.signing.records import PartialSignaturesRecord, ProposalRecord, ShareSigning
from ssv_protocol.signing.verdict import DenialReason, Denied
from ssv_protocol.types.beacon.block_proposal import BlockProposal
from ssv_protocol.types.duty import ValidatorDuty
from ssv_protocol.types.ids import CommitteeId, Epoch, Slot, ValidatorIndex
from ssv_protocol.types.message_id import validator_message_id
from ssv_protocol.types.proposer_data import ProposerConsensusData
from ssv_protocol.types.roles import BeaconRole, RunnerRole

INDEX = ValidatorIndex(1)
DUTY = ValidatorDuty(BeaconRole.PROPOSER, pubkey(1), CLOCK, INDEX)
MESSAGE_ID = validator_message_id(NETWORK.domain_at(CLOCK), RunnerRole.PROPOSER, pubkey(1))
BLOCK, OTHER = full_block(), full_block(graffiti=b"\x07" * 32)
BEFORE = PostConsensusState(
    {ValidatorIndex(i): held(i) for i in (1, 2)}, {}, proposals={share(1): ProposalRecord(Slot(CLOCK - 1))}
)


def root(proposal: BlockProposal) -> ProposalRecord:
    return ProposalRecord(CLOCK, block_object(CHAIN, CLOCK, proposal, DUTY).signing_root)


def request(proposal: BlockProposal, *duties: ValidatorDuty) -> PostConsensusDraft:
    value = ProposerConsensusData(DUTY, proposal.fork, proposal.encode()).encode()
    decided = Decision(value, inner_id=MESSAGE_ID, outer_id=MESSAGE_ID).signed()
    return PostConsensusDraft(MESSAGE_ID, CLOCK, decided, duties or (DUTY,))


def judge(draft: PostConsensusDraft, state: PostConsensusState = BEFORE) -> PostConsensusVerdict:
    verdict = post_consensus.check(NETWORK, member(), state, draft, CLOCK)
    assert isinstance(verdict, PostConsensusVerdict)
    return verdict


def denial(draft: PostConsensusDraft, state: PostConsensusState = BEFORE) -> DenialReason:
    verdict = judge(draft, state)
    assert verdict.record is None
    assert not verdict.proposals
    (denied,) = verdict.denied
    return denied.denied.reason


@pytest.mark.parametrize("form", [BLOCK, BLOCK.blind()], ids=["full", "blinded"])
def test_the_decided_block_is_recorded_and_signed_with_the_proposers_share(form: BlockProposal) -> None:
    verdict = judge(request(form))
    signing_root = root(BLOCK).signing_root
    assert signing_root is not None
    items = (ShareSigning(INDEX, share(1), signing_root),)
    assert verdict.record == PartialSignaturesRecord(CLOCK, post_consensus.KIND, items)
    assert verdict.proposals == {share(1): root(BLOCK)}
    assert not verdict.denied
    assert not verdict.attestations


def test_the_same_block_again_changes_no_record_and_another_one_is_a_double_proposal() -> None:
    after = replace(BEFORE, proposals={share(1): root(BLOCK)})
    again = judge(request(BLOCK.blind()), after)
    assert again.record is not None
    assert not again.proposals
    assert denial(request(OTHER), after) is DenialReason.DOUBLE_PROPOSAL


def test_what_was_sent_is_the_answer_whatever_is_asked() -> None:
    first = judge(request(BLOCK))
    assert judge(request(OTHER), replace(BEFORE, sent=first.record)) == PostConsensusVerdict(first.record, {})


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (replace(BEFORE, proposals={}), DenialReason.NO_RECORD),
        (replace(BEFORE, proposals={share(2): ProposalRecord(Slot(0))}), DenialReason.NO_RECORD),
        (replace(BEFORE, proposals={share(1): block.raised(None, CLOCK)}), DenialReason.DOUBLE_PROPOSAL),
        (replace(BEFORE, proposals={share(1): ProposalRecord(Slot(CLOCK + 1))}), DenialReason.SLOT_BELOW_RECORD),
        (replace(BEFORE, shares={}), DenialReason.UNKNOWN_VALIDATOR),
        (replace(BEFORE, shares={INDEX: held(FOREIGN)}), DenialReason.UNKNOWN_VALIDATOR),
        (replace(BEFORE, shares={INDEX: held(1, CommitteeId(bytes(32)))}), DenialReason.OTHER_COMMITTEE),
        (
            replace(BEFORE, shares={INDEX: replace(held(1), may_sign_from=Epoch(CHAIN.epoch_of(CLOCK) + 1))}),
            DenialReason.WAITING,
        ),
    ],
)
def test_a_share_that_may_not_sign_the_block(state: PostConsensusState, reason: DenialReason) -> None:
    assert denial(request(BLOCK), state) is reason


@pytest.mark.parametrize(
    ("duty", "reason"),
    [
        (ValidatorDuty(BeaconRole.PROPOSER, pubkey(2), CLOCK, ValidatorIndex(2)), DenialReason.OTHER_VALIDATOR),
        (replace(DUTY, slot=Slot(CLOCK + 1)), DenialReason.DUTY_SLOT),
        (replace(DUTY, type=BeaconRole.ATTESTER), DenialReason.DUTY_TYPE),
    ],
)
def test_a_duty_that_is_not_the_messages(duty: ValidatorDuty, reason: DenialReason) -> None:
    assert denial(request(BLOCK, duty)) is reason


@pytest.mark.parametrize("slot", [CLOCK - 1, CLOCK + 1])
def test_a_block_of_another_slot_is_not_signed(slot: int) -> None:
    assert denial(request(full_block(Slot(slot)))) is DenialReason.BLOCK_OF_OTHER_SLOT


def test_a_value_that_is_no_block_is_refused_whole() -> None:
    value = ProposerConsensusData(DUTY, BLOCK.fork, b"\x01").encode()
    decided = Decision(value, inner_id=MESSAGE_ID, outer_id=MESSAGE_ID).signed()
    denied = post_consensus.check(NETWORK, member(), BEFORE, replace(request(BLOCK), decided=decided), CLOCK)
    assert isinstance(denied, Denied)
    assert denied.reason is DenialReason.EVIDENCE_VALUE
