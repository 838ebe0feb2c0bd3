"""Blocks of Deneb: blobs beside the block, their commitments inside, gas for them in the payload.

Source: consensus-specs deneb/beacon-chain.md; beacon-APIs types/deneb (block contents); EIP-4844.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from ssz.sedes import ByteVector, List, bytes48, uint64

from ssv_protocol.types.beacon import capella, preset
from ssv_protocol.types.fast_codec import FastSszContainer

commitments_sedes: List[Any, Any] = List(bytes48, preset.MAX_BLOB_COMMITMENTS_PER_BLOCK)
blobs_sedes: List[Any, Any] = List(ByteVector(preset.BYTES_PER_BLOB), preset.MAX_BLOB_COMMITMENTS_PER_BLOCK)


@dataclass(frozen=True, slots=True)
class ExecutionPayload(capella.ExecutionPayload):
    """The execution block inside a beacon block."""

    blob_gas_used: Annotated[int, uint64]
    excess_blob_gas: Annotated[int, uint64]


@dataclass(frozen=True, slots=True)
class ExecutionPayloadHeader(capella.ExecutionPayloadHeader):
    """A payload with roots in place of its lists: the same hash tree root."""

    blob_gas_used: Annotated[int, uint64]
    excess_blob_gas: Annotated[int, uint64]


@dataclass(frozen=True, slots=True)
class BeaconBlockBody(capella.BeaconBlockBody):
    """The body of a full block."""

    execution_payload: ExecutionPayload
    blob_kzg_commitments: Annotated[tuple[bytes, ...], commitments_sedes]


@dataclass(frozen=True, slots=True)
class BlindedBeaconBlockBody(capella.BlindedBeaconBlockBody):
    """The body of a blinded block."""

    execution_payload_header: ExecutionPayloadHeader
    blob_kzg_commitments: Annotated[tuple[bytes, ...], commitments_sedes]


@dataclass(frozen=True, slots=True)
class BeaconBlock(capella.BeaconBlock):
    """A full block: what the proposer signs."""

    body: BeaconBlockBody


@dataclass(frozen=True, slots=True)
class BlindedBeaconBlock(capella.BlindedBeaconBlock):
    """A block whose payload only its builder has: signed alike."""

    body: BlindedBeaconBlockBody


@dataclass(frozen=True, slots=True)
class SignedBeaconBlock(capella.SignedBeaconBlock):
    """A full block with the proposer's signature."""

    message: BeaconBlock


@dataclass(frozen=True, slots=True)
class SignedBlindedBeaconBlock(capella.SignedBlindedBeaconBlock):
    """A blinded block with the proposer's signature."""

    message: BlindedBeaconBlock


@dataclass(frozen=True, slots=True)
class BlockContents(FastSszContainer):
    """A full block with its blobs, as a beacon node hands it out; the proposer signs `block` only."""

    block: BeaconBlock
    kzg_proofs: Annotated[tuple[bytes, ...], commitments_sedes]
    blobs: Annotated[tuple[bytes, ...], blobs_sedes]


@dataclass(frozen=True, slots=True)
class SignedBlockContents(FastSszContainer):
    """`BlockContents` with the proposer's signature, as it is published."""

    signed_block: SignedBeaconBlock
    kzg_proofs: Annotated[tuple[bytes, ...], commitments_sedes]
    blobs: Annotated[tuple[bytes, ...], blobs_sedes]
