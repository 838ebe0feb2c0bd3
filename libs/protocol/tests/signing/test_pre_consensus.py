"""What may be signed without a decision: each object as its slot makes it, with the right share, once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from libs.protocol.tests.signing.requests import held, pubkey, share
from libs.protocol.tests.signing.world import (
    BOOLE_EPOCH,
    CHAIN,
    CLOCK,
    COMMITTEE,
    NETWORK,
    SLOTS_PER_EPOCH,
    member,
)

from ssv_protocol.effects import (
    Exit,
    PreConsensusDraft,
    PreConsensusObject,
    RandaoReveal,
    Registration,
    SlotSelection,
    SyncSelection,
)
from ssv_protocol.signing import pre_consensus
from ssv_protocol.signing.objects import pre_consensus_root
from ssv_protocol.signing.post_consensus import HeldShare
from ssv_protocol.signing.pre_consensus import PreConsensusVerdict
from ssv_protocol.signing.records import PartialSignaturesRecord, ShareSigning
from ssv_protocol.signing.verdict import DenialReason, Denied
from ssv_protocol.types.beacon.exit import VoluntaryExit
from ssv_protocol.types.beacon.registration import ValidatorRegistration
from ssv_protocol.types.ids import CommitteeId, Epoch, ExecutionAddress, MessageId, Slot, ValidatorIndex
from ssv_protocol.types.message_id import committee_message_id, validator_message_id
from ssv_protocol.types.partial_signatures import MAX_PARTIAL_SIGNATURES
from ssv_protocol.types.roles import PartialSignatureType as Kind
from ssv_protocol.types.roles import RunnerRole

EPOCH = CHAIN.epoch_of(CLOCK)
START_S = int(CHAIN.slot_start(CHAIN.first_slot(EPOCH)))
BOOLE_SLOT = CHAIN.first_slot(BOOLE_EPOCH)
ONE, TWO = ValidatorIndex(1), ValidatorIndex(2)
SHARES = {index: held(index) for index in (ONE, TWO)}

REVEAL = RandaoReveal(ONE, pubkey(1), EPOCH)
SLOT_PROOF = SlotSelection(ONE, pubkey(1), CLOCK)
SYNC_PROOF = SyncSelection(ONE, pubkey(1), CLOCK, 3)
REGISTRATION = Registration(ONE, ValidatorRegistration(ExecutionAddress(b"\x0f" * 20), 36_000_000, START_S, pubkey(1)))
EXIT = Exit(pubkey(1), VoluntaryExit(EPOCH, ONE))
ROLES = {
    Kind.RANDAO: RunnerRole.PROPOSER,
    Kind.SELECTION_PROOF: RunnerRole.AGGREGATOR,
    Kind.CONTRIBUTION_PROOFS: RunnerRole.SYNC_COMMITTEE_CONTRIBUTION,
    Kind.VALIDATOR_REGISTRATION: RunnerRole.VALIDATOR_REGISTRATION,
    Kind.VOLUNTARY_EXIT: RunnerRole.VOLUNTARY_EXIT,
}
GOOD: dict[Kind, PreConsensusObject] = {
    Kind.RANDAO: REVEAL,
    Kind.SELECTION_PROOF: SLOT_PROOF,
    Kind.CONTRIBUTION_PROOFS: SYNC_PROOF,
    Kind.VALIDATOR_REGISTRATION: REGISTRATION,
    Kind.VOLUNTARY_EXIT: EXIT,
}


def identifier(role: RunnerRole, slot: Slot = CLOCK, key: int = 1) -> MessageId:
    return validator_message_id(NETWORK.domain_at(slot), role, pubkey(key))


def draft(kind: Kind, *objects: PreConsensusObject) -> PreConsensusDraft:
    return PreConsensusDraft(identifier(ROLES[kind]), CLOCK, kind, objects or (GOOD[kind],))


def judge(
    request: PreConsensusDraft,
    *,
    shares: dict[ValidatorIndex, HeldShare] = SHARES,
    sent: PartialSignaturesRecord | None = None,
    clock: Slot | None = None,
) -> PreConsensusVerdict | Denied:
    return pre_consensus.check(NETWORK, member(), shares, sent, request, request.slot if clock is None else clock)


def reason_of(request: PreConsensusDraft, *, shares: dict[ValidatorIndex, HeldShare] = SHARES) -> DenialReason:
    """Return why the only object of a request is left out."""
    verdict = judge(request, shares=shares)
    assert isinstance(verdict, PreConsensusVerdict)
    assert verdict.record is None
    (item,) = verdict.denied
    return item.denied.reason


def whole(request: PreConsensusDraft, clock: int = CLOCK) -> DenialReason:
    denied = judge(request, clock=Slot(clock))
    assert isinstance(denied, Denied)
    return denied.reason


@pytest.mark.parametrize("kind", GOOD)
def test_each_object_is_signed_with_its_share_over_the_root_that_follows_from_it(kind: Kind) -> None:
    signing = ShareSigning(ONE, share(1), pre_consensus_root(CHAIN, CLOCK, GOOD[kind]))
    assert judge(draft(kind)) == PreConsensusVerdict(PartialSignaturesRecord(CLOCK, kind, (signing,)))


@pytest.mark.parametrize(
    ("kind", "item"),
    [
        (Kind.RANDAO, replace(REVEAL, epoch=Epoch(EPOCH + 1))),
        (Kind.RANDAO, replace(REVEAL, epoch=Epoch(EPOCH - 1))),
        (Kind.SELECTION_PROOF, replace(SLOT_PROOF, slot=Slot(CLOCK + 1))),
        (Kind.CONTRIBUTION_PROOFS, replace(SYNC_PROOF, slot=Slot(CLOCK - 1))),
        (
            Kind.VALIDATOR_REGISTRATION,
            replace(REGISTRATION, registration=replace(REGISTRATION.registration, timestamp=START_S + 1)),
        ),
        (Kind.VOLUNTARY_EXIT, replace(EXIT, exit=replace(EXIT.exit, epoch=Epoch(EPOCH + 1)))),
    ],
)
def test_an_object_of_another_time_is_left_out(kind: Kind, item: PreConsensusObject) -> None:
    assert reason_of(draft(kind, item)) is DenialReason.DUTY_SLOT


@pytest.mark.parametrize("kind", GOOD)
def test_only_the_shares_of_the_message_ids_validator_sign(kind: Kind) -> None:
    request = draft(kind)
    assert reason_of(request, shares={}) is DenialReason.UNKNOWN_VALIDATOR
    assert reason_of(request, shares={ONE: held(2)}) is DenialReason.UNKNOWN_VALIDATOR
    assert reason_of(request, shares={ONE: held(1, CommitteeId(bytes(32)))}) is DenialReason.OTHER_COMMITTEE
    other = replace(request, message_id=identifier(ROLES[kind], key=2))
    assert reason_of(other) is DenialReason.OTHER_VALIDATOR


@pytest.mark.parametrize("kind", GOOD)
def test_an_object_of_another_kind_is_left_out(kind: Kind) -> None:
    for other, item in GOOD.items():
        if other is not kind:
            assert reason_of(draft(kind, item)) is DenialReason.DUTY_TYPE


def test_there_are_four_sync_subcommittees() -> None:
    assert reason_of(draft(Kind.CONTRIBUTION_PROOFS, replace(SYNC_PROOF, subcommittee_index=4))) is (
        DenialReason.MALFORMED
    )


@pytest.mark.parametrize("kind", GOOD)
def test_waiting_shares_reveal_no_randao_and_sign_all_else(kind: Kind) -> None:
    waiting = {ONE: replace(held(1), may_sign_from=Epoch(EPOCH + 1))}
    verdict = judge(draft(kind), shares=waiting)
    assert isinstance(verdict, PreConsensusVerdict)
    assert (verdict.record is None) == (kind is Kind.RANDAO)
    if kind is Kind.RANDAO:
        assert [item.denied.reason for item in verdict.denied] == [DenialReason.WAITING]


@pytest.mark.parametrize("kind", GOOD)
def test_the_window_of_slots(kind: Kind) -> None:
    far = whole(draft(kind), CLOCK - SLOTS_PER_EPOCH - 1)
    assert far is DenialReason.FAR_FUTURE, "no signature is drawn ahead of its time"
    if kind in (Kind.VALIDATOR_REGISTRATION, Kind.VOLUNTARY_EXIT):
        assert isinstance(judge(draft(kind), clock=Slot(CLOCK + 1000)), PreConsensusVerdict)
    else:
        assert whole(draft(kind), CLOCK + 35) is DenialReason.TOO_OLD


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (replace(draft(Kind.RANDAO), type=Kind.VOLUNTARY_EXIT), DenialReason.WRONG_ROLE),
        (replace(draft(Kind.RANDAO), type=Kind.POST_CONSENSUS), DenialReason.WRONG_ROLE),
        (replace(draft(Kind.RANDAO), objects=()), DenialReason.NOTHING_TO_SIGN),
        (replace(draft(Kind.RANDAO), objects=(REVEAL,) * (MAX_PARTIAL_SIGNATURES + 1)), DenialReason.MALFORMED),
        (replace(draft(Kind.RANDAO), message_id=MessageId(bytes(56))), DenialReason.WRONG_DOMAIN),
    ],
)
def test_requests_that_are_denied_as_a_whole(request_: PreConsensusDraft, reason: DenialReason) -> None:
    assert whole(request_) is reason


def test_a_message_has_room_for_as_many_signatures_as_peers_take() -> None:
    verdict = judge(draft(Kind.CONTRIBUTION_PROOFS, *(SYNC_PROOF,) * MAX_PARTIAL_SIGNATURES))
    assert isinstance(verdict, PreConsensusVerdict)
    assert verdict.record is not None
    assert len(verdict.record.items) == MAX_PARTIAL_SIGNATURES


def aggregator_committee(*objects: PreConsensusObject) -> PreConsensusDraft:
    message_id = committee_message_id(NETWORK.domain_at(BOOLE_SLOT), RunnerRole.AGGREGATOR_COMMITTEE, COMMITTEE)
    return PreConsensusDraft(message_id, BOOLE_SLOT, Kind.AGGREGATOR_COMMITTEE, objects)


@pytest.mark.parametrize("kind", set(GOOD) - {Kind.CONTRIBUTION_PROOFS})
def test_an_object_is_signed_once_in_a_message(kind: Kind) -> None:
    verdict = judge(draft(kind, GOOD[kind], GOOD[kind]))
    assert isinstance(verdict, PreConsensusVerdict)
    assert verdict.record is not None
    assert len(verdict.record.items) == 1
    assert [item.denied.reason for item in verdict.denied] == [DenialReason.DUPLICATE_OBJECT]


def test_alans_contribution_proofs_repeat_because_peers_expect_one_for_each_seat() -> None:
    verdict = judge(draft(Kind.CONTRIBUTION_PROOFS, SYNC_PROOF, SYNC_PROOF))
    assert isinstance(verdict, PreConsensusVerdict)
    assert verdict.record is not None
    assert len(verdict.record.items) == 2
    proof = SyncSelection(ONE, pubkey(1), BOOLE_SLOT, 0)
    verdict = judge(aggregator_committee(proof, proof))
    assert isinstance(verdict, PreConsensusVerdict)
    assert [item.denied.reason for item in verdict.denied] == [DenialReason.DUPLICATE_OBJECT]


def test_a_validator_signs_under_one_index() -> None:
    """The shares are looked up by the caller's indices, so two of them can lead to one share."""
    first, second = SlotSelection(ONE, pubkey(1), BOOLE_SLOT), SlotSelection(TWO, pubkey(1), BOOLE_SLOT)
    also = SyncSelection(TWO, pubkey(1), BOOLE_SLOT, 0)
    verdict = judge(aggregator_committee(first, second, also), shares={ONE: held(1), TWO: held(1)})
    assert isinstance(verdict, PreConsensusVerdict)
    assert verdict.record is not None
    assert [item.validator_index for item in verdict.record.items] == [ONE]
    assert [item.denied.reason for item in verdict.denied] == [DenialReason.SECOND_INDEX] * 2


def test_what_is_left_out_makes_no_later_object_a_duplicate() -> None:
    wrong = SlotSelection(TWO, pubkey(1), Slot(BOOLE_SLOT + 1))
    right = SlotSelection(ONE, pubkey(1), BOOLE_SLOT)
    verdict = judge(aggregator_committee(wrong, wrong, right), shares={ONE: held(1), TWO: held(1)})
    assert isinstance(verdict, PreConsensusVerdict)
    assert verdict.record is not None
    assert [item.validator_index for item in verdict.record.items] == [ONE]
    assert [item.denied.reason for item in verdict.denied] == [DenialReason.DUTY_SLOT] * 2


def test_what_was_sent_is_the_answer_unless_its_share_is_gone() -> None:
    first = judge(draft(Kind.VALIDATOR_REGISTRATION))
    assert isinstance(first, PreConsensusVerdict)
    other = replace(REGISTRATION, registration=replace(REGISTRATION.registration, gas_limit=1))
    asked = draft(Kind.VALIDATOR_REGISTRATION, other)
    assert judge(asked, sent=first.record) == first
    gone = judge(asked, sent=first.record, shares={TWO: held(2)})
    assert isinstance(gone, Denied)
    assert gone.reason is DenialReason.SHARE_REMOVED


def test_a_committees_batch_is_judged_object_by_object() -> None:
    domain = NETWORK.domain_at(BOOLE_SLOT)
    objects = (
        SlotSelection(ONE, pubkey(1), BOOLE_SLOT),
        SlotSelection(ONE, pubkey(1), Slot(BOOLE_SLOT + 1)),
        SyncSelection(TWO, pubkey(2), BOOLE_SLOT, 0),
        SyncSelection(ValidatorIndex(3), pubkey(3), BOOLE_SLOT, 0),
    )
    message_id = committee_message_id(domain, RunnerRole.AGGREGATOR_COMMITTEE, COMMITTEE)
    verdict = judge(PreConsensusDraft(message_id, BOOLE_SLOT, Kind.AGGREGATOR_COMMITTEE, objects))
    assert isinstance(verdict, PreConsensusVerdict)
    assert verdict.record is not None
    assert [item.validator_index for item in verdict.record.items] == [ONE, TWO]
    reasons = [item.denied.reason for item in verdict.denied]
    assert reasons == [DenialReason.DUTY_SLOT, DenialReason.UNKNOWN_VALIDATOR]


def test_a_share_whose_key_can_not_be_used_is_left_out() -> None:
    shares = SHARES | {ONE: replace(SHARES[ONE], has_key=False)}
    assert reason_of(draft(Kind.SELECTION_PROOF, SLOT_PROOF), shares=shares) == DenialReason.NO_KEY


def test_what_each_root_stands_for_is_told() -> None:
    verdict = judge(draft(Kind.SELECTION_PROOF, SLOT_PROOF))
    assert isinstance(verdict, PreConsensusVerdict)
    assert verdict.objects == {pre_consensus_root(CHAIN, CLOCK, SLOT_PROOF): SLOT_PROOF}
