"""Validators by public key or index: who they are, their status, and when they come and go.

Source: beacon-APIs, `postStateValidators`, `getLiveness`; consensus-specs "validator status" of the Beacon API.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import msgspec

from ssv_ethereum.beacon.answers import Envelope, Hex48, Uint, to_hex
from ssv_ethereum.beacon.http import BeaconHttp
from ssv_protocol.types.ids import BlsPublicKey, Epoch, ValidatorIndex

NOT_LEAVING = Epoch(2**64 - 1)
"""The exit epoch of a validator that has not asked to leave (FAR_FUTURE_EPOCH)."""


@dataclass(frozen=True, slots=True)
class ValidatorInfo:
    """What the head state says of one validator; `status` is the Beacon API's word.

    `exit_epoch` is known as soon as a block holds the validator's exit.
    """

    index: ValidatorIndex
    pubkey: BlsPublicKey
    status: str
    activation_epoch: Epoch
    exit_epoch: Epoch = NOT_LEAVING


class _Record(msgspec.Struct, frozen=True):
    pubkey: Hex48
    activation_epoch: Uint
    exit_epoch: Uint


class _Validator(msgspec.Struct, frozen=True):
    index: Uint
    status: str
    validator: _Record


class _Liveness(msgspec.Struct, frozen=True):
    index: Uint
    is_live: bool


@dataclass(frozen=True, slots=True)
class ValidatorsApi:
    """Look-ups in the head state."""

    http: BeaconHttp

    async def by_pubkey(self, pubkeys: Sequence[BlsPublicKey]) -> dict[BlsPublicKey, ValidatorInfo]:
        """Return those of `pubkeys` that the chain knows. Raises BeaconError."""
        return {info.pubkey: info for info in await self._find([to_hex(pubkey) for pubkey in pubkeys])}

    async def by_index(self, indices: Sequence[ValidatorIndex]) -> dict[ValidatorIndex, ValidatorInfo]:
        """Return those of `indices` that the chain knows. Raises BeaconError."""
        return {info.index: info for info in await self._find([str(index) for index in indices])}

    async def liveness(self, epoch: Epoch, indices: Collection[ValidatorIndex]) -> dict[ValidatorIndex, bool]:
        """Return which validators the node saw at work in `epoch`, of those that it answers for.

        Nodes answer for their epoch and the one before. Raises BeaconError.
        """
        if not indices:
            return {}
        path = f"/eth/v1/validator/liveness/{epoch}"
        found = (await self.http.post(path, [str(index) for index in indices], Envelope[list[_Liveness]])).data
        return {ValidatorIndex(item.index): item.is_live for item in found}

    async def _find(self, ids: Sequence[str]) -> list[ValidatorInfo]:
        if not ids:
            return []  # an empty list would ask for all validators of the chain
        path = "/eth/v1/beacon/states/head/validators"
        found = (await self.http.post(path, {"ids": ids}, Envelope[list[_Validator]])).data
        return [
            ValidatorInfo(
                ValidatorIndex(item.index),
                BlsPublicKey(bytes(item.validator.pubkey)),
                item.status,
                Epoch(item.validator.activation_epoch),
                Epoch(item.validator.exit_epoch),
            )
            for item in found
        ]
