"""Sync committee contributions as the consensus value of an Alan contribution duty.

The encoding is not SSZ's for a list of fixed-size elements: an offset stands before each element, as if
they were of variable size. The hash tree root is the list's ordinary one.

Source: ssv-spec types/consensus_data.go (Contributions).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ssz.sedes import bytes96

from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.types.beacon.sync_committee import SyncCommitteeContribution
from ssv_protocol.types.ids import BlsSignature, Root
from ssv_protocol.types.ssz import SszContainer, list_of

MAX_CONTRIBUTIONS = 13
_OFFSET_BYTES = 4


@dataclass(frozen=True, slots=True)
class Contribution(SszContainer):
    """A contribution with the selection proof of the validator that will send it."""

    selection_proof: Annotated[BlsSignature, bytes96]
    contribution: SyncCommitteeContribution


CONTRIBUTION_BYTES = 256


@dataclass(frozen=True, slots=True)
class _ContributionList(SszContainer):
    """Only for the hash tree root of its field."""

    items: Annotated[tuple[Contribution, ...], list_of(Contribution, MAX_CONTRIBUTIONS)]


def encode_contributions(items: tuple[Contribution, ...]) -> bytes:
    """Return the encoding: an offset for each contribution, then the contributions.

    Raises:
        ProtocolError: SSZ_ENCODE when there are too many.
    """
    if len(items) > MAX_CONTRIBUTIONS:
        raise ProtocolError(Reason.SSZ_ENCODE, f"{len(items)} contributions")
    return _offsets(len(items)) + b"".join(item.encode() for item in items)


def decode_contributions(data: bytes) -> tuple[Contribution, ...]:
    """Return the contributions of a canonical encoding; no bytes are no contributions.

    Raises:
        ProtocolError: SSZ_DECODE.
    """
    count, rest = divmod(len(data), _OFFSET_BYTES + CONTRIBUTION_BYTES)
    start = count * _OFFSET_BYTES
    if rest or count > MAX_CONTRIBUTIONS or data[:start] != _offsets(count):
        raise ProtocolError(Reason.SSZ_DECODE, f"{len(data)} bytes are no contributions")
    return tuple(
        Contribution.decode(data[offset : offset + CONTRIBUTION_BYTES])
        for offset in range(start, len(data), CONTRIBUTION_BYTES)
    )


def contributions_root(items: tuple[Contribution, ...]) -> Root:
    """Return the hash tree root; raises ProtocolError SSZ_ENCODE when there are too many."""
    return _ContributionList(items).field_root("items")


def _offsets(count: int) -> bytes:
    """Return the offset table of `count` contributions."""
    return b"".join(
        (count * _OFFSET_BYTES + index * CONTRIBUTION_BYTES).to_bytes(_OFFSET_BYTES, "little") for index in range(count)
    )
