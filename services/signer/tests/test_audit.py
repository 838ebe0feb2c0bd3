"""Each refusal is one line that says who asked and why, and no line holds a secret."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import grpc
import pytest
from services.signer.tests.harness import SLOTS_PER_EPOCH, Signer
from tests.support.signing_world import SigningWorld, Validator

from ssv_api.v1 import signer_pb2 as pb
from ssv_protocol.signing.verdict import EXPLANATIONS, DenialReason
from ssv_protocol.types.ids import Slot
from ssv_protocol.types.roles import QbftMessageType

pytestmark = pytest.mark.asyncio
Line = dict[str, object]
Ask = Callable[[Signer, Validator], Awaitable[object]]
CONSENSUS, LISTENER, CLI = "consensus", "eth1-listener", "cli"


@pytest.fixture
def signer(tmp_path: Path, world: SigningWorld) -> Signer:
    """On SQLite: what is said has nothing to do with the database."""
    return Signer(tmp_path, world)


async def malformed(signer: Signer, _: Validator) -> None:
    async with signer.client() as stub:
        async for answer in stub.Sign(iter([pb.SignRequest(request_id=1)])):
            assert answer.denied.reason == DenialReason.MALFORMED


async def malformed_lease(signer: Signer, _: Validator) -> None:
    request = signer.leases.request(1, signer.world.qbft(QbftMessageType.PREPARE, signer.slot, b"v"))
    request.lease.lineage = b"short"
    async with signer.client() as stub:
        async for answer in stub.Sign(iter([request])):
            assert answer.denied.reason == DenialReason.MALFORMED


async def stale_fence(signer: Signer, _: Validator) -> None:
    await take_over(signer)
    draft = signer.world.qbft(QbftMessageType.PREPARE, signer.slot, b"v")
    (answer,) = await signer.sign(draft)
    assert answer.denied.reason == DenialReason.STALE_FENCE


async def take_over(signer: Signer) -> None:
    async with signer.client() as stub:
        wanted = pb.CommitteeClaim(committee_id=signer.world.committee_id())
        await stub.Claim(pb.ClaimRequest(holder="another", committees=[wanted]))


async def second_root(signer: Signer, _: Validator) -> None:
    prepare = signer.world.qbft(QbftMessageType.PREPARE, signer.slot, b"v")
    commit = signer.world.qbft(QbftMessageType.COMMIT, signer.slot, b"w")
    answers = await signer.sign(prepare, commit)
    assert answers[1].denied.reason == DenialReason.SECOND_ROOT


async def double_vote(signer: Signer, validator: Validator) -> None:
    world = signer.world
    assert (await signer.sign(world.post_consensus([validator], signer.slot)))[0].HasField("signed")
    slot = Slot(signer.slot + 1)
    (answer,) = await signer.sign(world.post_consensus([validator], slot, world.vote(slot, b"other")))
    assert answer.denied.duties[0].denied.reason == DenialReason.DOUBLE_VOTE


async def far_future(signer: Signer, _: Validator) -> None:
    slot = Slot(signer.slot + 3 * SLOTS_PER_EPOCH)
    (answer,) = await signer.sign(signer.world.qbft(QbftMessageType.PREPARE, slot, b"v"))
    assert answer.denied.reason == DenialReason.FAR_FUTURE


async def no_quorum(signer: Signer, validator: Validator) -> None:
    (answer,) = await signer.sign(signer.world.post_consensus([validator], signer.slot, signers=2))
    assert answer.denied.reason == DenialReason.EVIDENCE_NO_QUORUM


async def foreign_share(signer: Signer, _: Validator) -> None:
    request = signer.world.validator(2).add
    request.share_pubkey = bytes(48)
    async with signer.client(LISTENER) as stub:
        await stub.AddShare(request)


async def held_share(signer: Signer, validator: Validator) -> None:
    request = signer.world.validator(2).add
    request.validator_pubkey = validator.pubkey
    async with signer.client(LISTENER) as stub:
        await stub.AddShare(request)


async def no_permission(signer: Signer, validator: Validator) -> None:
    async with signer.client(CLI) as stub:
        await stub.AddShare(validator.add)


async def no_holder(signer: Signer, _: Validator) -> None:
    async with signer.client() as stub:
        await stub.Claim(pb.ClaimRequest())


async def lost_lease(signer: Signer, _: Validator) -> None:
    committee_id = signer.world.committee_id()
    committee = pb.HeldCommittee(committee_id=committee_id, lease=signer.leases.held[committee_id])
    await take_over(signer)
    async with signer.client() as stub:
        (outcome,) = (await stub.Renew(pb.RenewRequest(committees=[committee]))).committees
    assert outcome.HasField("denied"), outcome


async def unknown_committee(signer: Signer, _: Validator) -> None:
    async with signer.client() as stub:
        wanted = pb.CommitteeClaim(committee_id=bytes(32))
        (outcome,) = (await stub.Claim(pb.ClaimRequest(holder="worker", committees=[wanted]))).committees
    assert outcome.HasField("denied"), outcome


async def other_network(signer: Signer, _: Validator) -> None:
    async with signer.client(CLI) as stub:
        await stub.ImportSlashing(pb.ImportSlashingRequest(genesis_validators_root=bytes(32)))


async def malformed_records(signer: Signer, _: Validator) -> None:
    root = signer.world.network.chain.genesis_validators_root
    records = [pb.SlashingRecord(public_key=b"short")]
    async with signer.client(CLI) as stub:
        await stub.ImportSlashing(pb.ImportSlashingRequest(genesis_validators_root=root, records=records))


REFUSALS: list[tuple[Ask, str, str | None]] = [
    (malformed, CONSENSUS, "malformed"),
    (malformed_lease, CONSENSUS, "malformed"),
    (stale_fence, CONSENSUS, "stale_fence"),
    (second_root, CONSENSUS, "second_root"),
    (far_future, CONSENSUS, "far_future"),
    (no_quorum, CONSENSUS, "evidence_no_quorum"),
    (foreign_share, LISTENER, "share_refused"),
    (held_share, LISTENER, "share_conflict"),
    (no_permission, CLI, None),
    (no_holder, CONSENSUS, "malformed"),
    (lost_lease, CONSENSUS, "stale_fence"),
    (unknown_committee, CONSENSUS, "unknown_committee"),
    (other_network, CLI, "other_network"),
    (malformed_records, CLI, "import_refused"),
]


def warnings(signer: Signer) -> list[Line]:
    lines: list[Line] = [json.loads(line) for line in signer.lines.getvalue().splitlines()]
    return [line for line in lines if line["level"] in ("warning", "error", "critical")]


@pytest.mark.parametrize(("ask", "caller", "reason"), REFUSALS, ids=[ask.__name__ for ask, _, _ in REFUSALS])
async def test_a_refusal_is_one_line(signer: Signer, world: SigningWorld, ask: Ask, caller: str, reason: str) -> None:
    validator = world.validator(1)
    async with signer.running():
        await signer.hold(validator)
        assert warnings(signer) == []
        with suppress(grpc.aio.AioRpcError):
            await ask(signer, validator)
        (line,) = warnings(signer)
    assert line["caller"] == caller
    assert line.get("reason") == reason
    assert line.get("problem") or line["meaning"] == EXPLANATIONS[DenialReason(reason)]
    for secret in (validator.share.to_bytes().hex(), "PRIVATE KEY"):
        assert secret not in signer.lines.getvalue()


async def test_each_validator_that_is_left_out_is_a_line_of_its_own(signer: Signer, world: SigningWorld) -> None:
    validators = [world.validator(index) for index in (1, 2)]
    async with signer.running():
        await signer.hold(*validators)
        await double_vote(signer, validators[0])
        lines = warnings(signer)
    assert [line["event"] for line in lines] == ["refused to sign", "refused to sign for a validator"]
    assert {line["reason"] for line in lines} == {DenialReason.DOUBLE_VOTE}
    assert lines[1]["validator_index"] == 1
