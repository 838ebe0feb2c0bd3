"""Two signers on one PostgreSQL judge for one key at once: the second sees what the first wrote, whichever way it came.

Each pair contradicts itself by a record of its own (a watermark, a round, a message), and by no other where the rules
allow to tell them apart. A committee's requests come over gRPC and a plain key's over HTTP; a key can't be both, also
when it is becoming the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from services.signer.tests.databases import ON_POSTGRES
from services.signer.tests.harness import PATIENCE_S, Signer
from services.signer.tests.remote.world import CLOCK, NETWORK, OTHER_ROOT, Json, attestation, block, new_key
from services.signer.tests.replicas import Replica, interleave, two_replicas
from services.signer.tests.test_decided_duties import SECOND, block_request
from services.signer.tests.test_pre_consensus import draft, registration
from tests.support.signer_leases import Draft
from tests.support.signing_world import OWN, SigningWorld, Validator

from ssv_api.v1 import signer_pb2 as pb
from ssv_protocol.crypto.bls import SecretKey
from ssv_protocol.crypto.shares import encrypt_share
from ssv_protocol.signing.verdict import DenialReason
from ssv_protocol.types.ids import OperatorId, Slot
from ssv_protocol.types.roles import PartialSignatureType, QbftMessageType
from ssv_runtime.logs import make_logger
from ssv_signer import custody
from ssv_signer.leasing import Wanted
from ssv_signer.remote.errors import Refused, RemoteReason
from ssv_signer.remote.judge import Approved, Policy
from ssv_signer.remote.recorder import RemoteJudgement, RemoteRecorder
from ssv_signer.remote.request import read_request
from ssv_signer.work import BatchWork, EnvelopeWork, Judgement, Refusal

pytestmark = [pytest.mark.asyncio, ON_POSTGRES]
Make = Callable[[SigningWorld, Validator, Slot], tuple[Draft, Draft]]
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


@pytest.fixture(scope="module")
def validator(world: SigningWorld) -> Validator:
    return world.validator(1)


@asynccontextmanager
async def held(signer: Signer, *validators: Validator) -> AsyncIterator[tuple[Replica, Replica]]:
    async with signer.running():
        await signer.hold(*validators)
    async with two_replicas(signer) as both:
        yield both


# over gRPC


def two_votes(world: SigningWorld, validator: Validator, slot: Slot) -> tuple[Draft, Draft]:
    # of two slots of an epoch: two messages, of which the watermark of the share admits one
    first = world.network.chain.first_slot(world.network.chain.epoch_of(slot))
    return tuple(  # type: ignore[return-value]
        world.post_consensus([validator], Slot(first + n), world.vote(Slot(first + n), b"%d" % n)) for n in range(2)
    )


def two_blocks(world: SigningWorld, validator: Validator, slot: Slot) -> tuple[Draft, Draft]:
    return block_request(world, validator, Slot(slot + 1)), block_request(world, validator, slot, SECOND)


def two_roots(world: SigningWorld, _: Validator, slot: Slot) -> tuple[Draft, Draft]:
    prepare, commit = QbftMessageType.PREPARE, QbftMessageType.COMMIT
    return world.qbft(prepare, slot, b"one value"), world.qbft(commit, slot, b"another")


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (two_votes, DenialReason.DOUBLE_VOTE),
        (two_blocks, DenialReason.SLOT_BELOW_RECORD),
        (two_roots, DenialReason.SECOND_ROOT),
    ],
)
async def test_of_two_requests_at_once_the_second_is_refused(
    signer: Signer, world: SigningWorld, validator: Validator, make: Make, reason: DenialReason
) -> None:
    async with held(signer, validator) as (one, other):
        first, second = make(world, validator, signer.slot)
        done = await interleave(one, one.judge(first), other.judge(second))
    assert isinstance(done.first, BatchWork | EnvelopeWork)
    assert done.waited
    assert isinstance(done.second, Refusal)
    assert done.second.denied.reason is reason


def two_messages(world: SigningWorld, validator: Validator, slot: Slot) -> tuple[Draft, Draft]:
    made = (registration(world, validator, slot, bytes([number]) * 20) for number in (1, 2))
    kind = PartialSignatureType.VALIDATOR_REGISTRATION
    return tuple(draft(world, validator, kind, slot, each) for each in made)  # type: ignore[return-value]


def two_blocks_of_a_slot(world: SigningWorld, validator: Validator, slot: Slot) -> tuple[Draft, Draft]:
    return block_request(world, validator, slot), block_request(world, validator, slot, SECOND)


@pytest.mark.parametrize("make", [two_messages, two_blocks_of_a_slot])
async def test_of_two_messages_of_a_duty_at_once_both_are_given_the_first(
    signer: Signer, world: SigningWorld, validator: Validator, make: Make
) -> None:
    async with held(signer, validator) as (one, other):
        first, second = make(world, validator, signer.slot)
        done = await interleave(one, one.judge(first), other.judge(second))
    assert isinstance(done.first, BatchWork)
    assert isinstance(done.second, BatchWork)
    assert done.waited
    assert done.second.record == done.first.record


async def test_batches_and_claims_of_many_committees_in_any_order_end_in_no_deadlock(signer: Signer) -> None:
    world = SigningWorld(signer.world.network, range(1, 8))
    signer.world, signer.leases = world, signer.database.leases
    (signer.folder / "operator.pem").write_bytes(world.own_key.to_pem())
    others = [OperatorId(number) for number in range(2, 8)]
    committees = [(OWN, one, two, three) for one, two, three in zip(others, others[1:], others[2:], strict=False)]
    every = [world.validator(number, committee) for number, committee in enumerate(committees)]
    async with held(signer, *every) as (one, other):
        before = signer.database.run(DEADLOCKS)
        orders = (every, every[::-1])

        async def judge(replica: Replica, number: int) -> list[Judgement]:
            slot = Slot(signer.slot - number)
            steps: list[Draft] = []
            for each in orders[number % 2]:
                steps.append(world.qbft(QbftMessageType.PREPARE, slot, b"value", 1, each.operators))
                steps.append(draft(world, each, PartialSignatureType.CONTRIBUTION_PROOFS, slot))
            return await replica.vault.record([replica.asked(step) for step in steps])

        async def claim(replica: Replica, number: int) -> None:
            ids = [world.committee_id(each.operators) for each in orders[number % 2]]
            await replica.vault.claim("worker", [Wanted(each) for each in ids])

        async with asyncio.timeout(PATIENCE_S):
            judged = await asyncio.gather(
                *(judge(replica, 2 * n + side) for n in range(10) for side, replica in enumerate((one, other)))
            )
            await asyncio.gather(*(judge(one, n) for n in range(10)), *(claim(other, n) for n in range(10)))
        assert signer.database.run(DEADLOCKS) == before
    assert len(judged) == 20
    assert all(isinstance(each, BatchWork | EnvelopeWork) for batch in judged for each in batch)


# over HTTP


@pytest.fixture(scope="module")
def plain_world() -> SigningWorld:
    return SigningWorld(NETWORK)


@pytest.fixture
def key() -> SecretKey:
    return new_key()


@asynccontextmanager
async def plain(
    signer: Signer, world: SigningWorld, key: SecretKey
) -> AsyncIterator[tuple[tuple[Replica, Replica], tuple[RemoteRecorder, RemoteRecorder]]]:
    """Two signers with a plain key, whose record both raised an epoch ago."""
    signer.world = world
    (signer.folder / "operator.pem").write_bytes(world.own_key.to_pem())
    log, policy = make_logger("signer", "error"), Policy(NETWORK.chain, frozenset(), "empty")
    async with two_replicas(signer) as (one, other):
        of_one, of_other = (
            RemoteRecorder(each.vault, policy, lambda: {key.public_key()}, log) for each in (one, other)
        )
        for recorder in (of_one, of_other):
            await ask(recorder, key, block(int(signer.slot), "0x" + "dd" * 32))
        signer.slot = CLOCK
        yield (one, other), (of_one, of_other)


async def ask(recorder: RemoteRecorder, key: SecretKey, made: Json) -> RemoteJudgement:
    (judgement,) = await recorder.record([read_request(key.public_key(), made)])
    return judgement


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        (attestation(), attestation(head=OTHER_ROOT), DenialReason.DOUBLE_VOTE),
        (block(), block(state=OTHER_ROOT), DenialReason.DOUBLE_PROPOSAL),
    ],
)
async def test_of_two_objects_of_a_plain_key_at_once_the_second_is_refused(
    signer: Signer, plain_world: SigningWorld, key: SecretKey, first: Json, second: Json, reason: DenialReason
) -> None:
    async with plain(signer, plain_world, key) as ((one, _), (of_one, of_other)):
        done = await interleave(one, ask(of_one, key, first), ask(of_other, key, second))
    assert isinstance(done.first, Approved)
    assert done.waited
    assert isinstance(done.second, Refused)
    assert done.second.reason is reason


def become_share(world: SigningWorld, key: SecretKey) -> pb.AddShareRequest:
    """The plain key is to be our share of another validator."""
    made = world.validator(1).add
    encrypted = encrypt_share(world.own_key.public_pem(), key)
    return _changed(made, share_pubkey=key.public_key(), encrypted_share=encrypted)


def become_validator(world: SigningWorld, key: SecretKey) -> pb.AddShareRequest:
    """A share of the plain key's validator is to be held."""
    return _changed(world.validator(1).add, validator_pubkey=key.public_key())


def _changed(made: pb.AddShareRequest, **changes: bytes) -> pb.AddShareRequest:
    copy = pb.AddShareRequest()
    copy.CopyFrom(made)
    for name, value in changes.items():
        setattr(copy, name, value)
    return copy


async def add(replica: Replica, made: pb.AddShareRequest) -> object:
    share = custody.check_share(
        replica.signer.world.own_key,
        NETWORK.ssv.alan_domain,
        validator_pubkey=made.validator_pubkey,
        share_pubkey=made.share_pubkey,
        encrypted_share=made.encrypted_share,
        operator_id=made.operator_id,
        operators=[(each.operator_id, each.public_key) for each in made.committee],
    )
    return await replica.vault.add_share(share)


BECOMES = pytest.mark.parametrize(
    ("become", "reason"),
    [(become_share, RemoteReason.SHARE_OF_COMMITTEE), (become_validator, RemoteReason.VALIDATOR_OF_COMMITTEE)],
)
Become = Callable[[SigningWorld, SecretKey], pb.AddShareRequest]


@BECOMES
async def test_a_plain_key_that_becomes_a_committees_signs_over_http_no_more(
    signer: Signer, plain_world: SigningWorld, key: SecretKey, become: Become, reason: RemoteReason
) -> None:
    async with plain(signer, plain_world, key) as ((_, other), (of_one, _)):
        done = await interleave(other, add(other, become(plain_world, key)), ask(of_one, key, attestation()))
    assert done.waited
    assert isinstance(done.second, Refused)
    assert done.second.reason is reason


@BECOMES
async def test_a_share_is_added_after_what_its_key_was_just_signing_over_http(
    signer: Signer, plain_world: SigningWorld, key: SecretKey, become: Become, reason: RemoteReason
) -> None:
    async with plain(signer, plain_world, key) as ((one, other), (of_one, of_other)):
        done = await interleave(one, ask(of_one, key, attestation()), add(other, become(plain_world, key)))
        refused = await ask(of_other, key, attestation())
    assert isinstance(done.first, Approved)
    assert done.waited
    assert isinstance(refused, Refused)
    assert refused.reason is reason
