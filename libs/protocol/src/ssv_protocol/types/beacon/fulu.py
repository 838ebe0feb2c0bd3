"""Blocks of Fulu: Electra's, with a proof for every cell of every extended blob.

Source: consensus-specs fulu/beacon-chain.md; beacon-APIs types/fulu (block contents); EIP-7594.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from ssz.sedes import List, bytes48

from ssv_protocol.types.beacon import electra, preset
from ssv_protocol.types.beacon.electra import (
    BeaconBlock,
    BeaconBlockBody,
    BlindedBeaconBlock,
    BlindedBeaconBlockBody,
    ExecutionPayload,
    ExecutionPayloadHeader,
    ExecutionRequests,
    SignedBeaconBlock,
    SignedBlindedBeaconBlock,
)

__all__ = [
    "BeaconBlock",
    "BeaconBlockBody",
    "BlindedBeaconBlock",
    "BlindedBeaconBlockBody",
    "BlockContents",
    "ExecutionPayload",
    "ExecutionPayloadHeader",
    "ExecutionRequests",
    "SignedBeaconBlock",
    "SignedBlindedBeaconBlock",
    "SignedBlockContents",
]

cell_proofs_sedes: List[Any, Any] = List(
    bytes48, preset.FIELD_ELEMENTS_PER_EXT_BLOB * preset.MAX_BLOB_COMMITMENTS_PER_BLOCK
)
"""The beacon API counts field elements here, not the 128 cells that a blob really has."""


@dataclass(frozen=True, slots=True)
class BlockContents(electra.BlockContents):
    """A full block with its blobs, as a beacon node hands it out; the proposer signs `block` only."""

    kzg_proofs: Annotated[tuple[bytes, ...], cell_proofs_sedes]


@dataclass(frozen=True, slots=True)
class SignedBlockContents(electra.SignedBlockContents):
    """`BlockContents` with the proposer's signature, as it is published."""

    kzg_proofs: Annotated[tuple[bytes, ...], cell_proofs_sedes]
