"""Registration of a validator with block builders.

Source: builder-specs specs/bellatrix/builder.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ssz.sedes import bytes48, bytes96, uint64

from ssv_protocol.types.ids import BlsPublicKey, BlsSignature, ExecutionAddress
from ssv_protocol.types.ssz import SszContainer, bytes20


@dataclass(frozen=True, slots=True)
class ValidatorRegistration(SszContainer):
    """Where a validator's rewards go and how much gas it wants; `timestamp` is Unix time in seconds."""

    fee_recipient: Annotated[ExecutionAddress, bytes20]
    gas_limit: Annotated[int, uint64]
    timestamp: Annotated[int, uint64]
    pubkey: Annotated[BlsPublicKey, bytes48]


@dataclass(frozen=True, slots=True)
class SignedValidatorRegistration(SszContainer):
    """`ValidatorRegistration` with the validator's signature."""

    message: ValidatorRegistration
    signature: Annotated[BlsSignature, bytes96]
