"""The interop keys of all validators; signing happens in a thread, where BLS does not hold up the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from ssv_devnet.interop import interop_secret_key
from ssv_protocol.crypto.bls import SecretKey
from ssv_protocol.types.ids import BlsPublicKey, BlsSignature, Root, ValidatorIndex


class Keyring:
    """Keys of the genesis validators 0 … `count` - 1."""

    def __init__(self, count: int) -> None:
        self._keys: Mapping[ValidatorIndex, SecretKey] = {
            ValidatorIndex(number): interop_secret_key(ValidatorIndex(number)) for number in range(count)
        }

    def indices(self) -> tuple[ValidatorIndex, ...]:
        """Return all validators, ascending."""
        return tuple(self._keys)

    def pubkeys(self) -> dict[ValidatorIndex, BlsPublicKey]:
        """Return every validator's public key."""
        return {index: key.public_key() for index, key in self._keys.items()}

    def sign_now(self, index: ValidatorIndex, root: Root) -> BlsSignature:
        """Return the validator's signature; for one or two at a time."""
        return self._keys[index].sign(root)

    async def sign(self, indices: Iterable[ValidatorIndex], root: Root) -> dict[ValidatorIndex, BlsSignature]:
        """Return the signatures of `indices` over one root."""
        wanted = tuple(indices)
        return await asyncio.to_thread(lambda: {index: self._keys[index].sign(root) for index in wanted})
