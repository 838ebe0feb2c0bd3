"""Blocks of the first two forks, which the remote-signing API wants whole; of later ones it wants the header.

Source: consensus-specs phase0/beacon-chain.md, altair/beacon-chain.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ssz.sedes import bytes32, bytes96, uint64

from ssv_protocol.types.beacon import preset
from ssv_protocol.types.beacon.attestation import Phase0Attestation
from ssv_protocol.types.beacon.deposit import Deposit
from ssv_protocol.types.beacon.exit import SignedVoluntaryExit
from ssv_protocol.types.beacon.operations import Eth1Data, Phase0AttesterSlashing, ProposerSlashing
from ssv_protocol.types.beacon.sync_committee import SyncAggregate
from ssv_protocol.types.ids import BlsSignature, Root, Slot, ValidatorIndex
from ssv_protocol.types.ssz import SszContainer, list_of


@dataclass(frozen=True, slots=True)
class Phase0BeaconBlockBody(SszContainer):
    """What a block of Phase 0 carries."""

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


@dataclass(frozen=True, slots=True)
class AltairBeaconBlockBody(Phase0BeaconBlockBody):
    """What a block of Altair carries."""

    sync_aggregate: SyncAggregate


@dataclass(frozen=True, slots=True)
class Phase0BeaconBlock(SszContainer):
    """A block of Phase 0."""

    slot: Annotated[Slot, uint64]
    proposer_index: Annotated[ValidatorIndex, uint64]
    parent_root: Annotated[Root, bytes32]
    state_root: Annotated[Root, bytes32]
    body: Phase0BeaconBlockBody


@dataclass(frozen=True, slots=True)
class AltairBeaconBlock(SszContainer):
    """A block of Altair."""

    slot: Annotated[Slot, uint64]
    proposer_index: Annotated[ValidatorIndex, uint64]
    parent_root: Annotated[Root, bytes32]
    state_root: Annotated[Root, bytes32]
    body: AltairBeaconBlockBody
