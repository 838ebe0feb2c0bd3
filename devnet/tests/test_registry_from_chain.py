"""Keys and shares through a real EVM: registered by transactions, read back from logs, decrypted, signed with."""

import asyncio
import secrets

from ssv_devnet.evm import AnvilSettings, connect, running_anvil
from ssv_devnet.registry_contract import (
    RegistryContract,
    deploy,
    load_artifact,
    register_operators,
    register_validators,
)
from ssv_ethereum.execution.pool import ExecutionPool
from ssv_ethereum.log_ranges import RangeSize
from ssv_ethereum.registry_blocks import Depth, follow_registry
from ssv_protocol.crypto import bls
from ssv_protocol.crypto.bls import SecretKey
from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.crypto.shares import build_share_data, decrypt_share
from ssv_protocol.registry.apply import Skipped, apply_block
from ssv_protocol.registry.operator_key import encode_operator_key
from ssv_protocol.registry.reasons import SkipReason
from ssv_protocol.registry.state import RegistryState
from ssv_protocol.types.ids import ExecutionAddress, OperatorId, Root

ROOT = Root(b"\x2a" * 32)


def address(text: str) -> ExecutionAddress:
    return ExecutionAddress(bytes.fromhex(text.removeprefix("0x")))


async def read_registry(
    url: str, registry: RegistryContract, until: int, batch_blocks: int
) -> tuple[RegistryState, list[Skipped]]:
    state, skipped = RegistryState(), []
    async with ExecutionPool([url]) as pool:
        async for batch in follow_registry(
            pool,
            address(registry.address),
            0,
            depth=Depth(0),
            poll_interval_s=0.05,
            size=RangeSize(batch_blocks, batch_blocks),
        ):
            for update in batch.updates:
                applied = apply_block(state, update.block_number, update.block_hash, update.logs, update.time_s)
                state = applied.state
                skipped += applied.skipped
            if state.block_number >= until:
                break
    return state, skipped


def test_validators_registered_by_transactions_can_be_signed_for() -> None:
    operator_keys = [OperatorPrivateKey.generate() for _ in range(4)]
    validators = [SecretKey.generate(secrets.token_bytes) for _ in range(5)]

    async def run() -> None:
        async with running_anvil(AnvilSettings(slots_per_epoch=8)) as anvil, connect(anvil.http_url) as web3:
            registry = await deploy(web3, load_artifact())
            owner = address(registry.owner)
            ids = await register_operators(registry, [encode_operator_key(key.public_pem()) for key in operator_keys])
            pems = {operator_id: key.public_pem() for operator_id, key in zip(ids, operator_keys, strict=True)}
            entries = [
                (key.public_key(), build_share_data(key, pems, owner, nonce, secrets.token_bytes).encode())
                for nonce, key in enumerate(validators)
            ]
            copied = (SecretKey.generate(secrets.token_bytes).public_key(), entries[0][1])
            receipts = await register_validators(registry, [*entries[:3], copied, entries[4]], ids, per_transaction=3)
            until = receipts[-1]["blockNumber"]
            state, skipped = await read_registry(anvil.http_url, registry, until, batch_blocks=200)
            again, _ = await read_registry(anvil.http_url, registry, until, batch_blocks=1)

        # the copied shares take nonce 3 and are skipped; the last validator's, signed for nonce 4, still fit
        assert [entry.reason for entry in skipped] == [SkipReason.OWNERSHIP_SIGNATURE]
        assert again.state_hash() == state.state_hash()
        assert set(state.validators) == {key.public_key() for key in [*validators[:3], validators[4]]}
        assert state.next_nonce(owner) == 5
        for key in [*validators[:3], validators[4]]:
            record = state.validators[key.public_key()]
            partials = {}
            for operator_key in operator_keys[1:]:
                operator = state.operator_with_key(operator_key.public_pem())
                assert operator is not None
                seat = record.operator_ids.index(operator.operator_id)
                share = decrypt_share(operator_key, record.encrypted_keys[seat], record.share_public_keys[seat])
                partials[OperatorId(operator.operator_id)] = share.sign(ROOT)
            assert bls.reconstruct(partials) == key.sign(ROOT)

    asyncio.run(run())
