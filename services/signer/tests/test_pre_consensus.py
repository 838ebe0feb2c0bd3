"""Pre-consensus drafts over the wire: each object as its slot makes it, one message per duty and type."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from services.signer.tests.harness import SLOTS_PER_EPOCH, Signer, make_world
from tests.support.signing_world import OWN, SigningWorld, Validator

from ssv_api.v1 import signer_pb2 as pb
from ssv_consensus.sign_wire import request_of
from ssv_protocol.crypto import bls, rsa
from ssv_protocol.effects import (
    Exit,
    PreConsensusDraft,
    PreConsensusObject,
    RandaoReveal,
    Registration,
    SlotSelection,
    SyncSelection,
)
from ssv_protocol.signing.objects import pre_consensus_root
from ssv_protocol.signing.verdict import DenialReason
from ssv_protocol.types.beacon.exit import VoluntaryExit
from ssv_protocol.types.beacon.registration import ValidatorRegistration
from ssv_protocol.types.ids import BlsPublicKey, Epoch, ExecutionAddress, Slot
from ssv_protocol.types.message_id import validator_message_id
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.partial_signatures import PartialSignatures
from ssv_protocol.types.roles import BeaconRole, QbftMessageType, RunnerRole
from ssv_protocol.types.roles import PartialSignatureType as Kind

pytestmark = pytest.mark.asyncio

ROLES = {
    Kind.RANDAO: RunnerRole.PROPOSER,
    Kind.SELECTION_PROOF: RunnerRole.AGGREGATOR,
    Kind.CONTRIBUTION_PROOFS: RunnerRole.SYNC_COMMITTEE_CONTRIBUTION,
    Kind.VALIDATOR_REGISTRATION: RunnerRole.VALIDATOR_REGISTRATION,
    Kind.VOLUNTARY_EXIT: RunnerRole.VOLUNTARY_EXIT,
}


@pytest.fixture(scope="module")
def validator(world: SigningWorld) -> Validator:
    return world.validator(1)


def registration(world: SigningWorld, validator: Validator, slot: Slot, fee_recipient: bytes) -> Registration:
    chain = world.network.chain
    start_s = int(chain.slot_start(chain.first_slot(chain.epoch_of(slot))))
    content = ValidatorRegistration(ExecutionAddress(fee_recipient), 36_000_000, start_s, validator.pubkey)
    return Registration(validator.index, content)


def objects(world: SigningWorld, validator: Validator, kind: Kind, slot: Slot) -> tuple[PreConsensusObject, ...]:
    index, pubkey, epoch = validator.index, validator.pubkey, world.network.chain.epoch_of(slot)
    match kind:
        case Kind.RANDAO:
            return (RandaoReveal(index, pubkey, epoch),)
        case Kind.SELECTION_PROOF:
            return (SlotSelection(index, pubkey, slot),)
        case Kind.CONTRIBUTION_PROOFS:
            return SyncSelection(index, pubkey, slot, 1), SyncSelection(index, pubkey, slot, 3)
        case Kind.VALIDATOR_REGISTRATION:
            return (registration(world, validator, slot, b"\x0f" * 20),)
        case _:
            return (Exit(pubkey, VoluntaryExit(epoch, index)),)


def draft(
    world: SigningWorld, validator: Validator, kind: Kind, slot: Slot, *wanted: PreConsensusObject
) -> pb.PreConsensusDraft:
    message_id = validator_message_id(world.network.domain_at(slot), ROLES[kind], validator.pubkey)
    items = wanted or objects(world, validator, kind, slot)
    return request_of(PreConsensusDraft(message_id, slot, kind, items)).pre_consensus


def content(answer: pb.SignResponse) -> PartialSignatures:
    assert answer.WhichOneof("verdict") == "signed", answer
    return PartialSignatures.decode(SignedSSVMessage.decode(answer.signed.message).ssv_message.data)


def only_reason(answer: pb.SignResponse) -> str:
    """Why the only object of a request is refused."""
    (item,) = answer.denied.duties
    assert item.denied.reason == answer.denied.reason
    return item.denied.reason


@pytest.mark.parametrize("kind", ROLES, ids=lambda kind: kind.name.lower())
async def test_each_object_is_signed_over_the_root_that_follows_from_it(
    signer: Signer, world: SigningWorld, validator: Validator, kind: Kind
) -> None:
    async with signer.running():
        await signer.hold(validator)
        request = draft(world, validator, kind, signer.slot)
        (answer,) = await signer.sign(request)
    envelope, partials = SignedSSVMessage.decode(answer.signed.message), content(answer)
    assert rsa.verify(world.own_key.public_pem(), envelope.ssv_message.encode(), envelope.signatures[0])
    assert envelope.ssv_message.msg_id == request.message_id
    assert (partials.type, partials.slot) == (kind, signer.slot)
    roots = [
        pre_consensus_root(world.network.chain, signer.slot, item)
        for item in objects(world, validator, kind, signer.slot)
    ]
    assert [item.signing_root for item in partials.messages] == roots
    for item in partials.messages:
        assert (item.signer, item.validator_index) == (OWN, validator.index)
        assert bls.verify(validator.share_pubkey, item.signing_root, item.signature)


async def test_the_first_message_is_the_only_one_also_after_a_restart(
    signer: Signer, world: SigningWorld, validator: Validator
) -> None:
    kind = Kind.VALIDATOR_REGISTRATION
    async with signer.running():
        await signer.hold(validator)
        first, reveal = await signer.sign(
            draft(world, validator, kind, signer.slot), draft(world, validator, Kind.RANDAO, signer.slot)
        )
        elsewhere = registration(world, validator, signer.slot, b"\x0e" * 20)
        (other,) = await signer.sign(draft(world, validator, kind, signer.slot, elsewhere))
    async with signer.running():
        (later,) = await signer.sign(draft(world, validator, kind, signer.slot, elsewhere))
    assert other.signed == later.signed == first.signed
    assert content(reveal) != content(first), "each type has a message of its own"


async def test_an_object_of_another_time_or_validator_is_not_signed(
    signer: Signer, world: SigningWorld, validator: Validator
) -> None:
    other = world.validator(2)
    async with signer.running():
        await signer.hold(validator, other)
        slot = signer.slot
        reveal = RandaoReveal(validator.index, validator.pubkey, Epoch(world.network.chain.epoch_of(slot) + 1))
        answers = await signer.sign(
            draft(world, validator, Kind.RANDAO, slot, reveal),
            draft(world, validator, Kind.SELECTION_PROOF, slot, *objects(world, other, Kind.SELECTION_PROOF, slot)),
            draft(world, validator, Kind.RANDAO, slot, *objects(world, validator, Kind.SELECTION_PROOF, slot)),
        )
    assert [only_reason(answer) for answer in answers] == [
        DenialReason.DUTY_SLOT,
        DenialReason.OTHER_VALIDATOR,
        DenialReason.DUTY_TYPE,
    ]
    assert [answer.denied.duties[0].duty_type for answer in answers] == [
        BeaconRole.PROPOSER,
        BeaconRole.AGGREGATOR,
        BeaconRole.AGGREGATOR,
    ]


async def test_what_a_role_does_not_send_is_not_signed(
    signer: Signer, world: SigningWorld, validator: Validator
) -> None:
    stranger = world.validator(9)
    async with signer.running():
        await signer.hold(validator)
        slot = signer.slot
        wrong_type, decided_type, nothing = (draft(world, validator, Kind.RANDAO, slot) for _ in range(3))
        wrong_type.type, decided_type.type = Kind.VOLUNTARY_EXIT, Kind.POST_CONSENSUS
        del nothing.objects[:]
        boole_only = draft(world, validator, Kind.RANDAO, slot)
        boole_only.message_id = world.message_id(slot, role=RunnerRole.AGGREGATOR_COMMITTEE)
        answers = await signer.sign(
            wrong_type, decided_type, boole_only, nothing, draft(world, stranger, Kind.RANDAO, slot)
        )
    assert [answer.denied.reason for answer in answers] == [
        DenialReason.WRONG_ROLE,
        DenialReason.WRONG_ROLE,
        DenialReason.WRONG_ROLE,
        DenialReason.NOTHING_TO_SIGN,
        DenialReason.UNKNOWN_COMMITTEE,
    ]


async def test_exits_and_registrations_may_be_late_others_not(
    signer: Signer, world: SigningWorld, validator: Validator
) -> None:
    async with signer.running():
        await signer.hold(validator)
        slot = signer.slot
        await signer.sign(world.qbft(QbftMessageType.PREPARE, slot, b"v"))
    signer.slot = Slot(slot + 100)
    async with signer.running():  # prunes as it starts: the slot is forgotten
        late = await signer.sign(*(draft(world, validator, kind, slot) for kind in ROLES))
        ahead = Slot(signer.slot + SLOTS_PER_EPOCH + 1)
        early = await signer.sign(*(draft(world, validator, kind, ahead) for kind in ROLES))
    signed = {kind for kind, answer in zip(ROLES, late, strict=True) if answer.signed.message}
    assert signed == {Kind.VALIDATOR_REGISTRATION, Kind.VOLUNTARY_EXIT}
    assert {answer.denied.reason for answer in late if not answer.signed.message} == {DenialReason.TOO_OLD}
    assert {answer.denied.reason for answer in early} == {DenialReason.FAR_FUTURE}


async def test_a_share_that_waits_may_exit(signer: Signer, world: SigningWorld, validator: Validator) -> None:
    added_at = signer.slot
    async with signer.running():
        await signer.hold(validator)
        signer.slot = added_at
        (answer,) = await signer.sign(draft(world, validator, Kind.VOLUNTARY_EXIT, added_at))
    assert answer.signed.message


def _unknown_type(request: pb.PreConsensusDraft) -> None:
    request.type = 99


def _short_id(request: pb.PreConsensusDraft) -> None:
    request.message_id = request.message_id[:-1]


def _huge_slot(request: pb.PreConsensusDraft) -> None:
    request.slot = 2**63


def _huge_index(request: pb.PreConsensusDraft) -> None:
    request.objects[0].validator_index = 2**64 - 1


def _short_key(request: pb.PreConsensusDraft) -> None:
    request.objects[0].validator_pubkey = bytes(47)


def _short_address(request: pb.PreConsensusDraft) -> None:
    request.objects[0].registration.fee_recipient = bytes(19)


def _no_object(request: pb.PreConsensusDraft) -> None:
    request.objects[0].ClearField("registration")


@pytest.mark.parametrize(
    "spoil", [_unknown_type, _short_id, _huge_slot, _huge_index, _short_key, _short_address, _no_object]
)
async def test_drafts_that_are_none(
    signer: Signer, world: SigningWorld, validator: Validator, spoil: Callable[[pb.PreConsensusDraft], None]
) -> None:
    async with signer.running():
        await signer.hold(validator)
        request = draft(world, validator, Kind.VALIDATOR_REGISTRATION, signer.slot)
        spoil(request)
        (answer,) = await signer.sign(request)
    assert answer.denied.reason == DenialReason.MALFORMED


async def test_a_committees_message_has_one_verdict_per_object(signer: Signer) -> None:
    plain = make_world().network
    world = SigningWorld(replace(plain, ssv=replace(plain.ssv, boole_epoch=Epoch(0))))
    boole = Signer(signer.folder / "boole", world)
    one, two, stranger = (world.validator(index) for index in (1, 2, 9))
    async with boole.running():
        await boole.hold(one, two)
        slot = boole.slot
        wanted = (
            SlotSelection(one.index, one.pubkey, slot),
            SlotSelection(two.index, BlsPublicKey(bytes(48)), slot),
            SyncSelection(two.index, two.pubkey, slot, 2),
            SyncSelection(stranger.index, stranger.pubkey, slot, 2),
        )
        message_id = world.message_id(slot, role=RunnerRole.AGGREGATOR_COMMITTEE)
        request = request_of(PreConsensusDraft(message_id, slot, Kind.AGGREGATOR_COMMITTEE, wanted))
        (answer,) = await boole.sign(request.pre_consensus)
    assert [item.validator_index for item in content(answer).messages] == [one.index, two.index]
    assert {(item.validator_index, item.duty_type, item.denied.reason) for item in answer.signed.denied} == {
        (two.index, BeaconRole.AGGREGATOR, DenialReason.UNKNOWN_VALIDATOR),
        (stranger.index, BeaconRole.SYNC_COMMITTEE_CONTRIBUTION, DenialReason.UNKNOWN_VALIDATOR),
    }
