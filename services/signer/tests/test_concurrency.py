"""Many streams at once that want different things signed: one thing of each kind is."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict

import pytest
from services.signer.tests.harness import Draft, Signer, sign
from tests.support.signing_world import SigningWorld

from ssv_protocol.types.ids import Slot
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.partial_signatures import PartialSignatures
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import MsgType, QbftMessageType

pytestmark = pytest.mark.asyncio
STREAMS, EACH = 8, 60


async def test_one_root_for_each_step_and_each_target(signer: Signer, world: SigningWorld) -> None:
    validators = [world.validator(index) for index in range(4)]
    async with signer.running(max_batch=16):
        await signer.hold(*validators)
        slots = [Slot(signer.slot - back) for back in range(3)]

        def drafts(stream: int) -> list[Draft]:
            rng = random.Random(stream)
            head = b"%d" % stream
            made: list[Draft] = [world.post_consensus(validators, slot, world.vote(slot, head)) for slot in slots]
            kinds = (QbftMessageType.PROPOSAL, QbftMessageType.PREPARE, QbftMessageType.COMMIT)
            made += [world.qbft(rng.choice(kinds), rng.choice(slots), head, rng.randint(1, 3)) for _ in range(EACH)]
            rng.shuffle(made)
            return made

        async def stream(number: int) -> list[bytes]:
            async with signer.client() as stub:
                answers = await sign(stub, signer.leases, *drafts(number))
            return [answer.signed.message for answer in answers if answer.HasField("signed")]

        signed = await asyncio.gather(*(stream(number) for number in range(STREAMS)))
    steps: dict[tuple[object, ...], set[bytes]] = defaultdict(set)
    rounds: dict[tuple[object, ...], set[bytes]] = defaultdict(set)
    votes: dict[tuple[object, ...], set[bytes]] = defaultdict(set)
    for message in (SignedSSVMessage.decode(raw).ssv_message for part in signed for raw in part):
        if message.msg_type == MsgType.CONSENSUS:
            qbft = QbftMessage.decode(message.data)
            steps[qbft.height, qbft.round, qbft.msg_type].add(message.encode())
            rounds[qbft.height, qbft.round].add(qbft.root)
        else:
            for item in PartialSignatures.decode(message.data).messages:
                epoch = world.network.chain.epoch_of(Slot(PartialSignatures.decode(message.data).slot))
                votes[item.validator_index, epoch].add(item.signing_root)
    assert sum(len(part) for part in signed) > STREAMS
    for roots in (steps, rounds, votes):
        assert roots
        assert {len(found) for found in roots.values()} == {1}


async def test_two_signers_on_one_database_are_as_one(signer: Signer, world: SigningWorld) -> None:
    twin = Signer(signer.folder, world, signer.database)
    async with signer.running(), twin.running():
        await signer.hold(world.validator(1))
        twin.slot = signer.slot
        slots = [Slot(signer.slot - back) for back in range(30)]

        def steps(value: bytes) -> list[Draft]:
            return [world.qbft(QbftMessageType.PREPARE, slot, value) for slot in slots]

        ours, theirs = await asyncio.gather(signer.sign(*steps(b"ours")), twin.sign(*steps(b"theirs")))
    assert [answer.signed for answer in ours] == [answer.signed for answer in theirs]
    assert all(answer.signed.message for answer in ours)
