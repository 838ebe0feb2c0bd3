"""What is stopped when the chain has slashed an own validator.

A slashed validator earns nothing by its duties, and why it was slashed is not known yet: its share signatures may be
what is needed to slash others. So it is stopped, or everything is, until a human has looked.

Not guaranteed: to notice before the next look-up of own validators, which comes once an epoch.

Source: Beacon API, "validator status" (active_slashed, exited_slashed).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum

from ssv_ethereum.beacon.validators import ValidatorInfo
from ssv_protocol.types.ids import BlsPublicKey

_SLASHED = frozenset({"active_slashed", "exited_slashed"})


class OnSlashing(StrEnum):
    """What to stop when an own validator was slashed."""

    STOP_VALIDATOR = "stop-validator"
    STOP_ALL = "stop-all"
    IGNORE = "ignore"


def slashed(infos: Mapping[BlsPublicKey, ValidatorInfo], own: Collection[BlsPublicKey]) -> frozenset[BlsPublicKey]:
    """Return which own validators the chain has slashed."""
    return frozenset(key for key in own if key in infos and infos[key].status in _SLASHED)


def stopped(
    policy: OnSlashing, slashed_ones: frozenset[BlsPublicKey], own: Collection[BlsPublicKey]
) -> frozenset[BlsPublicKey]:
    """Return which own validators have no duties any more."""
    match policy:
        case OnSlashing.STOP_VALIDATOR:
            return slashed_ones
        case OnSlashing.STOP_ALL:
            return frozenset(own) if slashed_ones else frozenset()
        case OnSlashing.IGNORE:
            return frozenset()
