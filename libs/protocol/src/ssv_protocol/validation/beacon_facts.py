"""What validation knows of the beacon chain: who attests, proposes and sits in the sync committee.

Facts are of all SSV validators and of the epochs of now. An epoch or validator that is missing is not known; it is
never taken for one that has no duty.

Source: ssvlabs/ssv operator/duties/dutystore; beacon-APIs (validator status).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from ssv_protocol.types.ids import BlsPublicKey, Epoch, Slot, ValidatorIndex


@dataclass(frozen=True, slots=True)
class BeaconValidator:
    """A validator that the beacon chain knows: its index, the epoch it attests from, the one it no longer does."""

    index: ValidatorIndex
    activation_epoch: Epoch
    exit_epoch: Epoch

    def attests_in(self, epoch: Epoch) -> bool:
        """Tell whether the validator attests in `epoch`."""
        return self.activation_epoch <= epoch < self.exit_epoch


@dataclass(frozen=True, slots=True)
class NetworkDuties:
    """An epoch's proposals and sync committee, of SSV validators alone."""

    proposals: frozenset[tuple[Slot, ValidatorIndex]]
    sync_committee: frozenset[ValidatorIndex]


@dataclass(frozen=True, slots=True)
class BeaconFacts:
    """Duties by epoch, validators by public key."""

    duties: Mapping[Epoch, NetworkDuties] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    validators: Mapping[BlsPublicKey, BeaconValidator] = field(default_factory=lambda: MappingProxyType({}), repr=False)
