"""A block of the chain, cut down to what tells whose it is and what it did for validators.

The execution payload is named by its block hash, which is the same whether the block was published in full or blinded.

Source: beacon-APIs, `getBlockV2`; consensus-specs electra/beacon-chain.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from ssv_ethereum.beacon.answers import Hex, Hex20, Hex32, Uint
from ssv_protocol.types.ids import ExecutionAddress, Root, Slot, ValidatorIndex


@dataclass(frozen=True, slots=True)
class BlockAttestation:
    """The votes of an aggregate in a block (Electra): bits as they are encoded, lowest bit of a byte first.

    `aggregation_bits` is a bit list, so its highest set bit only marks the length.
    """

    slot: Slot
    committee_bits: bytes
    aggregation_bits: bytes


@dataclass(frozen=True, slots=True)
class BlockVotes:
    """Who proposed a block and whose votes it holds; `sync_bits` vote for `parent_root`."""

    slot: Slot
    proposer_index: ValidatorIndex
    parent_root: Root
    attestations: tuple[BlockAttestation, ...]
    sync_bits: bytes


@dataclass(frozen=True, slots=True)
class BlockContent:
    """A block's votes and what else it says.

    `graffiti` is 32 bytes, `exits` are the validators whose voluntary exit is in it, `fee_recipient` gets the fees of
    its execution payload, `payload_hash` is that payload's block hash.
    """

    votes: BlockVotes
    graffiti: bytes
    exits: tuple[ValidatorIndex, ...]
    fee_recipient: ExecutionAddress
    payload_hash: bytes


class _Data(msgspec.Struct, frozen=True):
    slot: Uint


class _Attestation(msgspec.Struct, frozen=True):
    aggregation_bits: Hex
    committee_bits: Hex
    data: _Data


class _SyncAggregate(msgspec.Struct, frozen=True):
    sync_committee_bits: Hex


class _Exit(msgspec.Struct, frozen=True):
    validator_index: Uint


class _SignedExit(msgspec.Struct, frozen=True):
    message: _Exit


class _Payload(msgspec.Struct, frozen=True):
    fee_recipient: Hex20
    block_hash: Hex32


class _Body(msgspec.Struct, frozen=True):
    graffiti: Hex32
    attestations: list[_Attestation]
    voluntary_exits: list[_SignedExit]
    sync_aggregate: _SyncAggregate
    execution_payload: _Payload


class _Block(msgspec.Struct, frozen=True):
    slot: Uint
    proposer_index: Uint
    parent_root: Hex32
    body: _Body


class SignedBlockAnswer(msgspec.Struct, frozen=True):
    """A signed block as a node tells it; unknown fields are ignored."""

    message: _Block

    def content(self) -> BlockContent:
        """Return what is kept of it."""
        block, body = self.message, self.message.body
        votes = BlockVotes(
            Slot(block.slot),
            ValidatorIndex(block.proposer_index),
            Root(bytes(block.parent_root)),
            tuple(
                BlockAttestation(Slot(item.data.slot), bytes(item.committee_bits), bytes(item.aggregation_bits))
                for item in body.attestations
            ),
            bytes(body.sync_aggregate.sync_committee_bits),
        )
        return BlockContent(
            votes,
            bytes(body.graffiti),
            tuple(ValidatorIndex(item.message.validator_index) for item in body.voluntary_exits),
            ExecutionAddress(bytes(body.execution_payload.fee_recipient)),
            bytes(body.execution_payload.block_hash),
        )
