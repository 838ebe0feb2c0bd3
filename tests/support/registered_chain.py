"""A real EVM with the real contract, four operators on it, and what their owner can do there."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache

from ssv_devnet.evm import AnvilSettings, connect, running_anvil
from ssv_devnet.registry_contract import (
    NEW_CLUSTER,
    RegistryContract,
    deploy,
    load_artifact,
    register_operators,
    register_validators,
)
from ssv_protocol.crypto.bls import SecretKey
from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.crypto.shares import build_share_data
from ssv_protocol.networks import SsvNetwork, local_network
from ssv_protocol.registry.operator_key import encode_operator_key
from ssv_protocol.types.ids import BlsPublicKey, ExecutionAddress, OperatorId


@cache
def operator_keys() -> tuple[OperatorPrivateKey, ...]:
    """Four keys, made once: that takes a while."""
    return tuple(OperatorPrivateKey.generate() for _ in range(4))


@dataclass
class RegisteredChain:
    """`operator_ids` are registered with `operator_keys()`; `validators` in the order of their nonces."""

    url: str
    contract: RegistryContract
    operator_ids: list[OperatorId]
    validators: list[BlsPublicKey] = field(default_factory=list)
    nonce: int = 0

    @property
    def owner(self) -> ExecutionAddress:
        return ExecutionAddress(bytes.fromhex(self.contract.owner[2:]))

    @property
    def network(self) -> SsvNetwork:
        return local_network(ExecutionAddress(bytes.fromhex(self.contract.address[2:])), slot_duration_s=6)

    async def head(self) -> int:
        return await self.contract.web3.eth.block_number

    async def add_validators(self, count: int, *, per_transaction: int = 1) -> list[BlsPublicKey]:
        pems = {
            operator_id: key.public_pem() for operator_id, key in zip(self.operator_ids, operator_keys(), strict=True)
        }
        entries = []
        for _ in range(count):
            secret = SecretKey.generate(secrets.token_bytes)
            data = build_share_data(secret, pems, self.owner, self.nonce, secrets.token_bytes)
            entries.append((secret.public_key(), data.encode()))
            self.nonce += 1
        await register_validators(self.contract, entries, self.operator_ids, per_transaction)
        self.validators += [key for key, _ in entries]
        return [key for key, _ in entries]

    async def add_broken_validator(self) -> None:
        """The contract takes it, the network does not; the nonce is gone all the same."""
        key = SecretKey.generate(secrets.token_bytes).public_key()
        data = bytes(96 + 4 * (48 + 256))
        await self.contract.send("registerValidator", key, self.operator_ids, data, NEW_CLUSTER)
        self.nonce += 1

    async def add_validator_with_foreign_shares(self) -> BlsPublicKey:
        """Shares encrypted for other operators' keys: nobody can decrypt them, but the event holds."""
        secret = SecretKey.generate(secrets.token_bytes)
        mixed = dict(zip(self.operator_ids, [key.public_pem() for key in operator_keys()[::-1]], strict=True))
        data = build_share_data(secret, mixed, self.owner, self.nonce, secrets.token_bytes)
        await register_validators(self.contract, [(secret.public_key(), data.encode())], self.operator_ids)
        self.nonce += 1
        return secret.public_key()

    async def remove_validator(self, key: BlsPublicKey) -> None:
        await self.contract.send("removeValidator", key, self.operator_ids, NEW_CLUSTER)

    async def exit_validator(self, key: BlsPublicKey) -> None:
        await self.contract.send("exitValidator", key, self.operator_ids)

    async def liquidate(self) -> None:
        await self.contract.send("liquidate", self.contract.owner, self.operator_ids, NEW_CLUSTER)

    async def reactivate(self) -> None:
        await self.contract.send("reactivate", self.operator_ids, NEW_CLUSTER)

    async def set_fee_recipient(self, address: bytes) -> None:
        await self.contract.send("setFeeRecipientAddress", self.contract.web3.to_checksum_address(address))

    async def add_operator(self) -> None:
        await register_operators(self.contract, [encode_operator_key(OperatorPrivateKey.generate().public_pem())])

    async def remove_operator(self, operator_id: OperatorId) -> None:
        await self.contract.send("removeOperator", operator_id)

    async def tell_a_long_story(self) -> None:
        """Every kind of event, good and bad, many blocks."""
        await self.add_validators(5)
        await self.set_fee_recipient(b"\xaa" * 20)
        await self.add_broken_validator()
        await self.add_validators(4, per_transaction=4)
        await self.exit_validator(self.validators[2])
        await self.liquidate()
        await self.remove_validator(self.validators[1])
        await self.add_operator()
        await self.reactivate()
        await self.remove_operator(OperatorId(5))
        await self.set_fee_recipient(b"\xbb" * 20)
        await self.add_validators(2)
        await self.remove_validator(self.validators[6])


@asynccontextmanager
async def registered_chain() -> AsyncIterator[RegisteredChain]:
    """Start the EVM, deploy the contract, register the operators."""
    async with running_anvil(AnvilSettings(slots_per_epoch=8)) as anvil, connect(anvil.http_url) as web3:
        contract = await deploy(web3, load_artifact())
        ids = await register_operators(contract, [encode_operator_key(key.public_pem()) for key in operator_keys()])
        yield RegisteredChain(anvil.http_url, contract, ids)
