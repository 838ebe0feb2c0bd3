"""Who aggregates: a validator whose selection proof, hashed, is a multiple of a modulus.

Source: consensus-specs phase0/validator.md `is_aggregator`, altair/validator.md `is_sync_committee_aggregator`.
"""

from __future__ import annotations

from hashlib import sha256

from ssv_protocol.types.beacon.preset import SYNC_COMMITTEE_SUBNET_COUNT
from ssv_protocol.types.ids import BlsSignature

TARGET_AGGREGATORS = 16
"""A constant of the validator specification, for beacon committees and sync subcommittees alike."""


def is_aggregator(proof: BlsSignature, committee_length: int) -> bool:
    """Tell whether the proof selects its signer in a beacon committee of that length."""
    return _is_selected(proof, committee_length)


def is_sync_aggregator(proof: BlsSignature, sync_committee_size: int) -> bool:
    """Tell whether the proof selects its signer in a subcommittee."""
    return _is_selected(proof, sync_committee_size // SYNC_COMMITTEE_SUBNET_COUNT)


def _is_selected(proof: BlsSignature, members: int) -> bool:
    modulus = max(1, members // TARGET_AGGREGATORS)
    return int.from_bytes(sha256(proof).digest()[:8], "little") % modulus == 0
