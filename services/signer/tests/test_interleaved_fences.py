"""A signer that has read the fence and is not yet durable, and another one that claims the committee: who goes first?

Whoever judges holds the fence that it read until its COMMIT is done, and a claim waits; what is asked while a claim is
not yet durable waits for that and is refused. So for each kind of request that is signed under a lease, and so for
everything else that no judging may run beside.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from libs.protocol.tests.types.samples import ELECTRA_ATTESTATION, SIGNATURE, contribution
from services.signer.tests.databases import ON_POSTGRES
from services.signer.tests.harness import Signer
from services.signer.tests.replicas import Replica, interleave, two_replicas
from services.signer.tests.test_decided_duties import SECOND, block_request, request
from services.signer.tests.test_pre_consensus import ROLES, draft
from tests.support.signer_leases import Draft
from tests.support.signing_world import SigningWorld, Validator

from ssv_api.v1 import signer_pb2 as pb
from ssv_protocol.beacon_chain import BeaconFork
from ssv_protocol.signing.leases import Lease
from ssv_protocol.signing.verdict import DenialReason
from ssv_protocol.signing.watermarks import KeyRecord
from ssv_protocol.types.beacon.attestation import ElectraAggregateAndProof
from ssv_protocol.types.contributions import Contribution, encode_contributions
from ssv_protocol.types.ids import Height, Root, Round, Slot
from ssv_protocol.types.message_id import validator_message_id
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import BeaconRole, PartialSignatureType, QbftMessageType, RunnerRole
from ssv_protocol.types.validator_data import ValidatorConsensusData
from ssv_runtime import lease_wire
from ssv_signer import custody
from ssv_signer.leasing import Outcome, Wanted
from ssv_signer.work import BatchWork, EnvelopeWork, Refusal

pytestmark = [pytest.mark.asyncio, ON_POSTGRES]
Make = Callable[[SigningWorld, Validator, Slot], Draft]


@pytest.fixture(scope="module")
def validator(world: SigningWorld) -> Validator:
    return world.validator(1)


def attestations(world: SigningWorld, validator: Validator, slot: Slot) -> Draft:
    return world.post_consensus([validator], slot)


def committee_step(world: SigningWorld, validator: Validator, slot: Slot) -> Draft:
    return world.qbft(QbftMessageType.COMMIT, slot, b"value")


def proposer_step(world: SigningWorld, validator: Validator, slot: Slot) -> Draft:
    identifier = validator_message_id(world.network.domain_at(slot), RunnerRole.PROPOSER, validator.pubkey)
    message = QbftMessage(QbftMessageType.PREPARE, Height(slot), Round(1), identifier, Root(b"\x0a" * 32))
    return pb.QbftDraft(message=message.encode())


def aggregate(world: SigningWorld, validator: Validator, slot: Slot) -> Draft:
    data = ElectraAggregateAndProof(validator.index, ELECTRA_ATTESTATION, SIGNATURE).encode()
    return _decided(world, validator, slot, RunnerRole.AGGREGATOR, BeaconRole.AGGREGATOR, data)


def contributions(world: SigningWorld, validator: Validator, slot: Slot) -> Draft:
    role, kind = RunnerRole.SYNC_COMMITTEE_CONTRIBUTION, BeaconRole.SYNC_COMMITTEE_CONTRIBUTION
    data = encode_contributions((Contribution(SIGNATURE, contribution(0)),))
    return _decided(world, validator, slot, role, kind, data)


def _decided(
    world: SigningWorld, validator: Validator, slot: Slot, role: RunnerRole, kind: BeaconRole, data: bytes
) -> Draft:
    duty = validator.duty(slot, kind)
    value = ValidatorConsensusData(duty, BeaconFork.ELECTRA, data).encode()
    message_id = validator_message_id(world.network.domain_at(slot), role, validator.pubkey)
    return request(world, message_id, slot, value, [duty])


def pre_consensus(kind: PartialSignatureType) -> Make:
    return lambda world, validator, slot: draft(world, validator, kind, slot)


STEPS: dict[str, Make] = {
    "committee step": committee_step,
    "attestations": attestations,
    "proposer step": proposer_step,
    "block": block_request,
    "aggregate": aggregate,
    "contributions": contributions,
}
KINDS = STEPS | {kind.name.lower(): pre_consensus(kind) for kind in ROLES}
every_kind = pytest.mark.parametrize("make", KINDS.values(), ids=KINDS.keys())


@asynccontextmanager
async def held(signer: Signer, validator: Validator) -> AsyncIterator[tuple[Replica, Replica]]:
    """Two signers on a database with one share, whose committee a worker holds."""
    async with signer.running():
        await signer.hold(validator)
    async with two_replicas(signer) as both:
        yield both


def claim(replica: Replica) -> Awaitable[list[Outcome]]:
    return replica.vault.claim("successor", [Wanted(replica.signer.world.committee_id())])


@every_kind
async def test_a_claim_waits_for_what_is_signed_under_the_fence_before(
    signer: Signer, world: SigningWorld, validator: Validator, make: Make
) -> None:
    async with held(signer, validator) as (one, other):
        asked = one.asked(make(world, validator, signer.slot))
        done = await interleave(one, one.vault.record([asked]), claim(other))
        (again,) = await one.vault.record([asked])
    assert done.waited, "the claim overtook a request that had read the fence before it"
    ((work,), (outcome,)) = done.first, done.second
    assert isinstance(work, EnvelopeWork | BatchWork)
    assert isinstance(outcome.result, Lease)
    assert asked.lease is not None
    assert work.lease is not None
    assert outcome.result.fence > asked.lease.fence
    assert outcome.result.seq > work.lease.seq, "the claimer knows of what was signed before"
    assert isinstance(again, Refusal)
    assert again.denied.reason is DenialReason.STALE_FENCE


@every_kind
async def test_what_is_asked_under_the_fence_before_waits_for_a_claim_and_is_refused(
    signer: Signer, world: SigningWorld, validator: Validator, make: Make
) -> None:
    async with held(signer, validator) as (one, other):
        asked = one.asked(make(world, validator, signer.slot))
        done = await interleave(other, claim(other), one.vault.record([asked]))
    assert done.waited, "a request was judged while a claim was under way"
    (refusal,) = done.second
    assert isinstance(refusal, Refusal)
    assert refusal.denied.reason is DenialReason.STALE_FENCE
    assert signer.rows("consensus_steps") == signer.rows("partial_signatures") == 0


async def release(replica: Replica, _: Validator) -> object:
    committee = replica.signer.world.committee_id()
    return await replica.vault.release([(committee, lease_wire.decode(replica.signer.leases.held[committee]))])


async def remove(replica: Replica, validator: Validator) -> object:
    return await replica.vault.remove_share(validator.pubkey)


async def add(replica: Replica, _: Validator) -> object:
    world, given = replica.signer.world, replica.signer.world.validator(2).add
    share = custody.check_share(
        world.own_key,
        world.network.ssv.alan_domain,
        validator_pubkey=given.validator_pubkey,
        share_pubkey=given.share_pubkey,
        encrypted_share=given.encrypted_share,
        operator_id=given.operator_id,
        operators=[(each.operator_id, each.public_key) for each in given.committee],
    )
    return await replica.vault.add_share(share)


async def import_records(replica: Replica, validator: Validator) -> object:
    return await replica.vault.import_slashing(
        {validator.share_pubkey: KeyRecord()}, accept_future=False, plain_keys=frozenset()
    )


async def prune(replica: Replica, _: Validator) -> object:
    return await replica.vault.tidy()


@pytest.mark.parametrize("beside", [release, remove, add, import_records, prune])
@pytest.mark.parametrize("make", [attestations, block_request])
async def test_nothing_that_a_judging_reads_changes_before_it_is_durable(
    signer: Signer,
    world: SigningWorld,
    validator: Validator,
    make: Make,
    beside: Callable[[Replica, Validator], Awaitable[object]],
) -> None:
    async with held(signer, validator) as (one, other):
        judged = one.judge(make(world, validator, signer.slot))
        done = await interleave(one, judged, beside(other, validator))
    assert isinstance(done.first, BatchWork)
    assert done.waited


async def test_another_block_under_the_successors_fence_is_refused_by_the_record(
    signer: Signer, world: SigningWorld, validator: Validator
) -> None:
    async with held(signer, validator) as (one, other):
        first = one.judge(block_request(world, validator, signer.slot))
        done = await interleave(one, first, claim(other))
        (outcome,) = done.second
        signer.leases.held[world.committee_id()] = lease_wire.encode(outcome.result)
        again = await other.judge(block_request(world, validator, signer.slot, SECOND))
    assert isinstance(done.first, BatchWork)
    assert isinstance(again, BatchWork)
    assert again.record == done.first.record, "the successor is given what was signed, and nothing else"
