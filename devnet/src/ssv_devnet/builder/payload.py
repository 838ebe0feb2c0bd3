"""An execution payload on top of the beacon node's head, such as its mock execution layer takes.

The mock knows a payload by its parent's hash and believes everything else, the block hash too: here it is a digest of
the payload, not that of a real execution block. Empty: no transactions, no blobs, no requests.

Not guaranteed: withdrawals. The devnet's validators have BLS withdrawal credentials, so that none are ever due.

Source: consensus-specs electra/beacon-chain.md `process_execution_payload` (what the chain itself checks);
builder-specs specs/bellatrix/validator.md (the gas limit moves towards the registered one); the Yellow Paper's gas
limit rule.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256

import msgspec

from ssv_ethereum.beacon.answers import Envelope, Hex32, Uint
from ssv_ethereum.beacon.errors import BeaconRefused
from ssv_ethereum.beacon.http import BeaconHttp
from ssv_protocol.types.beacon import fulu, preset
from ssv_protocol.types.beacon.registration import ValidatorRegistration

EXTRA_DATA = b"ssv devnet builder"
"""Marks the builder's payloads in the chain."""
_GAS_LIMIT_BOUND_DIVISOR = 1024
_NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class Parent:
    """What a payload must know of the head block it stands on; `randao` is the mix after that block."""

    block_hash: bytes
    block_number: int
    gas_limit: int
    randao: bytes


class _Payload(msgspec.Struct, frozen=True):
    block_hash: Hex32
    block_number: Uint
    gas_limit: Uint


class _Body(msgspec.Struct, frozen=True):
    execution_payload: _Payload


class _Block(msgspec.Struct, frozen=True):
    state_root: Hex32
    body: _Body


class _SignedBlock(msgspec.Struct, frozen=True):
    message: _Block


class _Randao(msgspec.Struct, frozen=True):
    randao: Hex32


async def head(http: BeaconHttp) -> Parent | None:
    """Return the node's head, or None while that is the genesis block. Raises BeaconError."""
    try:
        block = (await http.get("/eth/v2/beacon/blocks/head", Envelope[_SignedBlock])).data.message
    except BeaconRefused as error:
        if error.status == _NOT_FOUND:
            return None
        raise
    # Of the block's own state: the head may have moved on since.
    path = f"/eth/v1/beacon/states/0x{block.state_root.hex()}/randao"
    randao = (await http.get(path, Envelope[_Randao])).data.randao
    payload = block.body.execution_payload
    return Parent(bytes(payload.block_hash), payload.block_number, payload.gas_limit, bytes(randao))


def build_payload(parent: Parent, timestamp: int, registration: ValidatorRegistration) -> fulu.ExecutionPayload:
    """Return the payload of the slot that begins at `timestamp` (unix seconds); the same for the same arguments."""
    payload = fulu.ExecutionPayload(
        parent_hash=parent.block_hash,
        fee_recipient=registration.fee_recipient,
        state_root=bytes(32),
        receipts_root=bytes(32),
        logs_bloom=bytes(preset.BYTES_PER_LOGS_BLOOM),
        prev_randao=parent.randao,
        block_number=parent.block_number + 1,
        gas_limit=next_gas_limit(parent.gas_limit, registration.gas_limit),
        gas_used=0,
        timestamp=timestamp,
        extra_data=EXTRA_DATA,
        base_fee_per_gas=0,
        block_hash=bytes(32),
        transactions=(),
        withdrawals=(),
        blob_gas_used=0,
        excess_blob_gas=0,
    )
    return replace(payload, block_hash=sha256(payload.encode()).digest())


def next_gas_limit(parent: int, target: int) -> int:
    """Return the gas limit closest to `target` that a block after one of limit `parent` may have."""
    step = max(parent // _GAS_LIMIT_BOUND_DIVISOR - 1, 0)
    return min(max(target, parent - step), parent + step)
