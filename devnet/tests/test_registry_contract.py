"""What a validator owner sends after registering, on a real anvil: exits and the fee recipient."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from web3.logs import DISCARD

from ssv_devnet.evm import AnvilSettings, connect, running_anvil
from ssv_devnet.registry_contract import (
    RegistryContract,
    TransactionReverted,
    deploy,
    exit_validators,
    load_artifact,
    register_operators,
    register_validators,
    set_fee_recipient,
)
from ssv_protocol.types.ids import BlsPublicKey, ExecutionAddress

KEYS = [BlsPublicKey(secrets.token_bytes(48)) for _ in range(3)]


@asynccontextmanager
async def deployed() -> AsyncIterator[RegistryContract]:
    async with running_anvil(AnvilSettings(slots_per_epoch=8)) as anvil, connect(anvil.http_url) as web3:
        yield await deploy(web3, load_artifact())


def test_each_exit_is_an_event_with_its_committee() -> None:
    async def run() -> None:
        async with deployed() as registry:
            ids = await register_operators(registry, [bytes([number]) * 32 for number in range(4)])
            await register_validators(registry, [(key, b"shares") for key in KEYS], ids)
            receipt = await exit_validators(registry, KEYS[1:], ids)
            events = registry.contract.events["ValidatorExited"]().process_receipt(receipt, errors=DISCARD)
            assert [event["args"]["publicKey"] for event in events] == KEYS[1:]
            assert all(event["args"]["operatorIds"] == ids for event in events)
            assert all(event["args"]["owner"] == registry.owner for event in events)

    asyncio.run(run())


def test_a_stranger_to_the_committee_cannot_exit() -> None:
    async def run() -> None:
        async with deployed() as registry:
            ids = await register_operators(registry, [bytes([number]) * 32 for number in range(4)])
            with pytest.raises(TransactionReverted, match="ClusterDoesNotExist"):
                await exit_validators(registry, KEYS, ids)

    asyncio.run(run())


def test_the_fee_recipient_is_an_event() -> None:
    recipient = ExecutionAddress(secrets.token_bytes(20))

    async def run() -> None:
        async with deployed() as registry:
            receipt = await set_fee_recipient(registry, recipient)
            (event,) = registry.contract.events["FeeRecipientAddressUpdated"]().process_receipt(receipt)
            assert event["args"]["owner"] == registry.owner
            assert bytes.fromhex(event["args"]["recipientAddress"][2:]) == recipient

    asyncio.run(run())
