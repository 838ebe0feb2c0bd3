"""What the committees have to do, as the duty scheduler wrote it: the last value for each epoch and committee.

A value that comes again replaces the one before (a reorganisation moved the duties, an owner asked for an exit);
duties that run already keep what they began with.

Who signs for the sync committee in a slot is a member of the committee of the next slot, into whose block the votes go:
in the last slot of a period that is the new committee already.

Source: consensus-specs altair/validator.md (Sync committees).
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from ssv_api.v1 import duties_pb2 as pb
from ssv_consensus.due_duties import SlotDuties, due_duties
from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.forks import Network
from ssv_protocol.runners.runner import Duty
from ssv_protocol.types.duty import ValidatorDuty
from ssv_protocol.types.ids import BlsPublicKey, CommitteeId, Epoch, Instant, Slot, ValidatorIndex

KEPT_EPOCHS = 2
"""Epochs before the newest one whose duties may still run."""


@dataclass(frozen=True, slots=True)
class EpochDuties:
    """A committee's duties in one epoch; `sync` is who sits in the sync committee in it.

    `late` are those of `own` that the first value of the epoch did not have: they may be of slots that are past,
    because the contract's events are read some blocks behind the head.
    """

    attester: Mapping[Slot, tuple[ValidatorDuty, ...]]
    own: Mapping[Slot, tuple[ValidatorDuty, ...]]
    late: frozenset[ValidatorDuty]
    sync: tuple[ValidatorDuty, ...]
    indices: Mapping[BlsPublicKey, ValidatorIndex]
    may_sign_from: Mapping[ValidatorIndex, Epoch]


class DutyBook:
    """Duties by committee and epoch."""

    def __init__(self, chain: BeaconChain) -> None:
        self.chain = chain
        self._duties: dict[CommitteeId, dict[Epoch, EpochDuties]] = defaultdict(dict)
        self._changed: dict[CommitteeId, asyncio.Event] = defaultdict(asyncio.Event)

    def put(self, duties: pb.CommitteeDuties) -> CommitteeId:
        """Take a committee's duties of an epoch; return whose they are. Raises ProtocolError SSZ_DECODE."""
        committee, epoch = CommitteeId(duties.committee_id), Epoch(duties.epoch)
        epochs = self._duties[committee]
        epochs[epoch] = _decoded(duties, epochs.get(epoch))
        for old in [known for known in epochs if known + KEPT_EPOCHS < max(epochs)]:
            del epochs[old]
        self._changed.pop(committee, asyncio.Event()).set()
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

    async def duties(self, committee: CommitteeId, slot: Slot) -> SlotDuties:
        """Return what a committee's validators have in a slot; waits until the epoch's duties are there."""
        epoch = self.chain.epoch_of(slot)
        while (duties := self._duties[committee].get(epoch)) is None:
            await self._changed[committee].wait()
        sync = tuple(replace(duty, slot=slot) for duty in self._sync_members(committee, slot, duties))
        return SlotDuties(slot, duties.attester.get(slot, ()), sync, duties.own.get(slot, ()))

    def late_duties(self, committee: CommitteeId, slot: Slot) -> SlotDuties:
        """Return what became known of a slot when it may have been past."""
        duties = self._duties[committee].get(self.chain.epoch_of(slot))
        own = duties.own.get(slot, ()) if duties is not None else ()
        return SlotDuties(slot, own=tuple(duty for duty in own if duties is not None and duty in duties.late))

    def _sync_members(self, committee: CommitteeId, slot: Slot, duties: EpochDuties) -> tuple[ValidatorDuty, ...]:
        epoch, next_epoch = self.chain.epoch_of(slot), self.chain.epoch_of(Slot(slot + 1))
        if self.chain.sync_period_of(next_epoch) == self.chain.sync_period_of(epoch):
            return duties.sync
        following = self._duties[committee].get(next_epoch)
        return following.sync if following is not None else ()


@dataclass(frozen=True, slots=True)
class CommitteeDuties:
    """`ports.DutySource` of one committee; what is still unknown at `wait_slots` after the slot is given up.

    Of slots that are over by then only late duties are told: the others have been begun, if not by this worker then by
    the one before it.
    """

    network: Network
    book: DutyBook
    committee: CommitteeId
    now: Callable[[], Instant]
    wait_slots: int

    async def duties(self, slot: Slot) -> tuple[Duty, ...]:
        """Return what begins in a slot."""
        left_s = self.book.chain.slot_start(Slot(slot + self.wait_slots)) - self.now()
        if left_s <= 0:
            listed = self.book.late_duties(self.committee, slot)
        else:
            try:
                async with asyncio.timeout(left_s):
                    listed = await self.book.duties(self.committee, slot)
            except TimeoutError:
                return ()
        return due_duties(listed, self.network.ssv_fork_at(slot))


def _decoded(duties: pb.CommitteeDuties, before: EpochDuties | None) -> EpochDuties:
    own = _by_slot(duties.validator_duties)
    late: frozenset[ValidatorDuty] = frozenset()
    if before is not None:
        late = before.late | _all_of(own) - _all_of(before.own)
    return EpochDuties(
        attester=_by_slot(duties.attester),
        own=own,
        late=late,
        sync=tuple(map(ValidatorDuty.decode, duties.sync_committee)),
        indices={BlsPublicKey(each.public_key): ValidatorIndex(each.index) for each in duties.validators},
        may_sign_from={ValidatorIndex(each.index): Epoch(each.may_sign_from_epoch) for each in duties.validators},
    )


def _by_slot(encoded: Iterable[bytes]) -> dict[Slot, tuple[ValidatorDuty, ...]]:
    by_slot: dict[Slot, tuple[ValidatorDuty, ...]] = defaultdict(tuple)
    for duty in map(ValidatorDuty.decode, encoded):
        by_slot[duty.slot] += (duty,)
    return dict(by_slot)


def _all_of(by_slot: Mapping[Slot, tuple[ValidatorDuty, ...]]) -> frozenset[ValidatorDuty]:
    return frozenset(duty for duties in by_slot.values() for duty in duties)
