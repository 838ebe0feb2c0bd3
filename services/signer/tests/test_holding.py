"""Shares that are held back, over the wire and on both databases, and the proof that a share never stopped."""

from __future__ import annotations

import grpc
import pytest
from services.signer.tests.databases import PostgresDatabase
from services.signer.tests.harness import SLOTS_PER_EPOCH, Signer
from services.signer.tests.test_leases import WITNESS, randao
from tests.support.signing_world import SigningWorld, Validator

from ssv_api.v1 import signer_pb2 as pb
from ssv_protocol.signing.verdict import DenialReason
from ssv_protocol.types.ids import Slot
from ssv_protocol.types.roles import BeaconRole

pytestmark = pytest.mark.asyncio


async def hold(signer: Signer, epoch: int, *validators: Validator) -> int:
    async with signer.client("duty-scheduler") as stub:
        request = pb.HoldRequest(validator_pubkeys=[each.pubkey for each in validators], epoch=epoch)
        return (await stub.Hold(request)).raised


async def listed(signer: Signer) -> dict[bytes, pb.HeldShare]:
    async with signer.client("duty-scheduler") as stub:
        return {each.validator_pubkey: each for each in (await stub.ListShares(pb.ListSharesRequest())).shares}


def epoch_of(signer: Signer) -> int:
    return int(signer.world.network.chain.epoch_of(signer.slot))


async def owned(signer: Signer, validator: Validator) -> int | None:
    share = (await listed(signer))[validator.pubkey]
    return share.owned_epoch if share.HasField("owned_epoch") else None


async def test_a_hold_is_for_those_named_and_only_rises(signer: Signer, world: SigningWorld) -> None:
    one, two, stranger = world.validator(1), world.validator(2), world.validator(3)
    async with signer.running():
        await signer.hold(one, two)
        now = epoch_of(signer)
        assert await hold(signer, now + 2, one, one, stranger) == 1
        assert await hold(signer, now + 1, one) == 0
        assert await hold(signer, now + 2, one) == 0
    async with signer.running():
        shares = await listed(signer)
    assert {key: share.may_sign_from_epoch for key, share in shares.items()} == {one.pubkey: now + 2, two.pubkey: now}


async def test_who_is_held_signs_nothing_slashable_and_the_others_do(signer: Signer, world: SigningWorld) -> None:
    one, two = world.validator(1), world.validator(2)
    async with signer.running():
        await signer.hold(one, two)
        await hold(signer, epoch_of(signer) + 1, one)
        (votes,) = await signer.sign(world.post_consensus([one, two], signer.slot))
        assert [(each.validator_index, each.denied.reason) for each in votes.signed.denied] == [
            (one.index, DenialReason.WAITING)
        ]
        (reveal,) = await signer.sign(randao(world, one, signer.slot))
        assert reveal.denied.reason == DenialReason.WAITING
        signer.slot = Slot(signer.slot + SLOTS_PER_EPOCH)
        (later,) = await signer.sign(world.post_consensus([one], signer.slot))
        assert later.signed.message
        assert not later.signed.denied


async def test_nobody_can_hold_a_share_for_good(signer: Signer, world: SigningWorld) -> None:
    one = world.validator(1)
    async with signer.running():
        await signer.hold(one)
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            await hold(signer, epoch_of(signer) + 4, one)
        assert refusal.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert (await listed(signer))[one.pubkey].may_sign_from_epoch <= epoch_of(signer)


async def test_a_vote_made_here_is_the_proof_and_a_hold_ends_it(signer: Signer, world: SigningWorld) -> None:
    one = world.validator(1)
    async with signer.running():
        await signer.hold(one)
        assert await owned(signer, one) is None, "it has not signed yet"
        await signer.sign(world.post_consensus([one], signer.slot))
        assert await owned(signer, one) == epoch_of(signer)
        await hold(signer, epoch_of(signer) + 1, one)
        assert await owned(signer, one) is None


async def test_what_an_import_brought_proves_nothing(signer: Signer, world: SigningWorld) -> None:
    one = world.validator(1)
    async with signer.running():
        await signer.hold(one)
        record = pb.SlashingRecord(public_key=one.share_pubkey)
        record.attestation.source_epoch, record.attestation.target_epoch = epoch_of(signer) - 1, epoch_of(signer)
        record.attestation.signing_root = b"\x09" * 32
        root = bytes(world.network.chain.genesis_validators_root)
        async with signer.client("cli") as stub:
            await stub.ImportSlashing(pb.ImportSlashingRequest(genesis_validators_root=root, records=[record]))
        assert await owned(signer, one) is None


async def test_a_file_that_nobody_vouches_for_proves_nothing(signer: Signer, world: SigningWorld) -> None:
    one = world.validator(1)
    runs_on = isinstance(signer.database, PostgresDatabase)  # the server that wrote the record did not stop
    async with signer.running():
        await signer.hold(one)
        await signer.sign(world.post_consensus([one], signer.slot))
    signer.leases.held.clear()
    async with signer.running(**WITNESS):
        proof = epoch_of(signer) if runs_on else None
        assert await owned(signer, one) == proof
        async with signer.client() as stub:
            await signer.leases.take(stub)  # a file's committee begins anew
        assert await owned(signer, one) == proof


async def test_a_copy_that_was_put_back_proves_nothing(signer: Signer, world: SigningWorld) -> None:
    one = world.validator(1)
    async with signer.running():
        await signer.hold(one)
        await signer.sign(world.post_consensus([one], signer.slot))
    copy = signer.database.copy()
    signer.database.restore(copy)
    signer.leases.held.clear()
    async with signer.running(**WITNESS):
        assert await owned(signer, one) is None


async def test_who_is_held_votes_in_the_sync_committee(signer: Signer, world: SigningWorld) -> None:
    one = world.validator(1)
    async with signer.running():
        await signer.hold(one)
        await hold(signer, epoch_of(signer) + 1, one)
        draft = world.post_consensus([one], signer.slot)
        draft.duties[:] = [one.duty(signer.slot, BeaconRole.SYNC_COMMITTEE).encode()]
        (answer,) = await signer.sign(draft)
    assert answer.signed.message
