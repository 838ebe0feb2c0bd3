"""The beacon chain's duties on a real NATS, a gateway process that judges by them, and a peer that talks of a block."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import nats
import pytest
from tests.support.gateway_messages import Author, network_from_now
from tests.support.gateway_operators import PASSWORDS, Operator, registry_state, until, world_of
from tests.support.gateway_stranger import stranger_at

from ssv_api.v1 import duties_pb2 as pb
from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.types.ids import BlsPublicKey, Height, OperatorId, Root, Round, Slot
from ssv_protocol.types.message_id import validator_message_id
from ssv_protocol.types.messages import SignedSSVMessage, SSVMessage
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import MsgType, QbftMessageType, RunnerRole
from ssv_protocol.validation.verdict import GossipReason
from ssv_runtime.nats_permissions import DUTIES_BUCKET

Keys = dict[OperatorId, OperatorPrivateKey]
FOUR = (1, 2, 3, 4)
VALIDATOR = BlsPublicKey(b"\x01" * 48)
INDEX = 70


def block_prepare(author: Author, slot: Slot, signer: int) -> bytes:
    """Return a prepare of the validator's proposal."""
    identifier = validator_message_id(author.network.domain_at(slot), RunnerRole.PROPOSER, VALIDATOR)
    root = Root(sha256(b"block").digest())
    content = QbftMessage(QbftMessageType.PREPARE, Height(slot), Round(1), identifier, root)
    message = SSVMessage(MsgType.CONSENSUS, identifier, content.encode())
    operator = OperatorId(signer)
    return SignedSSVMessage((author.keys[operator].sign(message),), (operator,), message).encode()


async def write(operator: Operator, values: dict[str, bytes]) -> None:
    """Write the bucket as the duty-scheduler does."""
    user = "duty-scheduler"
    options = {"user": user, "password": PASSWORDS[user], "inbox_prefix": f"_INBOX.{user}".encode()}
    client = await nats.connect(operator.nats.url, **options)
    try:
        bucket = await client.jetstream().create_key_value(bucket=DUTIES_BUCKET)
        for key, value in values.items():
            await bucket.put(key, value)
    finally:
        await client.close()


@pytest.mark.asyncio
async def test_a_proposal_is_believed_once_its_duty_is_known(tmp_path: Path, keys: Keys) -> None:
    network = network_from_now()
    author = Author(network, keys, FOUR)
    async with world_of(tmp_path, network, keys, [1], registry_state(keys, [FOUR])) as world:
        (one,) = world.operators
        async with stranger_at(one.address, [author.topic]) as stranger:
            await until("one knows the stranger", lambda: stranger.node.peer_count)
            await one.meshed(author.topic, 1)
            slot = author.slot
            stranger.say(author.topic, block_prepare(author, slot, 2))
            await one.metric(f'gossip_refused_total{{reason="{GossipReason.NO_INDEX}",verdict="ignore"}} 1.0')

            epoch = network.chain.epoch_of(slot)
            known = pb.KnownValidators(
                epoch=epoch, validators=[pb.KnownValidator(index=INDEX, public_key=VALIDATOR, activation_epoch=0)]
            )
            duties = pb.NetworkDuties(epoch=epoch, proposers=[pb.ProposerDuty(slot=slot, validator_index=INDEX)])
            await write(
                one,
                {f"{epoch}.network.1": known.SerializeToString(), f"{epoch}.network": duties.SerializeToString()},
            )
            await one.metric(f"duties_epoch {float(epoch)}")
            await one.metric("known_validators 1.0")
            good = block_prepare(author, slot, 3)
            stranger.say(author.topic, good)
            assert await one.received(1) == [good]
