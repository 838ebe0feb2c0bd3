"""What a committee has to do in a slot, asked of a beacon node an epoch at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from ssv_ethereum.beacon.node import BeaconNode
from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.types.duty import CommitteeDuty, ValidatorDuty
from ssv_protocol.types.ids import Epoch, Slot, ValidatorIndex
from ssv_protocol.types.roles import BeaconRole


class BeaconDutySource:
    """Duties of `indices` from a beacon node, none before `from_epoch`; an epoch is asked for once."""

    def __init__(
        self, client: BeaconNode, chain: BeaconChain, indices: Iterable[ValidatorIndex], from_epoch: Epoch
    ) -> None:
        self._client = client
        self._chain = chain
        self._indices = sorted(indices)
        self._from_epoch = from_epoch
        self._epochs: dict[Epoch, asyncio.Task[dict[Slot, list[ValidatorDuty]]]] = {}

    async def committee_duty(self, slot: Slot) -> CommitteeDuty | None:
        """Return the attester and sync committee duties of a slot; raises what the client raises."""
        epoch = self._chain.epoch_of(slot)
        if epoch < self._from_epoch:
            return None
        for wanted in (epoch, Epoch(epoch + 1)):
            if wanted not in self._epochs or _failed(self._epochs[wanted]):
                self._epochs[wanted] = asyncio.create_task(self._fetch(wanted))
        duties = (await self._epochs[epoch]).get(slot, [])
        return CommitteeDuty(slot, tuple(duties)) if duties else None

    async def _fetch(self, epoch: Epoch) -> dict[Slot, list[ValidatorDuty]]:
        attester = await self._client.duties.attester(epoch, self._indices)
        sync = await self._client.duties.sync(epoch, self._indices)
        duties: dict[Slot, list[ValidatorDuty]] = {}
        for duty in attester.duties:
            duties.setdefault(duty.slot, []).append(
                ValidatorDuty(
                    BeaconRole.ATTESTER,
                    duty.pubkey,
                    duty.slot,
                    duty.validator_index,
                    duty.committee_index,
                    duty.committee_length,
                    duty.committees_at_slot,
                    duty.position,
                )
            )
        first = self._chain.first_slot(epoch)
        for slot in map(Slot, range(first, first + self._chain.slots_per_epoch)):
            for seat in sync:
                duties.setdefault(slot, []).append(
                    ValidatorDuty(
                        BeaconRole.SYNC_COMMITTEE,
                        seat.pubkey,
                        slot,
                        seat.validator_index,
                        validator_sync_committee_indices=seat.positions,
                    )
                )
        return duties


def _failed(task: asyncio.Task[dict[Slot, list[ValidatorDuty]]]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
