"""QBFT drafts over the wire, before and after a restart."""

from __future__ import annotations

from dataclasses import replace

import pytest
from services.signer.tests.harness import SLOTS_PER_EPOCH, Signer
from tests.support.signing_world import OWN, SigningWorld

from ssv_api.v1 import signer_pb2 as pb
from ssv_protocol.crypto import rsa
from ssv_protocol.signing.verdict import DenialReason
from ssv_protocol.types.ids import OperatorId, Slot
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import QbftMessageType, RunnerRole

pytestmark = pytest.mark.asyncio
PROPOSAL, PREPARE, COMMIT, CHANGE = QbftMessageType
A, B = b"value a", b"value b"


async def test_what_is_signed_is_the_draft_by_the_operator_key(signer: Signer, world: SigningWorld) -> None:
    draft = world.qbft(PROPOSAL, signer.slot, A)
    async with signer.running():
        await signer.hold(world.validator(1))
        (answer,) = await signer.sign(draft)
    message = SignedSSVMessage.decode(answer.signed.message)
    assert message.operator_ids == (OWN,)
    assert message.full_data == A
    assert QbftMessage.decode(message.ssv_message.data).encode() == draft.message
    assert rsa.verify(world.own_key.public_pem(), message.ssv_message.encode(), message.signatures[0])


async def test_a_step_on_record_is_the_answer_to_whatever_is_asked_for_it(signer: Signer, world: SigningWorld) -> None:
    slot = signer.slot
    async with signer.running():
        await signer.hold(world.validator(1))
        (first,) = await signer.sign(world.qbft(PREPARE, slot, A))
        again, other = await signer.sign(world.qbft(PREPARE, slot, A), world.qbft(PREPARE, slot, B))
    assert first.signed.message
    assert again.signed == other.signed == first.signed


async def test_the_record_survives_a_restart(signer: Signer, world: SigningWorld) -> None:
    slot = signer.slot
    async with signer.running():
        await signer.hold(world.validator(1))
        prepare, commit = await signer.sign(world.qbft(PREPARE, slot, A, 2), world.qbft(COMMIT, slot, A, 2))
    async with signer.running():
        answers = await signer.sign(
            world.qbft(PREPARE, slot, A, 2),
            world.qbft(PREPARE, slot, B, 2),
            world.qbft(PROPOSAL, slot, B, 2),
            world.qbft(PREPARE, slot, B, 1),
            world.qbft(CHANGE, slot, A, 3),
            world.qbft(COMMIT, slot, B, 2),
        )
    same, still_same, *refused, commit_again = answers
    assert same.signed == still_same.signed == prepare.signed
    assert commit_again.signed == commit.signed
    assert [answer.denied.reason for answer in refused] == [
        DenialReason.SECOND_ROOT,
        DenialReason.ROUND_FELL,
        DenialReason.LOCK_VIOLATED,
    ]


async def test_drafts_of_one_batch_are_judged_against_each_other(signer: Signer, world: SigningWorld) -> None:
    async with signer.running():
        await signer.hold(world.validator(1))
        proposal, prepare, commit = await signer.sign(
            world.qbft(PROPOSAL, signer.slot, A),
            world.qbft(PREPARE, signer.slot, B),
            world.qbft(COMMIT, signer.slot, A),
        )
    assert proposal.WhichOneof("verdict") == commit.WhichOneof("verdict") == "signed"
    assert prepare.denied.reason == DenialReason.SECOND_ROOT


async def test_who_has_no_share_has_no_say(signer: Signer, world: SigningWorld) -> None:
    validator = world.validator(1)
    async with signer.running():
        (before,) = await signer.sign(world.qbft(PREPARE, signer.slot, A))
        await signer.hold(validator)
        strangers = [OperatorId(number) for number in (1, 2, 3, 7)]
        (foreign,) = await signer.sign(world.qbft(PREPARE, signer.slot, A, 1, strangers))
        async with signer.client("eth1-listener") as stub:
            await stub.RemoveShare(pb.RemoveShareRequest(validator_pubkey=validator.pubkey))
        (after,) = await signer.sign(world.qbft(PREPARE, signer.slot, A))
    assert before.denied.reason == foreign.denied.reason == after.denied.reason == DenialReason.UNKNOWN_COMMITTEE


async def test_only_slots_around_the_clock(signer: Signer, world: SigningWorld) -> None:
    async with signer.running():
        await signer.hold(world.validator(1))
        far, near, old = await signer.sign(
            world.qbft(PREPARE, Slot(signer.slot + SLOTS_PER_EPOCH + 1), A),
            world.qbft(PREPARE, Slot(signer.slot + SLOTS_PER_EPOCH), A),
            world.qbft(PREPARE, Slot(signer.slot - 35), A),
        )
    assert far.denied.reason == DenialReason.FAR_FUTURE
    assert near.signed.message
    assert old.denied.reason == DenialReason.TOO_OLD


async def test_what_was_forgotten_is_refused_though_the_clock_goes_back(signer: Signer, world: SigningWorld) -> None:
    slot = signer.slot
    async with signer.running():
        await signer.hold(world.validator(1))
        (first,) = await signer.sign(world.qbft(PREPARE, slot, A))
        assert first.signed.message
    signer.slot = Slot(slot + 100)
    async with signer.running():  # prunes as it starts
        assert signer.service is not None
        await signer.sign(world.qbft(PREPARE, signer.slot, A))
    signer.slot = Slot(slot + 1)
    async with signer.running():
        (again, later) = await signer.sign(world.qbft(PREPARE, slot, B), world.qbft(PREPARE, Slot(slot + 1), B))
    assert again.denied.reason == DenialReason.TOO_OLD
    assert later.signed.message


async def test_drafts_that_are_none(signer: Signer, world: SigningWorld) -> None:
    huge = QbftMessage.decode(world.qbft(PREPARE, Slot(2**64 - 1), A).message)
    long_round = world.qbft(PREPARE, signer.slot, A, 2**63)
    no_type = replace(QbftMessage.decode(world.qbft(PREPARE, signer.slot, A).message), msg_type=2**64 - 1)
    async with signer.running():
        await signer.hold(world.validator(1))
        async with signer.client() as stub:
            empty = [answer async for answer in stub.Sign(iter([pb.SignRequest(request_id=5)]))]
        answers = await signer.sign(
            pb.QbftDraft(message=b"no ssz"),
            pb.QbftDraft(message=huge.encode()),
            pb.QbftDraft(message=no_type.encode()),
            long_round,
            pb.PostConsensusDraft(),
        )
    assert [(answer.request_id, answer.denied.reason) for answer in empty] == [(5, DenialReason.MALFORMED)]
    assert {answer.denied.reason for answer in answers} == {DenialReason.MALFORMED}


async def test_the_canonical_message_id_only(signer: Signer, world: SigningWorld) -> None:
    draft = QbftMessage.decode(world.qbft(PREPARE, signer.slot, A).message)
    padded = draft.identifier[:8] + b"\x01" + draft.identifier[9:]
    exit_role = world.message_id(signer.slot, role=RunnerRole.VOLUNTARY_EXIT)
    async with signer.running():
        await signer.hold(world.validator(1))
        answers = await signer.sign(
            *(
                pb.QbftDraft(message=QbftMessage(PREPARE, draft.height, draft.round, identifier, draft.root).encode())
                for identifier in (padded, b"\x09" + draft.identifier[1:], exit_role)
            )
        )
    reasons = [answer.denied.reason for answer in answers]
    assert reasons == [DenialReason.MALFORMED, DenialReason.WRONG_DOMAIN, DenialReason.UNKNOWN_COMMITTEE]
