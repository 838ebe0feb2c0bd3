"""Post-consensus drafts over the wire: evidence, one verdict per validator, the slashing record."""

from __future__ import annotations

from dataclasses import replace

import pytest
from services.signer.tests.harness import SLOTS_PER_EPOCH, Signer
from tests.support.signing_world import OWN, SigningWorld, Validator

from ssv_api.v1 import signer_pb2 as pb
from ssv_protocol.crypto import bls, rsa
from ssv_protocol.crypto.signing_root import DOMAIN_BEACON_ATTESTER, compute_signing_root
from ssv_protocol.signing.verdict import DenialReason
from ssv_protocol.types.beacon_vote import BeaconVote
from ssv_protocol.types.ids import Root, Slot, ValidatorIndex
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.partial_signatures import MAX_PARTIAL_SIGNATURES, PartialSignatures
from ssv_protocol.types.roles import BeaconRole, PartialSignatureType

pytestmark = pytest.mark.asyncio


@pytest.fixture(scope="module")
def validators(world: SigningWorld) -> list[Validator]:
    return [world.validator(index) for index in range(1, 8)]


def root_of(world: SigningWorld, slot: Slot, vote: BeaconVote) -> Root:
    chain = world.network.chain
    domain = chain.domain(DOMAIN_BEACON_ATTESTER, chain.epoch_of(slot))
    return compute_signing_root(vote.attestation_data(slot, 0).hash_tree_root(), domain)


def content(answer: pb.SignResponse) -> PartialSignatures:
    assert answer.WhichOneof("verdict") == "signed", answer
    return PartialSignatures.decode(SignedSSVMessage.decode(answer.signed.message).ssv_message.data)


async def test_every_share_signs_the_attestation_that_follows_from_the_vote(
    signer: Signer, world: SigningWorld, validators: list[Validator]
) -> None:
    async with signer.running():
        await signer.hold(*validators)
        vote = world.vote(signer.slot)
        (answer,) = await signer.sign(world.post_consensus(validators, signer.slot, vote))
    envelope = SignedSSVMessage.decode(answer.signed.message)
    assert rsa.verify(world.own_key.public_pem(), envelope.ssv_message.encode(), envelope.signatures[0])
    assert envelope.ssv_message.msg_id == world.message_id(signer.slot)
    partials = content(answer)
    assert (partials.type, partials.slot) == (PartialSignatureType.POST_CONSENSUS, signer.slot)
    assert [item.validator_index for item in partials.messages] == [validator.index for validator in validators]
    root = root_of(world, signer.slot, vote)
    for item, validator in zip(partials.messages, validators, strict=True):
        assert (item.signer, item.signing_root) == (OWN, root)
        assert bls.verify(validator.share_pubkey, root, item.signature)


async def test_evidence_of_too_few_or_of_others_is_refused(
    signer: Signer, world: SigningWorld, validators: list[Validator]
) -> None:
    async with signer.running():
        await signer.hold(*validators)
        good = world.post_consensus(validators, signer.slot)
        decided = SignedSSVMessage.decode(good.decided)
        forged = replace(decided, signatures=(decided.signatures[0],) * 3)
        other_value = replace(decided, full_data=world.vote(signer.slot, b"other").encode())
        drafts = [world.post_consensus(validators, signer.slot, signers=2)]
        for evidence in (forged, other_value):
            draft = pb.PostConsensusDraft()
            draft.CopyFrom(good)
            draft.decided = evidence.encode()
            drafts.append(draft)
        *refused, signed = await signer.sign(*drafts, good)
    assert [answer.denied.reason for answer in refused] == [
        DenialReason.EVIDENCE_NO_QUORUM,
        DenialReason.EVIDENCE_SIGNATURE,
        DenialReason.EVIDENCE_VALUE,
    ]
    assert len(content(signed).messages) == len(validators)


async def test_one_verdict_per_validator(signer: Signer, world: SigningWorld, validators: list[Validator]) -> None:
    stranger = world.validator(99)
    first, second, third = validators[:3]
    async with signer.running():
        await signer.hold(*validators)
        slot = signer.slot
        await signer.sign(world.post_consensus([second], slot))
        # the same epoch again, another slot: the second has attested in it
        draft = world.post_consensus([first, second, third, stranger], Slot(slot + 1))
        draft.duties.append(first.duty(Slot(slot + 1), BeaconRole.PROPOSER).encode())
        (answer,) = await signer.sign(draft)
    assert [item.validator_index for item in content(answer).messages] == [first.index, third.index]
    reasons = {(item.validator_index, item.duty_type): item.denied.reason for item in answer.signed.denied}
    assert reasons == {
        (second.index, BeaconRole.ATTESTER): DenialReason.DOUBLE_VOTE,
        (stranger.index, BeaconRole.ATTESTER): DenialReason.UNKNOWN_VALIDATOR,
        (first.index, BeaconRole.PROPOSER): DenialReason.DUTY_TYPE,
    }


async def test_when_every_duty_is_refused_each_has_its_reason(
    signer: Signer, world: SigningWorld, validators: list[Validator]
) -> None:
    first, second = validators[:2]
    async with signer.running():
        await signer.hold(*validators)
        slot = signer.slot
        await signer.sign(world.post_consensus([first], slot))
        draft = world.post_consensus([first, second], Slot(slot + 1))
        draft.duties[1] = second.duty(Slot(slot + 2)).encode()
        nothing = world.post_consensus([first], Slot(slot + 2))
        del nothing.duties[:]
        answer, empty = await signer.sign(draft, nothing)
    reasons = {item.validator_index: item.denied.reason for item in answer.denied.duties}
    assert reasons == {first.index: DenialReason.DOUBLE_VOTE, second.index: DenialReason.DUTY_SLOT}
    assert answer.denied.reason in reasons.values()
    assert empty.denied.reason == DenialReason.NOTHING_TO_SIGN


async def test_the_first_batch_of_a_duty_is_the_only_one_also_after_a_restart(
    signer: Signer, world: SigningWorld, validators: list[Validator]
) -> None:
    async with signer.running():
        await signer.hold(*validators)
        (first,) = await signer.sign(world.post_consensus(validators[:2], signer.slot))
    async with signer.running():
        same, other, more = await signer.sign(
            world.post_consensus(validators[:2], signer.slot),
            world.post_consensus(validators[:2], signer.slot, world.vote(signer.slot, b"other")),
            world.post_consensus(validators, signer.slot),
        )
    assert first.signed.message
    assert same.signed == other.signed == more.signed == first.signed


async def test_no_second_attestation_after_a_restart(
    signer: Signer, world: SigningWorld, validators: list[Validator]
) -> None:
    async with signer.running():
        await signer.hold(*validators)
        await signer.sign(world.post_consensus(validators, signer.slot))
    async with signer.running():
        surrounding = Slot(signer.slot + SLOTS_PER_EPOCH)
        double, surround = await signer.sign(
            world.post_consensus(validators, Slot(signer.slot + 1)),
            world.post_consensus(validators, surrounding, world.vote(surrounding, source=1)),
        )
    assert {item.denied.reason for item in double.denied.duties} == {DenialReason.DOUBLE_VOTE}
    assert {item.denied.reason for item in surround.denied.duties} == {DenialReason.SURROUND}


async def test_a_new_share_waits_for_the_next_epoch(
    signer: Signer, world: SigningWorld, validators: list[Validator]
) -> None:
    async with signer.running():
        added_at = signer.slot
        await signer.hold(validators[0])
        (early,) = await signer.sign(world.post_consensus(validators[:1], added_at))
        (late,) = await signer.sign(world.post_consensus(validators[:1], signer.slot))
    assert early.denied.reason == DenialReason.WAITING
    assert late.signed.message


async def test_the_message_cannot_be_made_without_one_of_its_shares(
    signer: Signer, world: SigningWorld, validators: list[Validator]
) -> None:
    async with signer.running():
        await signer.hold(*validators)
        draft = world.post_consensus(validators, signer.slot)
        await signer.sign(draft)
        async with signer.client("eth1-listener") as stub:
            await stub.RemoveShare(pb.RemoveShareRequest(validator_pubkey=validators[3].pubkey))
        (answer,) = await signer.sign(draft)
    assert answer.denied.reason == DenialReason.SHARE_REMOVED


async def test_two_indices_for_one_validator_make_one_attestation(
    signer: Signer, world: SigningWorld, validators: list[Validator]
) -> None:
    twin = replace(validators[0], index=ValidatorIndex(77))
    async with signer.running():
        await signer.hold(*validators)
        (answer,) = await signer.sign(world.post_consensus([validators[0], twin], signer.slot))
        (next_one,) = await signer.sign(world.post_consensus([twin], Slot(signer.slot + 1)))
    assert [item.validator_index for item in content(answer).messages] == [validators[0].index]
    assert answer.signed.denied[0].denied.reason == DenialReason.DUPLICATE_DUTY
    assert next_one.denied.duties[0].denied.reason == DenialReason.DOUBLE_VOTE


async def test_more_duties_than_a_message_holds_are_refused_before_anything_is_recorded(
    signer: Signer, world: SigningWorld, validators: list[Validator]
) -> None:
    many = [replace(validators[0], index=ValidatorIndex(index)) for index in range(MAX_PARTIAL_SIGNATURES + 1)]
    async with signer.running():
        await signer.hold(*validators)
        slot = signer.slot
        refused, signed = await signer.sign(world.post_consensus(many, slot), world.post_consensus(validators, slot))
    assert refused.denied.reason == DenialReason.MALFORMED
    assert len(content(signed).messages) == len(validators)
