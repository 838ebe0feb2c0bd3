"""Duties by epoch, asked for once and kept.

The devnet has one beacon node and no forks to speak of, so duties asked for in their epoch or the one before stand.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ssv_ethereum.beacon.duties import AttesterDuty, SyncDuty
from ssv_ethereum.beacon.node import BeaconNode
from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.types.ids import Epoch, Slot, ValidatorIndex

_KEPT_EPOCHS = 2


@dataclass(frozen=True, slots=True)
class EpochDuties:
    """What all validators of the keyring have to do in one epoch."""

    attesters: dict[Slot, tuple[AttesterDuty, ...]]
    proposers: dict[Slot, ValidatorIndex]
    sync: tuple[SyncDuty, ...]


class DutyBook:
    """Duties of `indices`, fetched when first needed or `prepare`d."""

    def __init__(self, node: BeaconNode, chain: BeaconChain, indices: Iterable[ValidatorIndex]) -> None:
        self._node = node
        self._chain = chain
        self._indices = tuple(indices)
        self._epochs: dict[Epoch, EpochDuties] = {}

    async def of_slot(self, slot: Slot) -> EpochDuties:
        """Return the duties of the slot's epoch. Raises BeaconError."""
        return await self.of_epoch(self._chain.epoch_of(slot))

    async def of_epoch(self, epoch: Epoch) -> EpochDuties:
        """Return the duties of `epoch`, from the book if they are in it. Raises BeaconError."""
        if epoch not in self._epochs:
            self._epochs[epoch] = await self._fetch(epoch)
            for old in [known for known in self._epochs if known < epoch - _KEPT_EPOCHS]:
                del self._epochs[old]
        return self._epochs[epoch]

    async def _fetch(self, epoch: Epoch) -> EpochDuties:
        attesters: dict[Slot, tuple[AttesterDuty, ...]] = {}
        for duty in (await self._node.duties.attester(epoch, self._indices)).duties:
            attesters[duty.slot] = (*attesters.get(duty.slot, ()), duty)
        proposers = (await self._node.duties.proposer(epoch)).duties
        return EpochDuties(
            attesters,
            {duty.slot: duty.validator_index for duty in proposers},
            await self._node.duties.sync(epoch, self._indices),
        )
