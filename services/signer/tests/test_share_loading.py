"""Many shares: those that are held sign while others are on their way, and each has an answer of its own."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import grpc
import pytest
from services.signer.tests.databases import ON_SQLITE
from services.signer.tests.harness import SLOTS_PER_EPOCH, Signer
from services.signer.tests.test_decided_duties import signed_roots
from tests.support.signing_world import SigningWorld

from ssv_api.v1 import signer_pb2 as pb
from ssv_protocol.types.ids import Slot
from ssv_signer import custody, vault
from ssv_signer.store.database import StoreError
from ssv_signer.store.sqlite import SqliteStore

pytestmark = pytest.mark.asyncio


async def test_a_share_that_is_held_signs_while_others_are_on_their_way(
    signer: Signer, world: SigningWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready, *late = [world.validator(index) for index in range(3)]
    let_go, check = threading.Event(), custody.check_share

    def held_up(*given: Any, **named: Any) -> custody.NewShare:
        if named["share_pubkey"] != ready.share_pubkey:
            let_go.wait()
        return check(*given, **named)

    monkeypatch.setattr(custody, "check_share", held_up)
    async with signer.running(), signer.client("eth1-listener") as stub:
        coming = [asyncio.ensure_future(stub.AddShare(each.add)) for each in late]
        try:
            await signer.hold(ready)
            (answer,) = await signer.sign(world.post_consensus([ready, *late], signer.slot))
            assert not any(each.done() for each in coming)
        finally:
            let_go.set()
        added = await asyncio.gather(*coming)
        signer.slot = Slot(signer.slot + SLOTS_PER_EPOCH)
        (later,) = await signer.sign(world.post_consensus([ready, *late], signer.slot))
    assert signed_roots(answer, [ready])
    assert {each.validator_index for each in answer.signed.denied} == {each.index for each in late}
    assert all(each.added for each in added)
    assert len(signed_roots(later, [ready, *late])) == 3


async def test_of_shares_that_come_at_once_each_has_its_own_answer(signer: Signer, world: SigningWorld) -> None:
    good = [world.validator(index) for index in range(40)]
    thief = pb.AddShareRequest()
    thief.CopyFrom(good[0].add)
    thief.validator_pubkey = good[1].pubkey
    async with signer.running(), signer.client("eth1-listener") as stub:
        await stub.AddShare(good[0].add)
        requests = [*(each.add for each in good[2:20]), thief, good[0].add, *(each.add for each in good[20:])]
        answers = await asyncio.gather(*(stub.AddShare(request) for request in requests), return_exceptions=True)
        held = (await stub.ListShares(pb.ListSharesRequest())).shares
        await signer.hold()
        (answer,) = await signer.sign(world.post_consensus([good[0], *good[2:]], signer.slot))
    refused, again = answers[18], answers[19]
    assert isinstance(refused, grpc.aio.AioRpcError)
    assert refused.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert [each.added for each in answers if isinstance(each, pb.AddShareResponse)].count(True) == 38
    assert isinstance(again, pb.AddShareResponse)
    assert not again.added
    assert {each.validator_pubkey for each in held} == {each.pubkey for each in good if each is not good[1]}
    assert len(signed_roots(answer, good)) == 39
    assert signer.rows("attestations") == 39, "what was refused left nothing"


@ON_SQLITE
async def test_when_a_commit_fails_none_of_its_shares_is_held(
    signer: Signer, world: SigningWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_space(store: SqliteStore) -> None:
        raise StoreError("no space")

    requests = [world.validator(index).add for index in range(3)]
    async with signer.running(), signer.client("eth1-listener") as stub:
        with monkeypatch.context() as patched:
            patched.setattr(SqliteStore, "commit", no_space)
            failed = await asyncio.gather(*(stub.AddShare(each) for each in requests), return_exceptions=True)
        held = (await stub.ListShares(pb.ListSharesRequest())).shares
        added = await asyncio.gather(*(stub.AddShare(each) for each in requests))
    assert [each.code() for each in failed if isinstance(each, grpc.aio.AioRpcError)] == (
        [grpc.StatusCode.UNAVAILABLE] * 3
    )
    assert not held
    assert all(each.added for each in added)


async def test_a_start_with_many_shares_tells_how_far_it_is(
    signer: Signer, world: SigningWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vault, "PROGRESS_SHARES", 2)
    validators = [world.validator(index) for index in range(5)]
    async with signer.running():
        await signer.hold(*validators)
    assert "opening shares" not in signer.lines.getvalue()
    async with signer.running():
        told = [json.loads(line) for line in signer.lines.getvalue().splitlines() if "opening shares" in line]
        (answer,) = await signer.sign(world.post_consensus(validators, signer.slot))
    assert [(line["opened"], line["shares"]) for line in told] == [(2, 5), (4, 5)]
    assert len(signed_roots(answer, validators)) == 5
