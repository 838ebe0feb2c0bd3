"""Shares over the wire: added with their record first, removed with their record kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import grpc
import pytest
from services.signer.tests.harness import SLOTS_PER_EPOCH, Signer
from tests.support.signing_world import OWN, SigningWorld, Validator

from ssv_api.v1 import signer_pb2 as pb
from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.signing.verdict import DenialReason
from ssv_protocol.types.ids import Slot

pytestmark = pytest.mark.asyncio


def changed(request: pb.AddShareRequest, change: Callable[[pb.AddShareRequest], object]) -> pb.AddShareRequest:
    copy = pb.AddShareRequest()
    copy.CopyFrom(request)
    change(copy)
    return copy


async def add(signer: Signer, request: pb.AddShareRequest) -> pb.AddShareResponse:
    async with signer.client("eth1-listener") as stub:
        return await stub.AddShare(request)


async def remove(signer: Signer, validator: Validator) -> bool:
    async with signer.client("eth1-listener") as stub:
        answer = await stub.RemoveShare(pb.RemoveShareRequest(validator_pubkey=validator.pubkey))
    return answer.removed


async def watermarks(signer: Signer) -> list[pb.Watermark]:
    async with signer.client() as stub:
        answer = await stub.Watermarks(pb.WatermarksRequest(committee_id=signer.world.committee_id()))
    return list(answer.watermarks)


async def test_add_list_remove(signer: Signer, world: SigningWorld) -> None:
    one, two = sorted((world.validator(1), world.validator(2)), key=lambda validator: validator.pubkey)
    epoch = world.network.chain.epoch_of(signer.slot)
    async with signer.running(), signer.client("cli") as stub:
        first, again = await add(signer, one.add), await add(signer, one.add)
        await add(signer, two.add)
        held = (await stub.ListShares(pb.ListSharesRequest())).shares
        removed, removed_again = await remove(signer, one), await remove(signer, one)
        left = (await stub.ListShares(pb.ListSharesRequest())).shares
    assert (first.added, again.added) == (True, False)
    assert first.may_sign_from_epoch == again.may_sign_from_epoch == epoch + 1
    expected = [
        pb.HeldShare(
            validator_pubkey=validator.pubkey,
            share_pubkey=validator.share_pubkey,
            committee_id=world.committee_id(),
            may_sign_from_epoch=epoch + 1,
        )
        for validator in (one, two)
    ]
    assert list(held) == expected
    assert (removed, removed_again) == (True, False)
    assert list(left) == expected[1:]


async def test_idempotent_also_after_a_restart_and_later(signer: Signer, world: SigningWorld) -> None:
    validator = world.validator(1)
    async with signer.running():
        first = await add(signer, validator.add)
    signer.slot = Slot(signer.slot + 5 * SLOTS_PER_EPOCH)
    async with signer.running():
        again = await add(signer, validator.add)
        (mark,) = await watermarks(signer)
        (answer,) = await signer.sign(world.post_consensus([validator], signer.slot))
    assert not again.added
    assert again.may_sign_from_epoch == first.may_sign_from_epoch
    assert mark.target_epoch == first.may_sign_from_epoch - 1
    assert answer.signed.message


async def test_a_share_comes_back_to_the_record_it_left(signer: Signer, world: SigningWorld) -> None:
    validator = world.validator(1)
    async with signer.running():
        await signer.hold(validator)
        ahead = Slot(signer.slot + SLOTS_PER_EPOCH)
        (signed,) = await signer.sign(world.post_consensus([validator], ahead))
        assert signed.signed.message
        await remove(signer, validator)
        assert await watermarks(signer) == []
        back = await add(signer, validator.add)
        (mark,) = await watermarks(signer)
        signer.slot = Slot(ahead + 1)
        (double,) = await signer.sign(world.post_consensus([validator], signer.slot))
    assert back.added
    assert mark.target_epoch == world.network.chain.epoch_of(ahead)
    assert double.denied.reason == DenialReason.DOUBLE_VOTE


async def test_a_validator_that_is_split_anew_keeps_its_watermark(signer: Signer, world: SigningWorld) -> None:
    old = world.validator(1)
    fresh = world.validator(1)
    renewed = replace(
        fresh, pubkey=old.pubkey, add=changed(fresh.add, lambda r: setattr(r, "validator_pubkey", old.pubkey))
    )
    async with signer.running():
        await signer.hold(old)
        ahead = Slot(signer.slot + SLOTS_PER_EPOCH)
        await signer.sign(world.post_consensus([old], ahead))
        with pytest.raises(grpc.aio.AioRpcError, match="remove it first"):
            await add(signer, renewed.add)
        await remove(signer, old)
        await add(signer, renewed.add)
        (mark,) = await watermarks(signer)
    assert mark.share_pubkey == renewed.share_pubkey
    assert mark.target_epoch == world.network.chain.epoch_of(ahead)


def another_key(request: pb.AddShareRequest) -> None:
    request.committee[0].public_key = OperatorPrivateKey.generate().public_pem()


REFUSED: dict[str, tuple[Callable[[pb.AddShareRequest], object], str]] = {
    "short validator key": (lambda r: setattr(r, "validator_pubkey", b"\x01" * 47), "48 bytes"),
    "share of another key": (lambda r: setattr(r, "share_pubkey", r.validator_pubkey), "does not fit"),
    "nonsense ciphertext": (lambda r: setattr(r, "encrypted_share", b"\x01" * 256), "can't be used"),
    "ciphertext of another size": (lambda r: setattr(r, "encrypted_share", b"\x01" * 255), "can't be used"),
    "three operators": (lambda r: r.committee.pop(), "3 operators"),
    "an operator twice": (lambda r: r.committee[3].CopyFrom(r.committee[2]), "twice"),
    "operator 0": (lambda r: setattr(r.committee[3], "operator_id", 0), "out of range"),
    "huge operator id": (lambda r: setattr(r.committee[3], "operator_id", 2**63), "out of range"),
    "not in its committee": (lambda r: setattr(r, "operator_id", 5), "not in its committee"),
    "another's seat": (lambda r: setattr(r, "operator_id", 2), "another key"),
    "own seat with another key": (another_key, "another key"),
    "a key that is none": (lambda r: setattr(r.committee[2], "public_key", b"-----BEGIN"), "operator 3"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_is_wrong_in_itself_is_refused(signer: Signer, world: SigningWorld, name: str) -> None:
    change, problem = REFUSED[name]
    async with signer.running(), signer.client("cli") as stub:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await add(signer, changed(world.validator(1).add, change))
        assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        assert problem in (caught.value.details() or "")
        assert not (await stub.ListShares(pb.ListSharesRequest())).shares


async def test_a_share_that_was_copied_from_anothers_registration(signer: Signer, world: SigningWorld) -> None:
    victim, thief = world.validator(1), world.validator(2)
    copied = changed(victim.add, lambda r: setattr(r, "validator_pubkey", thief.pubkey))
    async with signer.running(), signer.client("cli") as stub:
        await add(signer, victim.add)
        for _ in ("while it is held", "and after"):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await add(signer, copied)
            assert caught.value.code() == grpc.StatusCode.FAILED_PRECONDITION
            await remove(signer, victim)
        await add(signer, victim.add)
        (held,) = (await stub.ListShares(pb.ListSharesRequest())).shares
    assert held.validator_pubkey == victim.pubkey


async def test_evidence_is_verified_with_the_keys_that_the_registry_gave_last(
    signer: Signer, world: SigningWorld
) -> None:
    validator = world.validator(1)
    left = changed(validator.add, lambda r: setattr(r.committee[1], "public_key", b""))
    async with signer.running():
        await signer.hold(validator)
        await add(signer, left)
        (refused,) = await signer.sign(world.post_consensus([validator], signer.slot))
        await add(signer, validator.add)
        (signed,) = await signer.sign(world.post_consensus([validator], signer.slot))
    assert refused.denied.reason == DenialReason.EVIDENCE_SIGNATURE
    assert signed.signed.message
    assert "keys of a committee's operators changed" in signer.lines.getvalue()


async def test_operators_whose_ids_hash_alike_make_no_known_committee(signer: Signer, world: SigningWorld) -> None:
    validator, other = world.validator(1), world.validator(2)
    alike = changed(other.add, lambda r: setattr(r.committee[3], "operator_id", 2**32 + r.committee[3].operator_id))
    async with signer.running():
        await add(signer, validator.add)
        with pytest.raises(grpc.aio.AioRpcError, match="other operators"):
            await add(signer, alike)


async def test_identity(signer: Signer, world: SigningWorld) -> None:
    async with signer.running(), signer.client("exporter") as stub:
        answer = await stub.Identity(pb.IdentityRequest())
    assert answer.public_key == world.own_key.public_pem()
    assert OWN in world.keys
