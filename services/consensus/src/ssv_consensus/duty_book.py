"""What the committees have to do, as the duty scheduler wrote it: the last value for each epoch and committee.

A value that comes again replaces the one before (a reorganisation moved the duties); duties that run already keep
what they began with.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from ssv_api.v1 import duties_pb2 as pb
from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.types.duty import CommitteeDuty, ValidatorDuty
from ssv_protocol.types.ids import BlsPublicKey, CommitteeId, Epoch, Instant, Slot, ValidatorIndex

KEPT_EPOCHS = 2
"""Epochs before the newest one whose duties may still run."""


@dataclass(frozen=True, slots=True)
class EpochDuties:
    """A committee's duties in one epoch; `sync` holds in each of its slots."""

    attester: Mapping[Slot, tuple[ValidatorDuty, ...]]
    sync: tuple[ValidatorDuty, ...]
    indices: Mapping[BlsPublicKey, ValidatorIndex]
    may_sign_from: Mapping[ValidatorIndex, Epoch]


class DutyBook:
    """Duties by committee and epoch."""

    def __init__(self, chain: BeaconChain) -> None:
        self.chain = chain
        self._duties: dict[CommitteeId, dict[Epoch, EpochDuties]] = defaultdict(dict)
        self._changed = asyncio.Event()

    def put(self, duties: pb.CommitteeDuties) -> CommitteeId:
        """Take a committee's duties of an epoch; return whose they are. Raises ProtocolError SSZ_DECODE."""
        committee, epoch = CommitteeId(duties.committee_id), Epoch(duties.epoch)
        epochs = self._duties[committee]
        epochs[epoch] = _decoded(duties)
        for old in [known for known in epochs if known + KEPT_EPOCHS < max(epochs)]:
            del epochs[old]
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
        return committee

    def forget(self, committee: CommitteeId, epoch: Epoch) -> None:
        """Let go of an epoch's duties."""
        self._duties[committee].pop(epoch, None)

    def indices(self, committee: CommitteeId) -> dict[BlsPublicKey, ValidatorIndex]:
        """Return the beacon chain's indices of a committee's validators, as far as they are known."""
        return {key: index for duties in self._duties[committee].values() for key, index in duties.indices.items()}

    def may_sign_from(self, committee: CommitteeId, epoch: Epoch) -> Mapping[ValidatorIndex, Epoch]:
        """Return from which epoch on each validator signs, as said for `epoch`."""
        duties = self._duties[committee].get(epoch)
        return duties.may_sign_from if duties is not None else {}

    @property
    def newest_epoch(self) -> Epoch | None:
        """The last epoch of which the duties of some committee are there."""
        return max((epoch for epochs in self._duties.values() for epoch in epochs), default=None)

    async def duty(self, committee: CommitteeId, slot: Slot) -> CommitteeDuty | None:
        """Return the committee's duty in a slot, None when nobody has one; waits until the epoch's duties are there."""
        epoch = self.chain.epoch_of(slot)
        while (duties := self._duties[committee].get(epoch)) is None:
            await self._changed.wait()
        due = duties.attester.get(slot, ()) + tuple(replace(duty, slot=slot) for duty in duties.sync)
        return CommitteeDuty(slot, due) if due else None


@dataclass(frozen=True, slots=True)
class CommitteeDuties:
    """`ports.DutySource` of one committee; what is still unknown at `wait_slots` after the slot is given up."""

    book: DutyBook
    committee: CommitteeId
    now: Callable[[], Instant]
    wait_slots: int

    async def committee_duty(self, slot: Slot) -> CommitteeDuty | None:
        """Return the duty, or None when no validator has anything to do."""
        end = self.book.chain.slot_start(Slot(slot + self.wait_slots))
        try:
            async with asyncio.timeout(max(0.0, end - self.now())):
                return await self.book.duty(self.committee, slot)
        except TimeoutError:
            return None


def _decoded(duties: pb.CommitteeDuties) -> EpochDuties:
    attester: dict[Slot, tuple[ValidatorDuty, ...]] = defaultdict(tuple)
    for duty in map(ValidatorDuty.decode, duties.attester):
        attester[duty.slot] += (duty,)
    return EpochDuties(
        attester=dict(attester),
        sync=tuple(map(ValidatorDuty.decode, duties.sync_committee)),
        indices={BlsPublicKey(each.public_key): ValidatorIndex(each.index) for each in duties.validators},
        may_sign_from={ValidatorIndex(each.index): Epoch(each.may_sign_from_epoch) for each in duties.validators},
    )
