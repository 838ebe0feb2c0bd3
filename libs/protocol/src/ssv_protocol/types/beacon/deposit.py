"""Deposits: what a depositor signs, and how a block carries it.

Source: consensus-specs phase0/beacon-chain.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ssz.sedes import Vector, bytes32, bytes48, bytes96, uint64

from ssv_protocol.types.beacon.preset import DEPOSIT_CONTRACT_TREE_DEPTH
from ssv_protocol.types.ids import BlsPublicKey, BlsSignature
from ssv_protocol.types.ssz import SszContainer

MAX_EFFECTIVE_BALANCE_GWEI = 32_000_000_000


@dataclass(frozen=True, slots=True)
class DepositMessage(SszContainer):
    """What the depositor signs, under the genesis fork version and a zero genesis validators root."""

    pubkey: Annotated[BlsPublicKey, bytes48]
    withdrawal_credentials: Annotated[bytes, bytes32]
    amount_gwei: Annotated[int, uint64]


@dataclass(frozen=True, slots=True)
class DepositData(SszContainer):
    """A signed deposit as the deposit contract takes it."""

    pubkey: Annotated[BlsPublicKey, bytes48]
    withdrawal_credentials: Annotated[bytes, bytes32]
    amount_gwei: Annotated[int, uint64]
    signature: Annotated[BlsSignature, bytes96]


@dataclass(frozen=True, slots=True)
class Deposit(SszContainer):
    """A deposit in a block, with its branch in the contract's tree and the tree's length."""

    proof: Annotated[tuple[bytes, ...], Vector(bytes32, DEPOSIT_CONTRACT_TREE_DEPTH + 1)]
    data: DepositData
