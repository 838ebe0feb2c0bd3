"""The beacon chain as one value: genesis, slot clock arithmetic, fork schedule, signing domains.

Every number here comes from the beacon node's answers (genesis, spec, fork schedule) or from a network
file; none is written in code.

Source: consensus-specs, phase0 helpers and the fork documents; EIP-7044 for exits.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from ssv_protocol.crypto.signing_root import (
    DOMAIN_APPLICATION_BUILDER,
    DOMAIN_VOLUNTARY_EXIT,
    compute_domain,
)
from ssv_protocol.types.ids import ZERO_ROOT, Epoch, ForkVersion, Instant, Root, Slot


class BeaconFork(IntEnum):
    """Forks of the beacon chain, numbered as `DataVersion` on the SSV wire."""

    PHASE0 = 1
    ALTAIR = 2
    BELLATRIX = 3
    CAPELLA = 4
    DENEB = 5
    ELECTRA = 6
    FULU = 7


@dataclass(frozen=True, slots=True)
class ScheduledFork:
    """A fork, its version, and the epoch from which it holds."""

    fork: BeaconFork
    version: ForkVersion
    epoch: Epoch


@dataclass(frozen=True, slots=True)
class BeaconChain:
    """What does not change while a chain lives. `forks` is ascending and starts at epoch 0."""

    genesis_time_s: int
    genesis_validators_root: Root
    slot_duration_s: float
    slots_per_epoch: int
    epochs_per_sync_committee_period: int
    sync_committee_size: int
    forks: tuple[ScheduledFork, ...]

    def __post_init__(self) -> None:
        epochs = [scheduled.epoch for scheduled in self.forks]
        if not epochs or epochs[0] != 0 or epochs != sorted(epochs):
            raise ValueError("the fork schedule must start at epoch 0 and ascend")

    # slot arithmetic
    def epoch_of(self, slot: Slot) -> Epoch:
        """Return the epoch that holds `slot`."""
        return Epoch(slot // self.slots_per_epoch)

    def first_slot(self, epoch: Epoch) -> Slot:
        """Return the first slot of `epoch`."""
        return Slot(epoch * self.slots_per_epoch)

    def sync_period_of(self, epoch: Epoch) -> int:
        """Return the sync committee period that holds `epoch`."""
        return epoch // self.epochs_per_sync_committee_period

    def slot_start(self, slot: Slot) -> Instant:
        """Return when `slot` begins, in unix seconds."""
        return Instant(self.genesis_time_s + slot * self.slot_duration_s)

    def in_slot(self, slot: Slot, part: float) -> Instant:
        """Return when `part` of `slot` has passed."""
        return Instant(self.slot_start(slot) + part * self.slot_duration_s)

    def slot_at(self, at: Instant) -> Slot:
        """Return the slot that runs at `at`; slot 0 before genesis."""
        return Slot(max(0, int((at - self.genesis_time_s) // self.slot_duration_s)))

    # forks and domains
    def fork_at(self, epoch: Epoch) -> ScheduledFork:
        """Return the fork in force in `epoch`; of several at one epoch the last."""
        return next(s for s in reversed(self.forks) if s.epoch <= epoch)

    def domain(self, domain_type: bytes, epoch: Epoch) -> bytes:
        """Return the 32-byte signing domain for an object of `epoch`.

        Builder registrations are signed with the genesis fork and a zero root; exits with the Capella fork for
        ever (EIP-7044).
        """
        if domain_type == DOMAIN_APPLICATION_BUILDER:
            return compute_domain(domain_type, self.forks[0].version, ZERO_ROOT)
        version = self.fork_at(epoch).version
        if domain_type == DOMAIN_VOLUNTARY_EXIT:
            version = next((s.version for s in self.forks if s.fork == BeaconFork.CAPELLA), version)
        return compute_domain(domain_type, version, self.genesis_validators_root)
