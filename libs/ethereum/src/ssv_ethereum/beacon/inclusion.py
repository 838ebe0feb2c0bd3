"""Whose votes a block holds: the arithmetic of its bits.

Since Electra an aggregate in a block covers several committees: `committee_bits` names them, and `aggregation_bits`
is the members of those committees one after the other, so a member's bit is its position plus the lengths of the
named committees before its own.

Source: consensus-specs electra/beacon-chain.md `get_attesting_indices`; EIP-7549; ssz/simple-serialize.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, compress

from ssv_ethereum.beacon.blocks import BlockAttestation
from ssv_ethereum.beacon.duties import SyncDuty
from ssv_protocol.types.ids import ValidatorIndex

Committees = Mapping[int, Sequence[ValidatorIndex]]
"""Committees of one slot: index → members in order."""


def vector_bits(encoded: bytes) -> list[bool]:
    """Return the bits of an SSZ bit vector, padding of its last byte included."""
    return [bool(byte >> place & 1) for byte in encoded for place in range(8)]


def list_bits(encoded: bytes) -> list[bool]:
    """Return the bits of an SSZ bit list; raises ValueError without the bit that marks the length."""
    if not encoded or not encoded[-1]:
        raise ValueError("a bit list without its delimiting bit")
    length = 8 * (len(encoded) - 1) + encoded[-1].bit_length() - 1
    return vector_bits(encoded)[:length]


def attesters(attestation: BlockAttestation, committees: Committees) -> set[ValidatorIndex]:
    """Return who voted in `attestation`, given the committees of its slot.

    Raises:
        ValueError: the bits do not fit the committees, so these are not those of the attestation's slot.
    """
    named = list(compress(range(8 * len(attestation.committee_bits)), vector_bits(attestation.committee_bits)))
    unknown = [index for index in named if index not in committees]
    if unknown:
        raise ValueError(f"committees {unknown} do not exist at slot {attestation.slot}")
    members = list(chain.from_iterable(committees[index] for index in named))
    bits = list_bits(attestation.aggregation_bits)
    if len(bits) != len(members):
        raise ValueError(
            f"{len(bits)} bits for {len(members)} members of committees {named} at slot {attestation.slot}"
        )
    return set(compress(members, bits))


def sync_voters(sync_bits: bytes, duties: Iterable[SyncDuty]) -> set[ValidatorIndex]:
    """Return who of `duties` has a set bit; one message sets the bits of all seats of its validator."""
    bits = vector_bits(sync_bits)
    return {duty.validator_index for duty in duties if any(bits[position] for position in duty.positions)}
