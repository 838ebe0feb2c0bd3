"""The API of a running signer, on both databases: signatures, the record behind them, whose keys sign."""

from __future__ import annotations

import asyncio
import shutil

import pytest
from services.signer.tests.databases import ON_SQLITE
from services.signer.tests.harness import SLOTS_PER_EPOCH, Signer
from services.signer.tests.remote.api import begin, import_record, serving, write_keystore
from services.signer.tests.remote.rule_table import root_of
from services.signer.tests.remote.world import (
    CLOCK,
    CLOCK_EPOCH,
    OTHER_ROOT,
    Json,
    attestation,
    block,
    deposit,
    every_type,
    fork_info,
    hexed,
    new_key,
)
from tests.support.signing_world import SigningWorld

from ssv_api.v1 import signer_pb2 as pb
from ssv_protocol.crypto import bls
from ssv_protocol.signing.records import AttestationRecord
from ssv_protocol.signing.watermarks import KeyRecord
from ssv_protocol.types.ids import BlsPublicKey, BlsSignature, Epoch, Root, Slot
from ssv_runtime import slashing_wire

pytestmark = pytest.mark.asyncio
NOW = int(CLOCK_EPOCH)


def is_signature(text: str, key: BlsPublicKey, root: Root) -> bool:
    return bls.verify(key, root, BlsSignature(bytes.fromhex(text.removeprefix("0x"))))


async def test_every_type_is_signed_and_the_signature_is_good(signer: Signer) -> None:
    secret = new_key()
    key = secret.public_key()
    async with serving(signer, [secret]) as api:
        await begin(api, signer, key)
        for plain in every_type(key):
            request = plain | {"signingRoot": "0x" + root_of(plain).hex()}
            answer = await api.sign(key, request)
            assert answer.status == 200, (plain["type"], answer.body)
            assert is_signature(answer.body["signature"], key, root_of(plain))
        denied = await api.sign(key, {"type": "DEPOSIT", "deposit": deposit(key)})
        assert (denied.status, denied.reason) == (412, "type_denied")


async def test_the_record_outlives_the_signer_and_forbids_what_is_slashable(signer: Signer) -> None:
    secret = new_key()
    key = secret.public_key()
    async with serving(signer, [secret]) as api:
        await begin(api, signer, key)
        first = await api.sign(key, attestation(NOW, NOW - 1))
        assert (await api.sign(key, block())).status == 200
    async with serving(signer) as api:
        await api.loaded()
        again = await api.sign(key, attestation(NOW, NOW - 1))
        assert (again.status, again.body) == (200, first.body)
        verdicts = [
            await api.sign(key, attestation(NOW, NOW - 1, OTHER_ROOT)),
            await api.sign(key, attestation(NOW, NOW - 2)),
            await api.sign(key, block(state=OTHER_ROOT)),
            await api.sign(key, block(CLOCK)),
        ]
    assert {verdict.status for verdict in verdicts} == {412}
    assert [verdict.reason for verdict in verdicts] == [
        "double_vote",
        "double_vote",
        "slot_below_record",
        "slot_below_record",
    ]
    assert signer.rows("attestations") == signer.rows("proposals") == 1


@ON_SQLITE
async def test_a_restored_database_leads_to_nothing_slashable(signer: Signer) -> None:
    """Whatever was signed since the copy was made is of this epoch, or of a slot that may be signed now, or earlier."""
    secret, data = new_key(), signer.folder / "data"
    key = secret.public_key()
    async with serving(signer, [secret]) as api:
        await api.loaded()
    copy = shutil.copytree(data, signer.folder / "copy")
    async with serving(signer) as api:
        await begin(api, signer, key)
        assert (await api.sign(key, attestation(NOW))).status == 200
        assert (await api.sign(key, block(CLOCK + 1))).status == 200
    shutil.rmtree(data)
    copy.rename(data)
    async with serving(signer) as api:
        await api.loaded()
        assert (await api.sign(key, attestation(NOW, head=OTHER_ROOT))).reason == "double_vote"
        assert (await api.sign(key, block(CLOCK + 1, OTHER_ROOT))).reason == "double_proposal"
        signer.slot = Slot(signer.slot + SLOTS_PER_EPOCH)
        assert (await api.sign(key, attestation(NOW + 1))).status == 200
        assert (await api.sign(key, block(CLOCK + SLOTS_PER_EPOCH))).status == 200


async def test_of_conflicting_requests_at_once_one_is_signed(signer: Signer) -> None:
    secret = new_key()
    key = secret.public_key()
    heads = ["0x" + bytes([number]).hex() * 32 for number in range(40)]
    async with serving(signer, [secret], max_batch=7) as api:
        await begin(api, signer, key)
        votes = await asyncio.gather(*(api.sign(key, attestation(head=head)) for head in heads))
        blocks = await asyncio.gather(*(api.sign(key, block(state=head)) for head in heads))
    for answers in (votes, blocks):
        assert sorted(answer.status for answer in answers) == [200] + [412] * (len(heads) - 1)


async def test_a_batch_has_a_verdict_for_each(signer: Signer) -> None:
    secrets = [new_key() for _ in range(3)]
    keys = [secret.public_key() for secret in secrets]
    stranger = new_key().public_key()
    async with serving(signer, secrets) as api:
        await begin(api, signer, *keys)
        items: list[Json] = [{"identifier": hexed(key), **attestation()} for key in keys]
        items += [
            {"identifier": hexed(keys[0]), **attestation(head=OTHER_ROOT)},
            {"identifier": hexed(stranger), **attestation()},
            {"identifier": hexed(keys[1])},
            {"type": "ATTESTATION"},
            {"identifier": "0x12", **attestation()},
        ]
        answer = await api.sign_many(items)
    assert answer.status == 200
    assert [item["status"] for item in answer.body] == [200, 200, 200, 412, 404, 400, 400, 400]
    for key, item in zip(keys, answer.body, strict=False):
        assert is_signature(item["signature"], key, root_of(attestation()))
    assert [item.get("reason") for item in answer.body[3:5]] == ["double_vote", "unknown_key"]
    assert [item["field"] for item in answer.body[5:]] == ["body.type", "[6].identifier", "identifier"]


async def test_a_key_without_a_record_waits_for_an_import(signer: Signer) -> None:
    secret = new_key()
    key = secret.public_key()
    async with serving(signer, [secret], remote_keys_start="import-required") as api:
        await begin(api, signer)
        for plain in every_type(key):
            slashable = plain["type"] in ("ATTESTATION", "BLOCK_V2")
            answer = await api.sign(key, plain)
            assert answer.status == (412 if slashable else 200)
            assert not slashable or answer.reason == "no_record"
        # it has attested and never proposed: whoever imports that says all that there is
        await import_record(signer, key, KeyRecord(AttestationRecord(Epoch(NOW - 3), Epoch(NOW - 2))))
        assert (await api.sign(key, attestation())).reason == "double_vote"  # raised by its first request with a record
        signer.slot = Slot(signer.slot + SLOTS_PER_EPOCH)
        assert (await api.sign(key, attestation(NOW + 1, NOW - 5))).reason == "surround"
        assert (await api.sign(key, attestation(NOW + 1, NOW))).status == 200
        assert (await api.sign(key, block(signer.slot))).status == 200


async def test_an_import_knows_plain_keys_from_unknown_ones(signer: Signer) -> None:
    secret, stranger = new_key(), new_key().public_key()
    root = signer.world.network.chain.genesis_validators_root
    record = KeyRecord(AttestationRecord(Epoch(NOW - 3), Epoch(NOW - 2)))
    records = [slashing_wire.encode(key, record) for key in (secret.public_key(), stranger)]
    async with serving(signer, [secret]) as api:
        await api.loaded()
        async with signer.client("cli") as stub:
            request = pb.ImportSlashingRequest(genesis_validators_root=root, records=records)
            done = await stub.ImportSlashing(request)
            assert (done.raised, done.unchanged, done.not_held) == (2, 0, 1)
            done = await stub.ImportSlashing(request)
            assert (done.raised, done.unchanged, done.not_held) == (0, 2, 1)


async def test_shares_and_their_validators_are_not_plain_keys(signer: Signer, remote_world: SigningWorld) -> None:
    validator, whole = remote_world.validator(1), new_key()
    async with serving(signer, [validator.share, whole]) as api:
        await begin(api, signer, validator.share_pubkey, whole.public_key())
        assert (await api.sign(validator.share_pubkey, attestation())).status == 200  # nobody knows yet
        await signer.hold(validator)
        signer.slot = CLOCK
        refused = [await api.sign(validator.share_pubkey, plain) for plain in every_type(validator.share_pubkey)]
        assert {(answer.status, answer.reason) for answer in refused} == {(412, "share_of_committee")}
        of_validator = await api.sign(validator.pubkey, attestation())
        assert (of_validator.status, of_validator.reason) == (412, "validator_of_committee")
        assert (await api.sign(whole.public_key(), attestation())).status == 200


async def test_a_share_that_was_let_go_stays_a_share(signer: Signer, remote_world: SigningWorld) -> None:
    validator = remote_world.validator(2)
    async with serving(signer, [validator.share]) as api:
        await api.loaded()
        await signer.hold(validator)
        async with signer.client("eth1-listener") as stub:
            await stub.RemoveShare(pb.RemoveShareRequest(validator_pubkey=validator.pubkey))
        answer = await api.sign(validator.share_pubkey, attestation())
        assert (answer.status, answer.reason) == (412, "share_of_committee")
        assert (await api.sign(validator.pubkey, attestation())).reason == "unknown_key"


@ON_SQLITE
async def test_what_the_caller_believes_is_compared(signer: Signer) -> None:
    secret = new_key()
    key = secret.public_key()
    async with serving(signer, [secret]) as api:
        await begin(api, signer, key)
        for name in ("signingRoot", "signing_root"):
            answer = await api.sign(key, attestation() | {name: OTHER_ROOT})
            assert (answer.status, answer.reason) == (412, "other_signing_root")
            assert OTHER_ROOT in answer.body["message"]
            assert root_of(attestation()).hex() in answer.body["message"]
        # nothing of it was recorded
        assert (await api.sign(key, attestation())).status == 200


@ON_SQLITE
async def test_the_clock_bounds_what_is_signed(signer: Signer) -> None:
    secret = new_key()
    key = secret.public_key()
    async with serving(signer, [secret]) as api:
        await begin(api, signer, key)
        assert (await api.sign(key, attestation(NOW + 1, NOW))).reason == "far_future"
        signer.slot = Slot(signer.slot + SLOTS_PER_EPOCH)
        assert (await api.sign(key, attestation(NOW + 1, NOW))).status == 200


@ON_SQLITE
async def test_settings_say_which_types_are_signed(signer: Signer) -> None:
    secret = new_key()
    key = secret.public_key()
    deposited = {"type": "DEPOSIT", "deposit": deposit(key)}
    async with serving(signer, [secret], remote_denied_types=("VOLUNTARY_EXIT",)) as api:
        await begin(api, signer, key)
        answers = {plain["type"]: await api.sign(key, plain) for plain in [*every_type(key), deposited]}
    assert [kind for kind, answer in answers.items() if answer.status != 200] == ["VOLUNTARY_EXIT"]
    assert is_signature(answers["DEPOSIT"].body["signature"], key, root_of(deposited))


@ON_SQLITE
async def test_keystores_come_and_go(signer: Signer) -> None:
    first, second = new_key(), new_key()
    folder = signer.folder / "keys"
    async with serving(signer, [first]) as api:
        await begin(api, signer, first.public_key(), second.public_key())
        keys = "/api/v1/eth2/publicKeys"
        assert (await api.call("GET", keys)).body == [hexed(first.public_key())]
        write_keystore(folder, "second", second)
        (folder / "key0.json").unlink()
        accepted = await api.call("POST", "/reload")
        assert (accepted.status, accepted.body["status"]) == (202, "accepted")
        assert (await api.loaded())["status"] == "completed"
        assert (await api.call("GET", keys)).body == [hexed(second.public_key())]
        assert (await api.sign(first.public_key(), attestation())).reason == "unknown_key"
        randao = {"type": "RANDAO_REVEAL", "fork_info": fork_info(), "randao_reveal": {"epoch": str(NOW)}}
        assert (await api.sign(second.public_key(), randao)).status == 200
    told = signer.lines.getvalue()
    assert first.to_bytes().hex() not in told
    assert second.to_bytes().hex() not in told
