"""Who has to do what in an epoch, and which validators sit in which beacon committee.

A `dependent_root` names the block on which duties hang: while a head event reports the same one, they stand.

Source: beacon-APIs, `getAttesterDuties`, `getProposerDuties`, `getSyncCommitteeDuties`, `getEpochCommittees`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec

from ssv_ethereum.beacon.answers import DependentEnvelope, Envelope, Hex48, Uint
from ssv_ethereum.beacon.http import BeaconHttp
from ssv_protocol.types.ids import BlsPublicKey, Epoch, Root, Slot, ValidatorIndex

_SOMEBODY = (ValidatorIndex(0),)
"""There is always a first validator; some nodes refuse a question about nobody."""


@dataclass(frozen=True, slots=True)
class AttesterDuty:
    """One attestation; `position` is the validator's place in its committee of `committee_length`."""

    slot: Slot
    validator_index: ValidatorIndex
    pubkey: BlsPublicKey
    committee_index: int
    committee_length: int
    committees_at_slot: int
    position: int


@dataclass(frozen=True, slots=True)
class ProposerDuty:
    """One block."""

    slot: Slot
    validator_index: ValidatorIndex
    pubkey: BlsPublicKey


@dataclass(frozen=True, slots=True)
class SyncDuty:
    """A validator's seats in a sync committee: places in 0 … SYNC_COMMITTEE_SIZE - 1."""

    validator_index: ValidatorIndex
    pubkey: BlsPublicKey
    positions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AttesterDuties:
    """Attester duties of an epoch and the root that they hang on."""

    dependent_root: Root
    duties: tuple[AttesterDuty, ...]


@dataclass(frozen=True, slots=True)
class ProposerDuties:
    """Proposer duties of an epoch and the root that they hang on."""

    dependent_root: Root
    duties: tuple[ProposerDuty, ...]


@dataclass(frozen=True, slots=True)
class BeaconCommittee:
    """One beacon committee of a slot, its members in the order of the aggregation bits."""

    slot: Slot
    index: int
    members: tuple[ValidatorIndex, ...]


class _Attester(msgspec.Struct, frozen=True):
    pubkey: Hex48
    validator_index: Uint
    committee_index: Uint
    committee_length: Uint
    committees_at_slot: Uint
    validator_committee_index: Uint
    slot: Uint


class _Proposer(msgspec.Struct, frozen=True):
    pubkey: Hex48
    validator_index: Uint
    slot: Uint


class _Sync(msgspec.Struct, frozen=True):
    pubkey: Hex48
    validator_index: Uint
    validator_sync_committee_indices: list[Uint]


class _Committee(msgspec.Struct, frozen=True):
    index: Uint
    slot: Uint
    validators: list[Uint]


@dataclass(frozen=True, slots=True)
class DutiesApi:
    """Duties as the beacon node computes them."""

    http: BeaconHttp

    async def attester(self, epoch: Epoch, indices: Iterable[ValidatorIndex]) -> AttesterDuties:
        """Return the attestations due in `epoch`, one a validator; for nobody the root alone. Raises BeaconError."""
        path = f"/eth/v1/validator/duties/attester/{epoch}"
        wanted = list(indices)
        answer = await self.http.post(path, _ids(wanted or _SOMEBODY), DependentEnvelope[list[_Attester]])
        duties = tuple(
            AttesterDuty(
                Slot(item.slot),
                ValidatorIndex(item.validator_index),
                BlsPublicKey(bytes(item.pubkey)),
                item.committee_index,
                item.committee_length,
                item.committees_at_slot,
                item.validator_committee_index,
            )
            for item in (answer.data if wanted else ())
        )
        return AttesterDuties(Root(bytes(answer.dependent_root)), duties)

    async def proposer(self, epoch: Epoch) -> ProposerDuties:
        """Return the proposers of `epoch`, of all validators of the chain. Raises BeaconError."""
        path = f"/eth/v1/validator/duties/proposer/{epoch}"
        answer = await self.http.get(path, DependentEnvelope[list[_Proposer]])
        duties = tuple(
            ProposerDuty(Slot(item.slot), ValidatorIndex(item.validator_index), BlsPublicKey(bytes(item.pubkey)))
            for item in answer.data
        )
        return ProposerDuties(Root(bytes(answer.dependent_root)), duties)

    async def sync(self, epoch: Epoch, indices: Iterable[ValidatorIndex]) -> tuple[SyncDuty, ...]:
        """Return who of `indices` sits in the sync committee of `epoch`'s period. Raises BeaconError."""
        wanted = _ids(indices)
        if not wanted:
            return ()
        path = f"/eth/v1/validator/duties/sync/{epoch}"
        answer = await self.http.post(path, wanted, Envelope[list[_Sync]])
        return tuple(
            SyncDuty(
                ValidatorIndex(item.validator_index),
                BlsPublicKey(bytes(item.pubkey)),
                tuple(item.validator_sync_committee_indices),
            )
            for item in answer.data
        )

    async def committees(self, epoch: Epoch) -> tuple[BeaconCommittee, ...]:
        """Return all beacon committees of `epoch`, seen from the head state. Raises BeaconError."""
        return await self._committees({"epoch": epoch})

    async def committees_at(self, epoch: Epoch, slot: Slot) -> tuple[BeaconCommittee, ...]:
        """Return those of one slot, which is in `epoch`. Nodes answer for the epochs around their head's."""
        return await self._committees({"epoch": epoch, "slot": slot})

    async def _committees(self, query: Mapping[str, int]) -> tuple[BeaconCommittee, ...]:
        path = "/eth/v1/beacon/states/head/committees"
        answer = await self.http.get(path, Envelope[list[_Committee]], query)
        return tuple(
            BeaconCommittee(Slot(item.slot), item.index, tuple(ValidatorIndex(index) for index in item.validators))
            for item in answer.data
        )


def _ids(indices: Iterable[ValidatorIndex]) -> list[str]:
    return [str(index) for index in indices]
