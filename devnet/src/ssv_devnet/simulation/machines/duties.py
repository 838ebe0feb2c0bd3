"""What a committee has to do in a slot: every kind of duty that has a consensus, under the rule set of the slot.

In every slot there is a committee duty. A block is proposed in every second slot. Aggregation is Boole's one duty of
the committee, or Alan's two of single validators, for the attesters of the slot and the one validator with seats in the
sync committee.
"""

from __future__ import annotations

from dataclasses import replace

from ssv_devnet.simulation.machines.beacon import BeaconNodes
from ssv_protocol.forks import Network, SsvFork
from ssv_protocol.runners.runner import Duty
from ssv_protocol.types.duty import AggregatorCommitteeDuty, CommitteeDuty, ValidatorDuty
from ssv_protocol.types.ids import Slot, ValidatorIndex
from ssv_protocol.types.roles import BeaconRole

COMMITTEE_LENGTH = 32
"""Of a beacon committee: every second attester is selected to aggregate."""
SYNC_SEATS = (3, 130)
"""In two subcommittees."""


class Schedule:
    """The duties of the validators of one committee."""

    def __init__(self, network: Network, beacon: BeaconNodes) -> None:
        self._network = network
        self._beacon = beacon

    def attesters(self, slot: Slot) -> tuple[ValidatorIndex, ...]:
        """Return who is told to attest in a slot, for the first time in its epoch or again."""
        world = self._beacon.attesting
        epoch = world.chain.epoch_of(slot)
        return tuple(index for index in sorted(world.validators) if slot in world.attesting_slots(epoch, index))

    def first_votes(self, slot: Slot) -> tuple[ValidatorIndex, ...]:
        """Return who may attest in a slot: not those who had one in the epoch, nobody whose vote would surround."""
        world = self._beacon.attesting
        epoch = world.chain.epoch_of(slot)
        if self._beacon.is_wavering(epoch):
            return ()
        return tuple(index for index in self.attesters(slot) if world.attesting_slots(epoch, index)[0] == slot)

    def duties(self, slot: Slot) -> tuple[Duty, ...]:
        """Return all duties of a slot."""
        world = self._beacon.attesting
        votes = [self._duty(BeaconRole.ATTESTER, slot, index) for index in self.attesters(slot)]
        sync = self._duty(BeaconRole.SYNC_COMMITTEE, slot, world.sync_validator)
        aggregations = [replace(duty, type=BeaconRole.AGGREGATOR) for duty in votes]
        aggregations.append(replace(sync, type=BeaconRole.SYNC_COMMITTEE_CONTRIBUTION))
        duties: list[Duty] = [CommitteeDuty(slot, (*votes, sync))]
        if self._network.ssv_fork_at(slot) is SsvFork.BOOLE:
            duties.append(AggregatorCommitteeDuty(slot, tuple(aggregations)))
        else:
            duties += aggregations[-2:]
        if slot % 2 == 0:
            duties.append(self._duty(BeaconRole.PROPOSER, slot, self._beacon.proposer_at(slot)))
        return tuple(duties)

    def _duty(self, role: BeaconRole, slot: Slot, index: ValidatorIndex) -> ValidatorDuty:
        pubkey = self._beacon.attesting.validators[index]
        seats = SYNC_SEATS if role is BeaconRole.SYNC_COMMITTEE else ()
        if role is BeaconRole.ATTESTER:
            return ValidatorDuty(role, pubkey, slot, index, index, COMMITTEE_LENGTH, 4, index)
        return ValidatorDuty(role, pubkey, slot, index, validator_sync_committee_indices=seats)
