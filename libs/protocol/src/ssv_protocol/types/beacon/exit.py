"""Voluntary exits.

Source: consensus-specs phase0/beacon-chain.md; EIP-7044 for their domain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ssz.sedes import bytes96, uint64

from ssv_protocol.types.ids import BlsSignature, Epoch, ValidatorIndex
from ssv_protocol.types.ssz import SszContainer


@dataclass(frozen=True, slots=True)
class VoluntaryExit(SszContainer):
    """A validator's wish to leave from `epoch` on."""

    epoch: Annotated[Epoch, uint64]
    validator_index: Annotated[ValidatorIndex, uint64]


@dataclass(frozen=True, slots=True)
class SignedVoluntaryExit(SszContainer):
    """`VoluntaryExit` with the validator's signature."""

    message: VoluntaryExit
    signature: Annotated[BlsSignature, bytes96]
