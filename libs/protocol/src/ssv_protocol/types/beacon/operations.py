"""What a block body carries besides attestations, deposits, exits and the payload.

Source: consensus-specs phase0/beacon-chain.md, capella/beacon-chain.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ssz.sedes import List, bytes32, bytes48, bytes96, uint64

from ssv_protocol.types.beacon.attestation import AttestationData
from ssv_protocol.types.beacon.preset import MAX_VALIDATORS_PER_COMMITTEE
from ssv_protocol.types.ids import BlsPublicKey, BlsSignature, ExecutionAddress, Root, Slot, ValidatorIndex
from ssv_protocol.types.ssz import SszContainer, bytes20


@dataclass(frozen=True, slots=True)
class Eth1Data(SszContainer):
    """The proposer's view of the deposit contract."""

    deposit_root: Annotated[Root, bytes32]
    deposit_count: Annotated[int, uint64]
    block_hash: Annotated[bytes, bytes32]


@dataclass(frozen=True, slots=True)
class BeaconBlockHeader(SszContainer):
    """A block with its body's root in place of the body: the same hash tree root."""

    slot: Annotated[Slot, uint64]
    proposer_index: Annotated[ValidatorIndex, uint64]
    parent_root: Annotated[Root, bytes32]
    state_root: Annotated[Root, bytes32]
    body_root: Annotated[Root, bytes32]


@dataclass(frozen=True, slots=True)
class SignedBeaconBlockHeader(SszContainer):
    """`BeaconBlockHeader` with the proposer's signature."""

    message: BeaconBlockHeader
    signature: Annotated[BlsSignature, bytes96]


@dataclass(frozen=True, slots=True)
class ProposerSlashing(SszContainer):
    """Two headers that one proposer signed for one slot."""

    signed_header_1: SignedBeaconBlockHeader
    signed_header_2: SignedBeaconBlockHeader


@dataclass(frozen=True, slots=True)
class Phase0IndexedAttestation(SszContainer):
    """An attestation with its attesters by index, before Electra."""

    attesting_indices: Annotated[tuple[ValidatorIndex, ...], List(uint64, MAX_VALIDATORS_PER_COMMITTEE)]
    data: AttestationData
    signature: Annotated[BlsSignature, bytes96]


@dataclass(frozen=True, slots=True)
class Phase0AttesterSlashing(SszContainer):
    """Two attestations that contradict each other, before Electra."""

    attestation_1: Phase0IndexedAttestation
    attestation_2: Phase0IndexedAttestation


@dataclass(frozen=True, slots=True)
class BlsToExecutionChange(SszContainer):
    """A validator's change of its withdrawal credentials to an execution address."""

    validator_index: Annotated[ValidatorIndex, uint64]
    from_bls_pubkey: Annotated[BlsPublicKey, bytes48]
    to_execution_address: Annotated[ExecutionAddress, bytes20]


@dataclass(frozen=True, slots=True)
class SignedBlsToExecutionChange(SszContainer):
    """`BlsToExecutionChange` with the signature of the withdrawal key."""

    message: BlsToExecutionChange
    signature: Annotated[BlsSignature, bytes96]


@dataclass(frozen=True, slots=True)
class Withdrawal(SszContainer):
    """A withdrawal that the payload must perform."""

    index: Annotated[int, uint64]
    validator_index: Annotated[ValidatorIndex, uint64]
    address: Annotated[ExecutionAddress, bytes20]
    amount_gwei: Annotated[int, uint64]
