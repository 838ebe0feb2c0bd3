"""Blocks of Electra: attestations across committees, requests from the execution layer.

The redeclared lists hold other element types than their Deneb namesakes, which is what the ignored
assignments below say; see `capella` for why these classes derive at all.

Source: consensus-specs electra/beacon-chain.md; EIP-7549, EIP-7685, EIP-6110, EIP-7002, EIP-7251.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ssz.sedes import List, bytes32, bytes48, bytes96, uint64

from ssv_protocol.types.beacon import deneb, preset
from ssv_protocol.types.beacon.attestation import AttestationData, ElectraAttestation
from ssv_protocol.types.beacon.deneb import ExecutionPayload, ExecutionPayloadHeader
from ssv_protocol.types.fast_codec import FastSszContainer
from ssv_protocol.types.ids import BlsPublicKey, BlsSignature, ExecutionAddress, ValidatorIndex
from ssv_protocol.types.ssz import bytes20, list_of

__all__ = [
    "AttesterSlashing",
    "BeaconBlock",
    "BeaconBlockBody",
    "BlindedBeaconBlock",
    "BlindedBeaconBlockBody",
    "BlockContents",
    "ConsolidationRequest",
    "DepositRequest",
    "ExecutionPayload",
    "ExecutionPayloadHeader",
    "ExecutionRequests",
    "IndexedAttestation",
    "SignedBeaconBlock",
    "SignedBlindedBeaconBlock",
    "SignedBlockContents",
    "WithdrawalRequest",
]


@dataclass(frozen=True, slots=True)
class IndexedAttestation(FastSszContainer):
    """An attestation with its attesters by index."""

    attesting_indices: Annotated[
        tuple[ValidatorIndex, ...],
        List(uint64, preset.MAX_VALIDATORS_PER_COMMITTEE * preset.MAX_COMMITTEES_PER_SLOT),
    ]
    data: AttestationData
    signature: Annotated[BlsSignature, bytes96]


@dataclass(frozen=True, slots=True)
class AttesterSlashing(FastSszContainer):
    """Two attestations that contradict each other."""

    attestation_1: IndexedAttestation
    attestation_2: IndexedAttestation


@dataclass(frozen=True, slots=True)
class DepositRequest(FastSszContainer):
    """A deposit seen by the execution layer."""

    pubkey: Annotated[BlsPublicKey, bytes48]
    withdrawal_credentials: Annotated[bytes, bytes32]
    amount_gwei: Annotated[int, uint64]
    signature: Annotated[BlsSignature, bytes96]
    index: Annotated[int, uint64]


@dataclass(frozen=True, slots=True)
class WithdrawalRequest(FastSszContainer):
    """A withdrawal or exit asked for by the withdrawal address."""

    source_address: Annotated[ExecutionAddress, bytes20]
    validator_pubkey: Annotated[BlsPublicKey, bytes48]
    amount_gwei: Annotated[int, uint64]


@dataclass(frozen=True, slots=True)
class ConsolidationRequest(FastSszContainer):
    """A merge of two validators asked for by the withdrawal address."""

    source_address: Annotated[ExecutionAddress, bytes20]
    source_pubkey: Annotated[BlsPublicKey, bytes48]
    target_pubkey: Annotated[BlsPublicKey, bytes48]


@dataclass(frozen=True, slots=True)
class ExecutionRequests(FastSszContainer):
    """Requests that the payload produced."""

    deposits: Annotated[tuple[DepositRequest, ...], list_of(DepositRequest, preset.MAX_DEPOSIT_REQUESTS_PER_PAYLOAD)]
    withdrawals: Annotated[
        tuple[WithdrawalRequest, ...],
        list_of(WithdrawalRequest, preset.MAX_WITHDRAWAL_REQUESTS_PER_PAYLOAD),
    ]
    consolidations: Annotated[
        tuple[ConsolidationRequest, ...],
        list_of(ConsolidationRequest, preset.MAX_CONSOLIDATION_REQUESTS_PER_PAYLOAD),
    ]


@dataclass(frozen=True, slots=True)
class BeaconBlockBody(deneb.BeaconBlockBody):
    """The body of a full block."""

    attester_slashings: Annotated[  # type: ignore[assignment]
        tuple[AttesterSlashing, ...], list_of(AttesterSlashing, preset.MAX_ATTESTER_SLASHINGS_ELECTRA)
    ]
    attestations: Annotated[  # type: ignore[assignment]
        tuple[ElectraAttestation, ...], list_of(ElectraAttestation, preset.MAX_ATTESTATIONS_ELECTRA)
    ]
    execution_requests: ExecutionRequests


@dataclass(frozen=True, slots=True)
class BlindedBeaconBlockBody(deneb.BlindedBeaconBlockBody):
    """The body of a blinded block."""

    attester_slashings: Annotated[  # type: ignore[assignment]
        tuple[AttesterSlashing, ...], list_of(AttesterSlashing, preset.MAX_ATTESTER_SLASHINGS_ELECTRA)
    ]
    attestations: Annotated[  # type: ignore[assignment]
        tuple[ElectraAttestation, ...], list_of(ElectraAttestation, preset.MAX_ATTESTATIONS_ELECTRA)
    ]
    execution_requests: ExecutionRequests


@dataclass(frozen=True, slots=True)
class BeaconBlock(deneb.BeaconBlock):
    """A full block: what the proposer signs."""

    body: BeaconBlockBody


@dataclass(frozen=True, slots=True)
class BlindedBeaconBlock(deneb.BlindedBeaconBlock):
    """A block whose payload only its builder has: signed alike."""

    body: BlindedBeaconBlockBody


@dataclass(frozen=True, slots=True)
class SignedBeaconBlock(deneb.SignedBeaconBlock):
    """A full block with the proposer's signature."""

    message: BeaconBlock


@dataclass(frozen=True, slots=True)
class SignedBlindedBeaconBlock(deneb.SignedBlindedBeaconBlock):
    """A blinded block with the proposer's signature."""

    message: BlindedBeaconBlock


@dataclass(frozen=True, slots=True)
class BlockContents(deneb.BlockContents):
    """A full block with its blobs, as a beacon node hands it out; the proposer signs `block` only."""

    block: BeaconBlock


@dataclass(frozen=True, slots=True)
class SignedBlockContents(deneb.SignedBlockContents):
    """`BlockContents` with the proposer's signature, as it is published."""

    signed_block: SignedBeaconBlock
