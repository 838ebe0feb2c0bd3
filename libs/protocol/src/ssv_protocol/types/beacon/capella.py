"""Blocks of Capella, full and blinded, and the base of all later blocks.

A later fork's class derives from the one before it and lists only what it changes: a field that is
declared again keeps its place, a new one is appended, which is how the beacon chain grew. Deriving shares
the declaration, it does not say that a Deneb block is a Capella block: `isinstance` tells full from
blinded, never one fork from another.

A full block and its blinded form have the same hash tree root.

Source: consensus-specs phase0, altair, bellatrix, capella (beacon-chain.md); builder-specs capella.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from ssz.sedes import ByteList, ByteVector, List, bytes32, bytes96, uint64, uint256

from ssv_protocol.types.beacon import preset
from ssv_protocol.types.beacon.attestation import Phase0Attestation
from ssv_protocol.types.beacon.deposit import Deposit
from ssv_protocol.types.beacon.exit import SignedVoluntaryExit
from ssv_protocol.types.beacon.operations import (
    Eth1Data,
    Phase0AttesterSlashing,
    ProposerSlashing,
    SignedBlsToExecutionChange,
    Withdrawal,
)
from ssv_protocol.types.beacon.sync_committee import SyncAggregate
from ssv_protocol.types.fast_codec import FastSszContainer
from ssv_protocol.types.ids import BlsSignature, ExecutionAddress, Root, Slot, ValidatorIndex
from ssv_protocol.types.ssz import bytes20, list_of

transactions_sedes: List[Any, Any] = List(
    ByteList(preset.MAX_BYTES_PER_TRANSACTION), preset.MAX_TRANSACTIONS_PER_PAYLOAD
)
withdrawals_sedes = list_of(Withdrawal, preset.MAX_WITHDRAWALS_PER_PAYLOAD)


@dataclass(frozen=True, slots=True)
class _PayloadFields(FastSszContainer):
    """What a payload and its header have in common, in order."""

    parent_hash: Annotated[bytes, bytes32]
    fee_recipient: Annotated[ExecutionAddress, bytes20]
    state_root: Annotated[bytes, bytes32]
    receipts_root: Annotated[bytes, bytes32]
    logs_bloom: Annotated[bytes, ByteVector(preset.BYTES_PER_LOGS_BLOOM)]
    prev_randao: Annotated[bytes, bytes32]
    block_number: Annotated[int, uint64]
    gas_limit: Annotated[int, uint64]
    gas_used: Annotated[int, uint64]
    timestamp: Annotated[int, uint64]
    extra_data: Annotated[bytes, ByteList(preset.MAX_EXTRA_DATA_BYTES)]
    base_fee_per_gas: Annotated[int, uint256]
    block_hash: Annotated[bytes, bytes32]


@dataclass(frozen=True, slots=True)
class ExecutionPayload(_PayloadFields):
    """The execution block inside a beacon block."""

    transactions: Annotated[tuple[bytes, ...], transactions_sedes]
    withdrawals: Annotated[tuple[Withdrawal, ...], withdrawals_sedes]


@dataclass(frozen=True, slots=True)
class ExecutionPayloadHeader(_PayloadFields):
    """A payload with roots in place of its lists: the same hash tree root."""

    transactions_root: Annotated[Root, bytes32]
    withdrawals_root: Annotated[Root, bytes32]


@dataclass(frozen=True, slots=True)
class _BodyFields(FastSszContainer):
    """What precedes the payload in a block body, in order."""

    randao_reveal: Annotated[BlsSignature, bytes96]
    eth1_data: Eth1Data
    graffiti: Annotated[bytes, bytes32]
    proposer_slashings: Annotated[
        tuple[ProposerSlashing, ...], list_of(ProposerSlashing, preset.MAX_PROPOSER_SLASHINGS)
    ]
    attester_slashings: Annotated[
        tuple[Phase0AttesterSlashing, ...], list_of(Phase0AttesterSlashing, preset.MAX_ATTESTER_SLASHINGS)
    ]
    attestations: Annotated[tuple[Phase0Attestation, ...], list_of(Phase0Attestation, preset.MAX_ATTESTATIONS)]
    deposits: Annotated[tuple[Deposit, ...], list_of(Deposit, preset.MAX_DEPOSITS)]
    voluntary_exits: Annotated[
        tuple[SignedVoluntaryExit, ...], list_of(SignedVoluntaryExit, preset.MAX_VOLUNTARY_EXITS)
    ]
    sync_aggregate: SyncAggregate


@dataclass(frozen=True, slots=True)
class BeaconBlockBody(_BodyFields):
    """The body of a full block."""

    execution_payload: ExecutionPayload
    bls_to_execution_changes: Annotated[
        tuple[SignedBlsToExecutionChange, ...],
        list_of(SignedBlsToExecutionChange, preset.MAX_BLS_TO_EXECUTION_CHANGES),
    ]


@dataclass(frozen=True, slots=True)
class BlindedBeaconBlockBody(_BodyFields):
    """The body of a blinded block."""

    execution_payload_header: ExecutionPayloadHeader
    bls_to_execution_changes: Annotated[
        tuple[SignedBlsToExecutionChange, ...],
        list_of(SignedBlsToExecutionChange, preset.MAX_BLS_TO_EXECUTION_CHANGES),
    ]


@dataclass(frozen=True, slots=True)
class _BlockFields(FastSszContainer):
    slot: Annotated[Slot, uint64]
    proposer_index: Annotated[ValidatorIndex, uint64]
    parent_root: Annotated[Root, bytes32]
    state_root: Annotated[Root, bytes32]


@dataclass(frozen=True, slots=True)
class BeaconBlock(_BlockFields):
    """A full block: what the proposer signs."""

    body: BeaconBlockBody


@dataclass(frozen=True, slots=True)
class BlindedBeaconBlock(_BlockFields):
    """A block whose payload only its builder has: signed alike."""

    body: BlindedBeaconBlockBody


@dataclass(frozen=True, slots=True)
class SignedBeaconBlock(FastSszContainer):
    """A full block with the proposer's signature."""

    message: BeaconBlock
    signature: Annotated[BlsSignature, bytes96]


@dataclass(frozen=True, slots=True)
class SignedBlindedBeaconBlock(FastSszContainer):
    """A blinded block with the proposer's signature."""

    message: BlindedBeaconBlock
    signature: Annotated[BlsSignature, bytes96]
