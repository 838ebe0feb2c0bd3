"""Post-consensus drafts of the other roles over the wire: blocks, aggregates, contributions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from libs.protocol.tests.runners.validator_world import full_block
from libs.protocol.tests.types.samples import ELECTRA_ATTESTATION, SIGNATURE, contribution
from services.signer.tests.harness import Signer, make_world
from tests.support.signing_world import SigningWorld, Validator

from ssv_api.v1 import signer_pb2 as pb
from ssv_protocol.beacon_chain import BeaconFork
from ssv_protocol.crypto import bls
from ssv_protocol.signing.decided_objects import decided_objects
from ssv_protocol.signing.verdict import DenialReason
from ssv_protocol.types.aggregator_committee_data import AggregatorCommitteeConsensusData, AssignedAggregator
from ssv_protocol.types.beacon.attestation import ElectraAggregateAndProof
from ssv_protocol.types.contributions import Contribution, encode_contributions
from ssv_protocol.types.duty import ValidatorDuty
from ssv_protocol.types.ids import Epoch, MessageId, Root, Slot
from ssv_protocol.types.message_id import validator_message_id
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.partial_signatures import PartialSignatures
from ssv_protocol.types.proposer_data import ProposerConsensusData
from ssv_protocol.types.roles import BeaconRole, RunnerRole
from ssv_protocol.types.validator_data import ValidatorConsensusData

pytestmark = pytest.mark.asyncio
FIRST, SECOND = bytes(32), b"\x07" * 32


@pytest.fixture(scope="module")
def proposer(world: SigningWorld) -> Validator:
    return world.validator(1)


def request(
    world: SigningWorld,
    message_id: MessageId,
    slot: Slot,
    value: bytes,
    duties: Sequence[ValidatorDuty],
    signers: int | None = None,
) -> pb.PostConsensusDraft:
    return pb.PostConsensusDraft(
        message_id=message_id,
        slot=slot,
        decided=world.decided_value(value, slot, message_id, signers=signers).encode(),
        duties=[duty.encode() for duty in duties],
    )


def block_value(proposer: Validator, slot: Slot, graffiti: bytes = FIRST, *, block_slot: Slot | None = None) -> bytes:
    proposal = full_block(slot if block_slot is None else block_slot, graffiti)
    duty = proposer.duty(slot, BeaconRole.PROPOSER)
    return ProposerConsensusData(duty, proposal.fork, proposal.encode()).encode()


def block_request(
    world: SigningWorld,
    proposer: Validator,
    slot: Slot,
    graffiti: bytes = FIRST,
    *,
    block_slot: Slot | None = None,
    signers: int | None = None,
) -> pb.PostConsensusDraft:
    value = block_value(proposer, slot, graffiti, block_slot=block_slot)
    message_id = validator_message_id(world.network.domain_at(slot), RunnerRole.PROPOSER, proposer.pubkey)
    return request(world, message_id, slot, value, [proposer.duty(slot, BeaconRole.PROPOSER)], signers)


def signed_roots(answer: pb.SignResponse, validators: Sequence[Validator]) -> list[Root]:
    """The roots that the shares of `validators` signed; their signatures are verified."""
    assert answer.WhichOneof("verdict") == "signed", answer
    partials = PartialSignatures.decode(SignedSSVMessage.decode(answer.signed.message).ssv_message.data)
    by_index = {validator.index: validator for validator in validators}
    for item in partials.messages:
        assert bls.verify(by_index[item.validator_index].share_pubkey, item.signing_root, item.signature)
    return [item.signing_root for item in partials.messages]


def expected_roots(
    world: SigningWorld, role: RunnerRole, slot: Slot, value: bytes, duties: Sequence[ValidatorDuty]
) -> list[Root]:
    objects = decided_objects(world.network.chain, role, slot, value, duties)
    assert objects
    return [item.signing_root for item in objects]


def forget_batches(signer: Signer) -> None:
    """Lose the record of the messages, so that nothing but the slashing record is left."""
    assert signer.rows("partial_signatures")
    signer.database.run("DELETE FROM partial_signatures")


async def test_a_decided_block_is_signed_and_is_the_only_one_of_its_slot(
    signer: Signer, world: SigningWorld, proposer: Validator
) -> None:
    async with signer.running():
        await signer.hold(proposer)
        slot = signer.slot
        first, second = await signer.sign(
            block_request(world, proposer, slot), block_request(world, proposer, slot, SECOND)
        )
    async with signer.running():
        (later,) = await signer.sign(block_request(world, proposer, slot, SECOND))
    duty = proposer.duty(slot, BeaconRole.PROPOSER)
    roots = expected_roots(world, RunnerRole.PROPOSER, slot, block_value(proposer, slot), [duty])
    assert signed_roots(first, [proposer]) == roots
    assert second.signed == later.signed == first.signed, "asked for another block, it answers with the first"


async def test_the_shares_record_alone_refuses_a_second_block_also_after_a_restart(
    signer: Signer, world: SigningWorld, proposer: Validator
) -> None:
    async with signer.running():
        await signer.hold(proposer)
        slot = signer.slot
        (first,) = await signer.sign(block_request(world, proposer, slot))
    forget_batches(signer)
    async with signer.running():
        second, earlier = await signer.sign(
            block_request(world, proposer, slot, SECOND), block_request(world, proposer, Slot(slot - 1))
        )
        same, next_slot = await signer.sign(
            block_request(world, proposer, slot), block_request(world, proposer, Slot(slot + 1))
        )
    assert second.denied.reason == DenialReason.DOUBLE_PROPOSAL
    assert earlier.denied.reason == DenialReason.SLOT_BELOW_RECORD
    assert same.signed == first.signed
    assert next_slot.signed.message


async def test_a_block_without_a_decision_of_its_slot_is_refused(
    signer: Signer, world: SigningWorld, proposer: Validator
) -> None:
    stranger = world.validator(9)
    async with signer.running():
        await signer.hold(proposer)
        slot = signer.slot
        answers = await signer.sign(
            block_request(world, proposer, slot, signers=2),
            block_request(world, proposer, slot, block_slot=Slot(slot + 1)),
            block_request(world, proposer, Slot(slot - 50)),
            block_request(world, stranger, slot),
        )
        (good,) = await signer.sign(block_request(world, proposer, slot))
    assert [answer.denied.reason for answer in answers] == [
        DenialReason.EVIDENCE_NO_QUORUM,
        DenialReason.BLOCK_OF_OTHER_SLOT,
        DenialReason.TOO_OLD,
        DenialReason.UNKNOWN_COMMITTEE,
    ]
    assert good.signed.message, "what was refused left no record"


async def test_a_new_share_begins_above_the_blocks_of_the_validators_earlier_share(
    signer: Signer, world: SigningWorld, proposer: Validator
) -> None:
    async with signer.running():
        await signer.hold(proposer)
        ahead = Slot(signer.slot + 6)
        await signer.sign(block_request(world, proposer, ahead))
        async with signer.client("eth1-listener") as stub:
            await stub.RemoveShare(pb.RemoveShareRequest(validator_pubkey=proposer.pubkey))
            other = world.validator(1)
            renewed = pb.AddShareRequest()
            renewed.CopyFrom(other.add)
            renewed.validator_pubkey = proposer.pubkey
            await stub.AddShare(renewed)
        signer.slot = Slot(signer.slot + 5)
        below, same_slot, above = await signer.sign(
            block_request(world, proposer, signer.slot),
            block_request(world, proposer, ahead, SECOND),
            block_request(world, proposer, Slot(ahead + 1)),
        )
    assert below.denied.reason == DenialReason.SLOT_BELOW_RECORD
    assert same_slot.denied.reason == DenialReason.SHARE_REMOVED
    assert signed_roots(above, [other])


@pytest.mark.parametrize(
    ("role", "kind"),
    [
        (RunnerRole.AGGREGATOR, BeaconRole.AGGREGATOR),
        (RunnerRole.SYNC_COMMITTEE_CONTRIBUTION, BeaconRole.SYNC_COMMITTEE_CONTRIBUTION),
    ],
)
async def test_a_validators_decided_aggregates_are_signed(
    signer: Signer, world: SigningWorld, proposer: Validator, role: RunnerRole, kind: BeaconRole
) -> None:
    data = {
        BeaconRole.AGGREGATOR: ElectraAggregateAndProof(proposer.index, ELECTRA_ATTESTATION, SIGNATURE).encode(),
        BeaconRole.SYNC_COMMITTEE_CONTRIBUTION: encode_contributions(
            (Contribution(SIGNATURE, contribution(0)), Contribution(SIGNATURE, contribution(2)))
        ),
    }[kind]
    async with signer.running():
        await signer.hold(proposer)
        slot = signer.slot
        duty = proposer.duty(slot, kind)
        value = ValidatorConsensusData(duty, BeaconFork.ELECTRA, data).encode()
        message_id = validator_message_id(world.network.domain_at(slot), role, proposer.pubkey)
        attester = proposer.duty(slot, BeaconRole.ATTESTER)
        wrong, answer = await signer.sign(
            request(world, message_id, slot, value, [attester]), request(world, message_id, slot, value, [duty])
        )
    assert wrong.denied.reason == DenialReason.DUTY_TYPE
    assert signed_roots(answer, [proposer]) == expected_roots(world, role, slot, value, [duty])


async def test_a_committees_decided_aggregates_are_signed(signer: Signer) -> None:
    plain = make_world().network
    world = SigningWorld(replace(plain, ssv=replace(plain.ssv, boole_epoch=Epoch(0))))
    boole = Signer(signer.folder / "boole", world)
    one, two = world.validator(1), world.validator(2)
    value = AggregatorCommitteeConsensusData(
        version=BeaconFork.ELECTRA,
        aggregators=(AssignedAggregator(one.index, SIGNATURE, 3),),
        aggregator_committee_indexes=(3,),
        aggregated_attestations=(ELECTRA_ATTESTATION.encode(),),
        contributors=(AssignedAggregator(two.index, SIGNATURE, 0),),
        sync_committee_contributions=(contribution(0),),
    ).encode()
    async with boole.running():
        await boole.hold(one, two)
        slot, role = boole.slot, RunnerRole.AGGREGATOR_COMMITTEE
        duties = one.duty(slot, BeaconRole.AGGREGATOR), two.duty(slot, BeaconRole.SYNC_COMMITTEE_CONTRIBUTION)
        (answer,) = await boole.sign(request(world, world.message_id(slot, role=role), slot, value, duties))
    assert signed_roots(answer, [one, two]) == expected_roots(world, role, slot, value, duties)
