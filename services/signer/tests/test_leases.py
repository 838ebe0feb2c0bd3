"""Leases over the wire, on both databases: who may ask, what a restart needs, what a successor gets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest
from services.signer.tests.databases import ON_POSTGRES
from services.signer.tests.harness import SLOTS_PER_EPOCH, Draft, Signer, sign
from tests.support.signer_leases import SignerLeases
from tests.support.signing_world import SigningWorld, Validator

from ssv_api.v1 import signer_pb2 as pb
from ssv_protocol.types.ids import CommitteeId, Slot
from ssv_protocol.types.message_id import validator_message_id
from ssv_protocol.types.roles import PartialSignatureType, QbftMessageType, RunnerRole

if TYPE_CHECKING:
    from ssv_api.v1.signer_pb2_grpc import SignerAsyncStub

pytestmark = pytest.mark.asyncio
PREPARE, COMMIT = QbftMessageType.PREPARE, QbftMessageType.COMMIT
WITNESS = {"cold_start": "witness"}


async def answer_of(signer: Signer, leases: SignerLeases, draft: pb.QbftDraft) -> pb.SignResponse:
    """Ask with what these leases hold, and claim nothing."""
    async with signer.client() as stub:
        (answer,) = [answer async for answer in stub.Sign(iter([leases.request(1, draft)]))]
    leases.note(leases.committee_of(draft), answer)
    return answer


async def claimed(signer: Signer, leases: SignerLeases, *committees: CommitteeId) -> list[pb.CommitteeLease]:
    async with signer.client() as stub:
        return await leases.claim(stub, *committees)


def randao(world: SigningWorld, validator: Validator, slot: Slot) -> pb.PreConsensusDraft:
    wanted = pb.PreConsensusObject(validator_index=validator.index, validator_pubkey=validator.pubkey)
    wanted.randao_reveal.epoch = world.network.chain.epoch_of(slot)
    message_id = validator_message_id(world.network.domain_at(slot), RunnerRole.PROPOSER, validator.pubkey)
    return pb.PreConsensusDraft(message_id=message_id, slot=slot, type=PartialSignatureType.RANDAO, objects=[wanted])


async def test_a_request_without_a_lease_is_refused_and_leaves_no_trace(signer: Signer, world: SigningWorld) -> None:
    async with signer.running():
        await signer.hold(world.validator(1))
        nothing, broken = SignerLeases(), SignerLeases()
        broken.held[world.committee_id()] = pb.Lease(lineage=b"short", fence=1, seq=1)
        draft = world.qbft(PREPARE, signer.slot, b"v")
        assert (await answer_of(signer, nothing, draft)).denied.reason == "no_lease"
        assert (await answer_of(signer, broken, draft)).denied.reason == "malformed"
        assert signer.rows("consensus_steps") == 0
        assert (await answer_of(signer, signer.leases, draft)).signed.message


async def test_a_paused_worker_that_wakes_is_refused(signer: Signer, world: SigningWorld) -> None:
    paused, successor = signer.leases, SignerLeases("successor")
    validator = world.validator(1)
    async with signer.running():
        await signer.hold(validator)
        assert (await answer_of(signer, paused, world.qbft(PREPARE, signer.slot, b"v"))).signed.message
        await claimed(signer, successor, world.committee_id())
        for draft in (world.qbft(COMMIT, signer.slot, b"v"), world.qbft(PREPARE, signer.slot, b"v")):
            stale = await answer_of(signer, paused, draft)
            assert stale.denied.reason == "stale_fence"
            assert "successor" in stale.denied.detail
        # what is of one validator is of its committee too
        (proposer,) = await signer.sign(randao(world, validator, signer.slot))
        assert proposer.denied.reason == "stale_fence"
        assert signer.rows("consensus_steps") == 1
        assert signer.rows("partial_signatures") == 0
        assert (await answer_of(signer, successor, world.qbft(COMMIT, signer.slot, b"v"))).signed.message


async def test_of_two_that_saw_the_same_fence_one_gets_the_committee(signer: Signer, world: SigningWorld) -> None:
    async with signer.running():
        await signer.hold(world.validator(1))
        fence = signer.leases.held[world.committee_id()].fence
        async with signer.client() as stub:
            wanted = pb.CommitteeClaim(committee_id=world.committee_id(), expected_fence=fence)
            faster = await stub.Claim(pb.ClaimRequest(holder="faster", committees=[wanted]))
            slower = await stub.Claim(pb.ClaimRequest(holder="slower", committees=[wanted]))
    raised = faster.committees[0].lease.fence
    assert raised > fence
    assert slower.committees[0].other == pb.OtherHolder(fence=raised, holder="faster")


async def test_each_write_is_counted_and_a_repetition_is_none(signer: Signer, world: SigningWorld) -> None:
    async with signer.running():
        await signer.hold(world.validator(1))
        seqs = []
        for step in (PREPARE, PREPARE, COMMIT):
            seqs.append((await answer_of(signer, signer.leases, world.qbft(step, signer.slot, b"v"))).lease.seq)
    assert [seq - seqs[0] for seq in seqs] == [0, 0, 1]


async def test_what_was_let_go_signs_no_more_and_is_free(signer: Signer, world: SigningWorld) -> None:
    first, second, committee = signer.leases, SignerLeases("second"), world.committee_id()
    async with signer.running(**WITNESS):
        await signer.hold(world.validator(1))
        async with signer.client() as stub:
            mine = pb.HeldCommittee(committee_id=committee, lease=first.held[committee])
            stale = pb.HeldCommittee(committee_id=committee, lease=pb.Lease(lineage=bytes(16), fence=1, seq=1))
            assert not (await stub.Release(pb.ReleaseRequest(committees=[stale]))).committee_ids
            assert (await stub.Release(pb.ReleaseRequest(committees=[mine]))).committee_ids == [committee]
        draft = world.qbft(PREPARE, signer.slot, b"v")
        assert (await answer_of(signer, first, draft)).denied.reason == "no_lease"
        (taken,) = await claimed(signer, second, committee)
        assert taken.lease.fence > first.held[committee].fence
        assert (await answer_of(signer, second, draft)).signed.message


async def test_renewing_tells_who_holds_and_who_does_not(signer: Signer, world: SigningWorld) -> None:
    committee, other = world.committee_id(), CommitteeId(bytes(32))
    async with signer.running():
        await signer.hold(world.validator(1))
        before = signer.leases.held[committee]
        signer.slot = Slot(signer.slot + 3)
        held = [pb.HeldCommittee(committee_id=each, lease=before) for each in (committee, other)]
        async with signer.client() as stub:
            renewed, unknown = (await stub.Renew(pb.RenewRequest(committees=held))).committees
            await SignerLeases("successor").claim(stub, committee)
            (lost,) = (await stub.Renew(pb.RenewRequest(committees=held[:1]))).committees
    assert (renewed.lease.fence, renewed.lease.seq, renewed.lease.slot) == (before.fence, before.seq, signer.slot)
    assert unknown.denied.reason == "record_behind"
    assert lost.denied.reason == "stale_fence"


async def test_a_committee_without_shares_can_not_be_claimed(signer: Signer) -> None:
    async with signer.running():
        (refused,) = await claimed(signer, SignerLeases(), CommitteeId(bytes(32)))
    assert refused.denied.reason == "unknown_committee"
    assert signer.rows("leases") == 0


@pytest.mark.parametrize(
    ("holder", "committees"), [("", [bytes(32)]), ("x" * 129, []), ("w", [bytes(31)]), ("w", [bytes(32), bytes(32)])]
)
async def test_a_malformed_claim_is_refused(signer: Signer, holder: str, committees: list[bytes]) -> None:
    wanted = [pb.CommitteeClaim(committee_id=each) for each in committees]
    async with signer.running(), signer.client() as stub:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.Claim(pb.ClaimRequest(holder=holder, committees=wanted))
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT


async def test_a_first_claim_waits_for_the_next_epoch_and_readiness_says_so(
    signer: Signer, world: SigningWorld
) -> None:
    validator, committee = world.validator(1), world.committee_id()
    async with signer.running(**WITNESS):
        begun = signer.slot
        await signer.hold(validator)
        signer.slot = begun
        assert signer.service is not None
        (waits,) = await claimed(signer, SignerLeases(), committee)
        assert (
            waits.quiet_until_slot
            == world.network.chain.first_slot(world.network.chain.epoch_of(Slot(begun + 1))) + SLOTS_PER_EPOCH
        )
        await claimed(signer, signer.leases, committee)
        problem = signer.service.health.problems()["record"]
        assert committee.hex()[:8] in problem
        assert f"epoch {world.network.chain.epoch_of(Slot(waits.quiet_until_slot))} on" in problem
        quiet = await signer.sign(world.qbft(PREPARE, signer.slot, b"v"), randao(world, validator, signer.slot))
        assert [answer.denied.reason for answer in quiet] == ["safety_delay", "safety_delay"]
        signer.slot = Slot(waits.quiet_until_slot)
        answers = await signer.sign(
            world.qbft(PREPARE, signer.slot, b"v"), world.post_consensus([validator], signer.slot)
        )
        assert all(answer.signed.message for answer in answers)
        async with signer.client() as stub:
            await signer.leases.claim(stub, committee)  # which looks again
        assert "record" not in signer.service.health.problems()


async def test_after_a_restart_the_holder_goes_on_at_once(signer: Signer, world: SigningWorld) -> None:
    async with signer.running(**WITNESS):
        await signer.hold(world.validator(1))
        assert (await answer_of(signer, signer.leases, world.qbft(PREPARE, signer.slot, b"v"))).signed.message
    async with signer.running(**WITNESS):
        assert (await answer_of(signer, signer.leases, world.qbft(COMMIT, signer.slot, b"v"))).signed.message
        # and what it proved is proven for whoever takes over
        (taken,) = await claimed(signer, SignerLeases("successor"), world.committee_id())
        assert taken.quiet_until_slot <= signer.slot


async def test_after_a_restart_of_everything_the_committee_begins_anew(signer: Signer, world: SigningWorld) -> None:
    validator, fresh = world.validator(1), SignerLeases("fresh")
    async with signer.running(**WITNESS):
        await signer.hold(validator)
        assert (await signer.sign(world.post_consensus([validator], signer.slot)))[0].signed.message
    if signer.database.store.comes_back:
        signer.database.run("UPDATE leases SET seq = seq + 1, run = 'another'")  # its server was started anew
    async with signer.running(**WITNESS):
        (anew,) = await claimed(signer, fresh, world.committee_id())
        assert anew.quiet_until_slot > signer.slot
        # who knew more is not the holder any more
        stale = await answer_of(signer, signer.leases, world.qbft(PREPARE, signer.slot, b"v"))
        assert stale.denied.reason == "stale_fence"
        again = world.post_consensus([validator], signer.slot, world.vote(signer.slot, b"other"))
        async with signer.client() as stub:
            assert [answer.denied.reason for answer in await sign(stub, fresh, again)] == ["safety_delay"]
            signer.slot = Slot(anew.quiet_until_slot)
            (answer,) = await sign(stub, fresh, world.post_consensus([validator], signer.slot))
        assert answer.signed.message


async def test_the_disk_is_trusted_only_where_that_is_said_and_nobody_knows_better(
    signer: Signer, world: SigningWorld
) -> None:
    committee = world.committee_id()
    async with signer.running():
        await signer.hold(world.validator(1))
        before = signer.database.copy()
        assert (await answer_of(signer, signer.leases, world.qbft(PREPARE, signer.slot, b"v"))).signed.message
    async with signer.running():
        (believed,) = await claimed(signer, SignerLeases("fresh"), committee)
        assert believed.quiet_until_slot <= signer.slot
        await claimed(signer, signer.leases, committee)
    signer.database.restore(before)
    async with signer.running():
        (found_out,) = await claimed(signer, signer.leases, committee)
        assert found_out.quiet_until_slot > signer.slot


@ON_POSTGRES
async def test_a_take_over_by_way_of_another_signer_waits_for_nothing(
    signer: Signer, world: SigningWorld, tmp_path: Path
) -> None:
    twin = Signer(tmp_path / "twin", world, signer.database)
    async with signer.running(**WITNESS), twin.running(**WITNESS):
        await signer.hold(world.validator(1))
        twin.slot = signer.slot
        assert (await answer_of(signer, signer.leases, world.qbft(PREPARE, signer.slot, b"v"))).signed.message
        successor = SignerLeases("successor")
        (taken,) = await claimed(twin, successor, world.committee_id())
        assert taken.quiet_until_slot <= signer.slot
        assert (await answer_of(twin, successor, world.qbft(COMMIT, signer.slot, b"v"))).signed.message
        stale = await answer_of(signer, signer.leases, world.qbft(COMMIT, signer.slot, b"v"))
        assert stale.denied.reason == "stale_fence"


async def test_the_journal_says_again_what_was_said(signer: Signer, world: SigningWorld) -> None:
    validator = world.validator(1)
    async with signer.running():
        await signer.hold(validator)
        slot = signer.slot
        drafts: list[Draft] = [
            randao(world, validator, slot),
            world.qbft(PREPARE, slot, b"v"),
            world.qbft(COMMIT, slot, b"v"),
            world.post_consensus([validator], slot),
        ]
        said = [answer.signed.message for answer in await signer.sign(*drafts)]
        await signer.sign(world.qbft(PREPARE, Slot(slot - 1), b"v"))
        async with signer.client() as stub:
            journal = await read(stub, slot, world.committee_id())
            assert await read(stub, slot, CommitteeId(bytes(32))) == []
            earlier = await read(stub, Slot(slot - 1), world.committee_id())
            await signer_let_go(signer, validator)
            assert await read(stub, slot, world.committee_id()) == []
    assert all(said)
    assert sorted(journal) == sorted(said)
    assert len(earlier) == len(said) + 1
    # of one duty: its consensus before what it decided
    assert [journal.index(said[number]) for number in (1, 2, 3)] == sorted(
        journal.index(said[number]) for number in (1, 2, 3)
    )


async def read(stub: SignerAsyncStub, since: Slot, *committees: CommitteeId) -> list[bytes]:
    entries = stub.Journal(pb.JournalRequest(committee_ids=committees, since_slot=since))
    return [entry.message async for entry in entries]


async def signer_let_go(signer: Signer, validator: Validator) -> None:
    async with signer.client("eth1-listener") as stub:
        await stub.RemoveShare(pb.RemoveShareRequest(validator_pubkey=validator.pubkey))


async def test_an_import_is_missed_when_it_is_lost(signer: Signer, world: SigningWorld) -> None:
    validator = world.validator(1)
    record = pb.SlashingRecord(public_key=validator.share_pubkey)
    async with signer.running():
        await signer.hold(validator)
        before, held = signer.database.copy(), signer.leases.held[world.committee_id()]
        epoch = world.network.chain.epoch_of(signer.slot)
        record.attestation.source_epoch, record.attestation.target_epoch = epoch, epoch + 1
        async with signer.client("cli") as stub:
            root = world.network.chain.genesis_validators_root
            await stub.ImportSlashing(pb.ImportSlashingRequest(genesis_validators_root=root, records=[record]))
        async with signer.client() as stub:
            mine = pb.HeldCommittee(committee_id=world.committee_id(), lease=held)
            (renewed,) = (await stub.Renew(pb.RenewRequest(committees=[mine]))).committees
        assert renewed.lease.seq == held.seq + 1
        signer.leases.held[world.committee_id()] = renewed.lease
        signer.database.restore(before)
        answer = await answer_of(signer, signer.leases, world.qbft(PREPARE, signer.slot, b"v"))
    assert answer.denied.reason == "record_behind"
