"""A signer whose share keys are elsewhere: everything is signed there, and nothing is believed."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web
from services.signer.tests.databases import ON_SQLITE
from services.signer.tests.harness import SLOTS_PER_EPOCH, Signer
from services.signer.tests.remote.api import begin, serving
from services.signer.tests.share_store.requests import every_request
from services.signer.tests.share_store.stand_in import Fault, Hanging
from services.signer.tests.share_store.support import elsewhere, elsewhere_at, stand_in, told
from services.signer.tests.test_decided_duties import signed_roots
from tests.support.signing_world import SigningWorld, Validator

from ssv_api.v1 import signer_pb2 as pb
from ssv_protocol.crypto.bls import SecretKey
from ssv_protocol.signing.verdict import DenialReason
from ssv_protocol.types.ids import Root, Slot
from ssv_protocol.types.roles import QbftMessageType

pytestmark = pytest.mark.asyncio
EVERY = [
    *("RANDAO", "SELECTION_PROOF", "CONTRIBUTION_PROOFS", "VALIDATOR_REGISTRATION", "VOLUNTARY_EXIT"),
    *("COMMITTEE", "PROPOSER", "AGGREGATOR", "SYNC_COMMITTEE_CONTRIBUTION"),
]


async def test_everything_is_signed_by_a_store_that_computes_each_root_itself(
    signer: Signer, world: SigningWorld, validator: Validator
) -> None:
    async with stand_in(world, validator.share).running() as store, signer.running(**elsewhere(store)):
        await signer.hold(validator)
        wanted = every_request(world, validator, signer.slot)
        assert list(wanted) == EVERY
        for name, each in wanted.items():
            store.asked.clear()
            (answer,) = await signer.sign(each.draft)
            assert signed_roots(answer, [validator]) == each.roots, name
            assert {body["type"] for body in store.asked} == each.types
            assert all("fork_info" in body for body in store.asked if body["type"] != "VALIDATOR_REGISTRATION")


@ON_SQLITE
async def test_everything_is_signed_by_another_signer_of_ours(
    signer: Signer, world: SigningWorld, validator: Validator
) -> None:
    other = Signer(signer.folder / "other", world)
    async with serving(other, [validator.share]) as api:
        await begin(api, other, validator.share_pubkey)
        async with signer.running(**elsewhere_at(api.base)):
            await signer.hold(validator)
            assert signer.slot == other.slot
            for name, each in every_request(world, validator, signer.slot).items():
                (answer,) = await signer.sign(each.draft)
                assert signed_roots(answer, [validator]) == each.roots, name
    assert other.rows("attestations") == other.rows("proposals") == 1, "it keeps a record too"


async def test_what_is_on_record_is_signed_again_without_being_asked_for_by_content(
    signer: Signer, world: SigningWorld, validator: Validator
) -> None:
    """By a successor that asks for something else, and by the journal, in another process."""
    async with stand_in(world, validator.share).running() as store:
        async with signer.running(**elsewhere(store)):
            await signer.hold(validator)
            wanted = every_request(world, validator, signer.slot)
            first = await signer.sign(*(each.draft for each in wanted.values()))
        async with signer.running(**elsewhere(store)), signer.client() as stub:
            (again,) = await signer.sign(world.post_consensus([validator], signer.slot, world.vote(signer.slot, b"x")))
            request = pb.JournalRequest(committee_ids=[world.committee_id()], since_slot=signer.slot)
            journal = [entry.message async for entry in stub.Journal(request)]
    assert again.signed == first[list(wanted).index("COMMITTEE")].signed
    assert sorted(journal) == sorted(answer.signed.message for answer in first)


def says(status: int, text: str = "") -> Fault:
    async def fault(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, text=text)

    return fault


async def cut_short(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "200"})
    await response.prepare(request)
    await response.write(b'{"signature": "0x12')
    assert request.transport is not None
    request.transport.close()
    return response


async def redirects(request: web.Request) -> web.StreamResponse:
    raise web.HTTPTemporaryRedirect(str(request.url))


async def signs_something_else(_: web.Request) -> web.StreamResponse:
    return web.json_response({"signature": "0x" + SecretKey(7).sign(Root(b"\x07" * 32)).hex()})


FAULTS: dict[str, tuple[Fault, str]] = {
    "unknown key": (says(404), "404; it does not hold the key"),
    "slashing refused": (says(412, "no"), "412; its own slashing record or policy refuses; no"),
    "not allowed": (says(403), "403; the caller may not sign"),
    "broken": (says(500, "\x1b[31mtrace\n" + "x" * 100_000), "said 500"),
    "redirect": (redirects, "said 307"),
    "no signature": (says(200, '{"signature": "0x12"}'), "is no signature"),
    "another object": (says(200, "[]"), "is no signature"),
    "not text": (says(200, "\u0661" * 96), "is no signature"),
    "infinity": (says(200, "0xc0" + "00" * 95), "does not verify"),
    "no point": (says(200, "0x" + "11" * 96), "does not verify"),
    "of something else": (signs_something_else, "does not verify"),
    "cut short": (cut_short, "broke off"),
}


@ON_SQLITE
@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_of_the_store_fails_the_request_which_succeeds_later(
    signer: Signer, world: SigningWorld, validator: Validator, name: str
) -> None:
    fault, reason = FAULTS[name]
    async with stand_in(world, validator.share).running() as store, signer.running(**elsewhere(store)):
        await signer.hold(validator)
        draft = world.post_consensus([validator], signer.slot)
        store.fault = fault
        (failed,) = await signer.sign(draft)
        store.fault = None
        (signed,) = await signer.sign(draft)
    assert failed.WhichOneof("verdict") == "failed", failed
    assert reason in failed.failed.reason
    assert len(failed.failed.reason) < 300
    assert failed.failed.reason.isprintable()
    assert signed_roots(signed, [validator])


async def test_the_record_was_there_before_the_store_was_asked(
    signer: Signer, world: SigningWorld, validator: Validator
) -> None:
    async with stand_in(world, validator.share).running() as store, signer.running(**elsewhere(store)):
        await signer.hold(validator)
        store.fault = says(500)
        (failed,) = await signer.sign(world.post_consensus([validator], signer.slot))
        signer.database.run("DELETE FROM partial_signatures")
        store.fault = None
        (other,) = await signer.sign(world.post_consensus([validator], signer.slot, world.vote(signer.slot, b"other")))
        assert store.asked == []
    assert failed.HasField("failed")
    assert other.denied.reason == DenialReason.DOUBLE_VOTE


@ON_SQLITE
async def test_a_store_that_hangs_holds_up_nothing_else(
    signer: Signer, world: SigningWorld, validator: Validator
) -> None:
    hanging = Hanging()
    patient: dict[str, object] = {"remote_share_store_timeout_s": 3600.0, "remote_share_store_connections": 1}
    async with stand_in(world, validator.share).running() as store, signer.running(**elsewhere(store), **patient):
        await signer.hold(validator)
        store.fault = hanging
        waiting = asyncio.create_task(signer.sign(world.post_consensus([validator], signer.slot)))
        await hanging.reached.wait()
        (prepared,) = await signer.sign(world.qbft(QbftMessageType.PREPARE, signer.slot, b"v"))
        assert not waiting.done()
        hanging.let_go.set()
        (failed,) = await waiting
    assert prepared.signed.message
    assert "said 503" in failed.failed.reason


@ON_SQLITE
async def test_a_batch_of_a_store_that_hangs_fails_in_its_time(
    signer: Signer, world: SigningWorld, validator: Validator
) -> None:
    hanging = Hanging()
    short: dict[str, object] = {"remote_share_store_timeout_s": 0.2}
    async with stand_in(world, validator.share).running() as store, signer.running(**elsewhere(store), **short):
        await signer.hold(validator)
        store.fault = hanging
        (failed,) = await signer.sign(world.post_consensus([validator], signer.slot))
        hanging.let_go.set()
    assert "within 0.2 s" in failed.failed.reason


@ON_SQLITE
async def test_a_store_that_is_gone_and_comes_back(signer: Signer, world: SigningWorld, validator: Validator) -> None:
    store = stand_in(world, validator.share)
    async with store.running(), signer.running(**elsewhere(store)):
        await signer.hold(validator)
    port = int(store.url.rpartition(":")[2])
    async with signer.running(**elsewhere(store)):  # it starts without the store
        draft = world.post_consensus([validator], signer.slot)
        (failed,) = await signer.sign(draft)
        await told(signer, "can't be reached")
        async with store.running(port=port):
            (signed,) = await signer.sign(draft)
    assert "can't be reached" in failed.failed.reason
    assert signed_roots(signed, [validator])


async def test_a_share_whose_key_the_store_lost_is_left_out_and_named(
    signer: Signer, world: SigningWorld, validator: Validator
) -> None:
    lost = world.validator(2)
    async with stand_in(world, validator.share, lost.share).running() as store:
        async with signer.running(**elsewhere(store)):
            await signer.hold(validator, lost)
        del store.keys[lost.share_pubkey.hex()]
        async with signer.running(**elsewhere(store)):
            problem = await told(signer, "holds 1 of 2 share keys")
            (answer,) = await signer.sign(world.post_consensus([validator, lost], signer.slot))
    assert lost.share_pubkey.hex()[:12] in problem
    assert signed_roots(answer, [validator])
    (left_out,) = answer.signed.denied
    assert (left_out.validator_index, left_out.denied.reason) == (lost.index, DenialReason.NO_KEY)


@ON_SQLITE
async def test_many_shares_in_one_message(signer: Signer, world: SigningWorld) -> None:
    validators = [world.validator(index) for index in range(40)]
    store = stand_in(world, *(each.share for each in validators))
    async with store.running(), signer.running(**elsewhere(store), remote_share_store_connections=3):
        await signer.hold(*validators)
        (answer,) = await signer.sign(world.post_consensus(validators, signer.slot))
        # one wrong among many is found
        store.keys[validators[7].share_pubkey.hex()] = validators[8].share
        (failed,) = await signer.sign(world.post_consensus(validators, Slot(signer.slot + SLOTS_PER_EPOCH)))
    assert len(signed_roots(answer, validators)) == len(validators)
    assert f"by 0x{validators[7].share_pubkey.hex()} does not verify" in failed.failed.reason
