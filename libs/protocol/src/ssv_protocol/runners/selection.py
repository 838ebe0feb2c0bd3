"""Is a validator selected to aggregate? The selection proof decides by chance.

Source: consensus-specs phase0/validator.md (is_aggregator), altair/validator.md (is_sync_committee_aggregator).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from ssv_protocol.types.beacon.preset import SYNC_COMMITTEE_SIZE, SYNC_COMMITTEE_SUBNET_COUNT, SYNC_SUBCOMMITTEE_SIZE
from ssv_protocol.types.duty import ValidatorDuty
from ssv_protocol.types.ids import BlsSignature

TARGET_AGGREGATORS_PER_COMMITTEE = 16
TARGET_AGGREGATORS_PER_SYNC_SUBCOMMITTEE = 16
_SYNC_MODULO = max(1, SYNC_COMMITTEE_SIZE // SYNC_COMMITTEE_SUBNET_COUNT // TARGET_AGGREGATORS_PER_SYNC_SUBCOMMITTEE)


def is_aggregator(duty: ValidatorDuty, proof: BlsSignature) -> bool:
    """Tell whether a selection proof makes the duty's validator an aggregator of its committee."""
    return _chance(proof, max(1, duty.committee_length // TARGET_AGGREGATORS_PER_COMMITTEE))


def is_sync_aggregator(proof: BlsSignature) -> bool:
    """Tell whether a selection proof makes its validator an aggregator of its subcommittee."""
    return _chance(proof, _SYNC_MODULO)


def subcommittee_of(position: int) -> int:
    """Return the sync subcommittee that holds a position of the sync committee."""
    return position // SYNC_SUBCOMMITTEE_SIZE


def _chance(proof: BlsSignature, modulo: int) -> bool:
    return int.from_bytes(sha256(proof).digest()[:8], "little") % modulo == 0


@dataclass(frozen=True, slots=True)
class Selection:
    """The questions, as the runners ask them of their seat; the vectors answer them otherwise."""

    is_aggregator: Callable[[ValidatorDuty, BlsSignature], bool] = is_aggregator
    is_sync_aggregator: Callable[[BlsSignature], bool] = is_sync_aggregator
    subcommittee_of: Callable[[int], int] = subcommittee_of
