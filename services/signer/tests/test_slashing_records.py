"""Slashing records out of and into a running signer, on both databases: what is imported forbids, at once."""

from __future__ import annotations

from collections.abc import Sequence

import grpc
import pytest
from services.signer.tests.harness import SLOTS_PER_EPOCH, START, Signer
from tests.support.signing_world import SigningWorld, Validator

from ssv_api.v1 import signer_pb2 as pb
from ssv_protocol.signing.records import AttestationRecord, ProposalRecord
from ssv_protocol.signing.verdict import DenialReason
from ssv_protocol.signing.watermarks import KeyRecord
from ssv_protocol.types.ids import BlsPublicKey, Epoch, Root, Slot
from ssv_runtime import slashing_wire

pytestmark = pytest.mark.asyncio
NOW = Epoch(START // SLOTS_PER_EPOCH)
A, B = Root(b"\x0a" * 32), Root(b"\x0b" * 32)
KEY, OTHER_KEY = BlsPublicKey(b"\xa0" * 48), BlsPublicKey(b"\xa1" * 48)
Records = dict[BlsPublicKey, KeyRecord]


def voted(source: int, target: int, root: Root | None = None) -> AttestationRecord:
    return AttestationRecord(Epoch(source), Epoch(target), root)


async def exported(signer: Signer) -> Records:
    async with signer.client("cli") as stub:
        answer = await stub.ExportSlashing(pb.ExportSlashingRequest())
    assert answer.genesis_validators_root == signer.world.network.chain.genesis_validators_root
    return dict(slashing_wire.decode(message) for message in answer.records)


async def imported(signer: Signer, records: Records, /, **more: object) -> tuple[int, int, int]:
    """Return how many were raised, unchanged, and not held."""
    request = pb.ImportSlashingRequest(
        genesis_validators_root=signer.world.network.chain.genesis_validators_root,
        records=[slashing_wire.encode(key, record) for key, record in records.items()],
    )
    request.MergeFrom(pb.ImportSlashingRequest(**more))  # type: ignore[arg-type]
    async with signer.client("cli") as stub:
        answer = await stub.ImportSlashing(request)
    return answer.raised, answer.unchanged, answer.not_held


async def verdicts(signer: Signer, validators: Sequence[Validator]) -> list[str]:
    """Ask for an attestation of each in the signer's slot; return "signed" or the reason, in the validators' order."""
    (answer,) = await signer.sign(signer.world.post_consensus(validators, signer.slot))
    refused = answer.signed.denied or answer.denied.duties
    reasons = {item.validator_index: item.denied.reason for item in refused}
    return [reasons.get(validator.index, "signed") for validator in validators]


async def test_what_was_signed_is_exported(signer: Signer, world: SigningWorld) -> None:
    validator, silent = world.validator(1), world.validator(2)
    async with signer.running():
        await signer.hold(validator, silent)
        assert await verdicts(signer, [validator]) == ["signed"]
        records = await exported(signer)
    target = signer.slot // SLOTS_PER_EPOCH
    vote = records[validator.share_pubkey].attestation
    assert vote is not None
    assert (vote.source, vote.target) == (target - 1, target)
    assert vote.signing_root is not None
    # raised to the epoch in which it was added, where nothing is known to have been signed
    assert records[silent.share_pubkey] == KeyRecord(voted(NOW - 1, NOW), ProposalRecord(START))
    assert records.keys() == {validator.share_pubkey, silent.share_pubkey}


async def test_what_is_imported_forbids_at_once(signer: Signer, world: SigningWorld) -> None:
    below, double, surround, free = validators = [world.validator(index) for index in range(1, 5)]
    async with signer.running():
        await signer.hold(*validators)
        target = signer.slot // SLOTS_PER_EPOCH
        marks = {
            below.share_pubkey: KeyRecord(voted(target - 1, target + 1)),
            double.share_pubkey: KeyRecord(voted(target - 1, target, A)),
            surround.share_pubkey: KeyRecord(voted(target, target - 1)),
            free.share_pubkey: KeyRecord(voted(target - 2, target - 1)),
        }
        assert await imported(signer, marks) == (3, 1, 0)
        assert await verdicts(signer, validators) == [
            DenialReason.TARGET_BELOW_RECORD,
            DenialReason.DOUBLE_VOTE,
            DenialReason.SURROUND,
            "signed",
        ]
        signer.slot = Slot(signer.slot + 2 * SLOTS_PER_EPOCH)
        assert await verdicts(signer, validators) == ["signed"] * 4


async def test_an_own_export_changes_nothing(signer: Signer, world: SigningWorld) -> None:
    validator = world.validator(1)
    async with signer.running():
        await signer.hold(validator)
        assert await verdicts(signer, [validator]) == ["signed"]
        before = await exported(signer)
        assert await imported(signer, before) == (0, 1, 0)
        assert await exported(signer) == before
        assert await verdicts(signer, [validator]) == ["signed"]  # the very same, again


async def test_no_record_falls(signer: Signer) -> None:
    high = KeyRecord(voted(NOW - 1, NOW, A), ProposalRecord(START, A))
    async with signer.running():
        assert await imported(signer, {KEY: high}) == (1, 0, 1)
        for low in (KeyRecord(voted(0, 1, B)), KeyRecord(None, ProposalRecord(Slot(1), B)), KeyRecord()):
            assert await imported(signer, {KEY: low}) == (0, 1, 1)
        assert await exported(signer) == {KEY: high}
        # each mark rises by itself
        assert await imported(signer, {KEY: KeyRecord(voted(NOW, 1))}) == (1, 0, 1)
        assert await exported(signer) == {KEY: KeyRecord(voted(NOW, NOW, A), high.proposal)}


@pytest.mark.parametrize("root", [B, None])
async def test_another_object_at_the_mark_moves_it_by_one(signer: Signer, root: Root | None) -> None:
    async with signer.running():
        await imported(signer, {KEY: KeyRecord(voted(3, 7, A), ProposalRecord(Slot(70), A))})
        other = {KEY: KeyRecord(voted(3, 7, root), ProposalRecord(Slot(70), root))}
        assert await imported(signer, other) == (1, 0, 1)
        raised = {KEY: KeyRecord(voted(3, 8), ProposalRecord(Slot(71)))}
        assert await exported(signer) == raised
        assert await imported(signer, other) == (0, 1, 1)
        assert await exported(signer) == raised


async def test_several_records_of_one_key_add_up(signer: Signer) -> None:
    one, other = KeyRecord(voted(3, 7, A)), KeyRecord(voted(2, 8, B), ProposalRecord(Slot(70)))
    async with signer.running():
        request = [slashing_wire.encode(KEY, other)]
        assert await imported(signer, {KEY: one}, records=request) == (1, 0, 1)
        assert await exported(signer) == {KEY: KeyRecord(voted(3, 8, B), ProposalRecord(Slot(70)))}


async def test_a_record_waits_for_its_share(signer: Signer, world: SigningWorld) -> None:
    validator = world.validator(1)
    async with signer.running():
        mark = KeyRecord(voted(NOW, NOW + 1))
        assert await imported(signer, {validator.share_pubkey: mark}) == (1, 0, 1)
        await signer.hold(validator)
        assert (await exported(signer))[validator.share_pubkey].attestation == mark.attestation
        assert await verdicts(signer, [validator]) == [DenialReason.DOUBLE_VOTE]
        assert await imported(signer, {validator.share_pubkey: mark}) == (0, 1, 0)


async def test_marks_survive_a_restart(signer: Signer) -> None:
    mark = {
        KEY: KeyRecord(voted(3, 7, A), ProposalRecord(Slot(70))),
        OTHER_KEY: KeyRecord(None, ProposalRecord(Slot(0))),
    }
    async with signer.running():
        await imported(signer, mark)
    async with signer.running():
        assert await exported(signer) == mark


async def refusal(signer: Signer, records: Records, /, **more: object) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await imported(signer, records, **more)
    return caught.value.code(), caught.value.details() or ""


FUTURE = [
    (KeyRecord(voted(0, NOW + 2)), f"target epoch {NOW + 2} of key 0x{KEY.hex()} lies in the future"),
    (KeyRecord(voted(NOW + 2, 0)), f"source epoch {NOW + 2} of key"),
    (
        KeyRecord(None, ProposalRecord(Slot(START + SLOTS_PER_EPOCH + 1))),
        f"block slot {START + SLOTS_PER_EPOCH + 1} of",
    ),
]


@pytest.mark.parametrize(("record", "problem"), FUTURE)
async def test_a_mark_in_the_future_is_refused_unless_it_is_wanted(
    signer: Signer, record: KeyRecord, problem: str
) -> None:
    async with signer.running():
        code, detail = await refusal(signer, {OTHER_KEY: KeyRecord(voted(1, 2)), KEY: record})
        assert code == grpc.StatusCode.INVALID_ARGUMENT
        assert problem in detail
        assert "Nothing was imported" in detail
        assert await exported(signer) == {}
        assert await imported(signer, {KEY: record}, accept_future=True) == (1, 0, 1)
        assert await exported(signer) == {KEY: record}


async def test_what_the_database_can_not_hold_is_refused(signer: Signer) -> None:
    async with signer.running():
        for record in (KeyRecord(voted(0, 2**63)), KeyRecord(None, ProposalRecord(Slot(2**64 - 1)))):
            code, _ = await refusal(signer, {KEY: record}, accept_future=True)
            assert code == grpc.StatusCode.INVALID_ARGUMENT
        assert await exported(signer) == {}


async def test_another_network_is_refused_with_both_roots(signer: Signer, world: SigningWorld) -> None:
    async with signer.running():
        code, detail = await refusal(signer, {KEY: KeyRecord(voted(1, 2))}, genesis_validators_root=A)
        assert code == grpc.StatusCode.FAILED_PRECONDITION
        assert f"0x{A.hex()}" in detail
        assert f"0x{world.network.chain.genesis_validators_root.hex()}" in detail
        assert await exported(signer) == {}


async def test_a_malformed_record_spoils_the_import(signer: Signer) -> None:
    async with signer.running():
        malformed = [pb.SlashingRecord(public_key=b"short")]
        code, detail = await refusal(signer, {KEY: KeyRecord(voted(1, 2))}, records=malformed)
        assert (code, detail) == (
            grpc.StatusCode.INVALID_ARGUMENT,
            "import_refused: a public key has 5 bytes and not 48",
        )
        assert await exported(signer) == {}


async def test_the_log_says_who_took_and_gave_records(signer: Signer) -> None:
    async with signer.running():
        await imported(signer, {KEY: KeyRecord(voted(1, 2))})
        await exported(signer)
    log = signer.lines.getvalue()
    assert "took slashing records" in log
    assert "gave out the slashing records" in log
    assert '"caller": "cli"' in log or '"caller":"cli"' in log
