"""Validators by public key: index and status.

Source: beacon-APIs, `postStateValidators`; consensus-specs "validator status" of the Beacon API.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from ssv_ethereum.beacon.answers import Envelope, Hex48, Uint, to_hex
from ssv_ethereum.beacon.http import BeaconHttp
from ssv_protocol.types.ids import BlsPublicKey, Epoch, ValidatorIndex


@dataclass(frozen=True, slots=True)
class ValidatorInfo:
    """What the head state says of one validator; `status` is the Beacon API's word."""

    index: ValidatorIndex
    pubkey: BlsPublicKey
    status: str
    activation_epoch: Epoch


class _Record(msgspec.Struct, frozen=True):
    pubkey: Hex48
    activation_epoch: Uint


class _Validator(msgspec.Struct, frozen=True):
    index: Uint
    status: str
    validator: _Record


@dataclass(frozen=True, slots=True)
class ValidatorsApi:
    """Look-ups in the head state."""

    http: BeaconHttp

    async def by_pubkey(self, pubkeys: Sequence[BlsPublicKey]) -> dict[BlsPublicKey, ValidatorInfo]:
        """Return those of `pubkeys` that the chain knows. Raises BeaconError."""
        if not pubkeys:
            return {}  # an empty list would ask for all validators of the chain
        path = "/eth/v1/beacon/states/head/validators"
        body = {"ids": [to_hex(pubkey) for pubkey in pubkeys]}
        found = (await self.http.post(path, body, Envelope[list[_Validator]])).data
        infos = [
            ValidatorInfo(
                ValidatorIndex(item.index),
                BlsPublicKey(bytes(item.validator.pubkey)),
                item.status,
                Epoch(item.validator.activation_epoch),
            )
            for item in found
        ]
        return {info.pubkey: info for info in infos}
