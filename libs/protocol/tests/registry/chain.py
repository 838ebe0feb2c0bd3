"""A chain for the registry's tests: real keys, real shares, logs encoded as the contract encodes them."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from hashlib import sha256

from eth_abi.abi import encode

from ssv_protocol.crypto.bls import SecretKey
from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.crypto.shares import build_share_data
from ssv_protocol.registry.abi import HANDLED_EVENTS, topic0
from ssv_protocol.registry.apply import AppliedBlock, apply_block
from ssv_protocol.registry.log import Log
from ssv_protocol.registry.operator_key import encode_operator_key
from ssv_protocol.registry.state import RegistryState
from ssv_protocol.types.ids import ExecutionAddress, OperatorId

ABI = {abi.name: abi for abi in HANDLED_EVENTS}
CONTRACT = ExecutionAddress(b"\xcc" * 20)
OWNER = ExecutionAddress(bytes.fromhex("5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"))
STRANGER = ExecutionAddress(b"\x99" * 20)
CLUSTER = (1, 0, 0, True, 10**18)
FOUR = tuple(OperatorId(i) for i in (1, 2, 3, 4))


@cache
def operator_key(operator_id: int) -> OperatorPrivateKey:
    return OperatorPrivateKey.generate()


@cache
def validator_key(number: int) -> SecretKey:
    return SecretKey.generate(secrets.token_bytes)


@cache
def shares(number: int, owner: ExecutionAddress, nonce: int, operator_ids: tuple[OperatorId, ...]) -> bytes:
    pems = {operator_id: operator_key(operator_id).public_pem() for operator_id in operator_ids}
    return build_share_data(validator_key(number), pems, owner, nonce, secrets.token_bytes).encode()


def log(name: str, *values: object) -> Log:
    """A log of a handled event, not yet placed in a block; values in the order of the signature."""
    abi = ABI[name]
    count = len(abi.indexed)
    topics = [encode([kind], [value]) for kind, value in zip(abi.indexed, values[:count], strict=True)]
    data = encode(abi.data, values[count:])
    return Log(0, b"", 0, CONTRACT, (topic0(abi.signature), *topics), data)


def operator_added(operator_id: int, public_key: bytes | None = None) -> Log:
    key = encode_operator_key(operator_key(operator_id).public_pem()) if public_key is None else public_key
    return log("OperatorAdded", operator_id, OWNER, key, 0)


def validator_added(
    number: int,
    nonce: int,
    *,
    owner: ExecutionAddress = OWNER,
    operator_ids: tuple[OperatorId, ...] = FOUR,
    share_bytes: bytes | None = None,
    public_key: bytes | None = None,
) -> Log:
    share_bytes = shares(number, owner, nonce, operator_ids) if share_bytes is None else share_bytes
    public_key = validator_key(number).public_key() if public_key is None else public_key
    return log("ValidatorAdded", owner, operator_ids, public_key, share_bytes, CLUSTER)


def validator_removed(number: int, owner: ExecutionAddress = OWNER) -> Log:
    return log("ValidatorRemoved", owner, FOUR, validator_key(number).public_key(), CLUSTER)


def validator_exited(number: int, owner: ExecutionAddress = OWNER) -> Log:
    return log("ValidatorExited", owner, FOUR, validator_key(number).public_key())


def block_hash(number: int) -> bytes:
    return sha256(number.to_bytes(8, "big")).digest()


def block_time_s(number: int) -> int:
    return 1_700_000_000 + 12 * number


def placed(number: int, logs: Sequence[Log]) -> list[Log]:
    return [
        replace(entry, block_number=number, block_hash=block_hash(number), log_index=index)
        for index, entry in enumerate(logs)
    ]


def apply_logs(state: RegistryState, *logs: Log) -> AppliedBlock:
    """Apply logs as the next block."""
    number = state.block_number + 1
    return apply_block(state, number, block_hash(number), placed(number, logs), block_time_s(number))


@dataclass
class Chain:
    """The registry after the blocks given so far, with what the last one did."""

    state: RegistryState = field(default_factory=RegistryState)
    last: AppliedBlock | None = None

    def block(self, *logs: Log) -> AppliedBlock:
        self.last = apply_logs(self.state, *logs)
        self.state = self.last.state
        return self.last

    def skip_reasons(self, *logs: Log) -> list[str]:
        return [skipped.reason.value for skipped in self.block(*logs).skipped]


def chain_with_operators(*operator_ids: int) -> Chain:
    chain = Chain()
    chain.block(*(operator_added(operator_id) for operator_id in operator_ids or FOUR))
    return chain
