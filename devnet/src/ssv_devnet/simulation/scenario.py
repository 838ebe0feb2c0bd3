"""What a simulation is told, all of it, and what it gives back.

Everything random follows from `Scenario.seed`, except the keys: so the same scenario gives the same outcome again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ssv_consensus.duty_record import DutyRecord
from ssv_devnet.simulation.byzantine import Misdeed
from ssv_devnet.simulation.chain import SimulatedChain
from ssv_devnet.simulation.weather import Weather
from ssv_devnet.simulation.witness import Witness, WitnessedSigner
from ssv_protocol.errors import Reason
from ssv_protocol.forks import Network
from ssv_protocol.runners.ledger import MissedReason
from ssv_protocol.types.committee import faulty_nodes, quorum
from ssv_protocol.types.ids import Epoch, OperatorId, Slot, ValidatorIndex
from ssv_protocol.types.operator import CommitteeMember

SLOTS_OF_A_DUTY = 2
CALM = Weather()


@dataclass(frozen=True, slots=True)
class Scenario:
    """A committee, a number of slots, and what goes wrong in them.

    `byzantine` is an operator that commits one of `misdeeds` a slot; `dead` never run. Beacon nodes of `other_head`
    see another head, those of `lagging` justify an epoch late. `moving_duties` gives validators two slots in an
    epoch. `boole_epoch` is when the Boole rules begin. `seat_of` and `signer` are there to be spoiled by the checkers'
    own tests.
    """

    seed: int
    slots: int = 24
    operators: int = 4
    validators: int = 8
    weather: Weather = CALM
    byzantine: OperatorId | None = None
    misdeeds: tuple[Misdeed, ...] = tuple(Misdeed)
    dead: frozenset[OperatorId] = frozenset()
    other_head: frozenset[OperatorId] = frozenset()
    lagging: frozenset[OperatorId] = frozenset()
    moving_duties: bool = False
    boole_epoch: Epoch | None = None
    seat_of: Callable[[CommitteeMember], CommitteeMember] = lambda member: member
    signer: type[WitnessedSigner] = WitnessedSigner

    @property
    def operator_ids(self) -> tuple[OperatorId, ...]:
        """The committee."""
        return tuple(map(OperatorId, range(1, self.operators + 1)))

    @property
    def honest(self) -> frozenset[OperatorId]:
        """Operators that run and keep the rules."""
        return frozenset(self.operator_ids) - self.dead - {self.byzantine}

    @property
    def tolerable(self) -> bool:
        """Whether enough operators are honest and see the same checkpoints for the protocol to promise anything."""
        return len(self.honest - self.lagging) >= quorum(self.operators) and (
            self.operators - len(self.honest) <= faulty_nodes(self.operators)
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened. `records` are the operators' own, `witness` and `world` what really was."""

    scenario: Scenario
    network: Network
    world: SimulatedChain
    witness: Witness
    records: Mapping[Slot, Mapping[OperatorId, DutyRecord]]
    dropped: Mapping[OperatorId, Counter[Reason]]
    misdeeds: Counter[Misdeed]
    messages: int
    lost: int
    duplicated: int

    @property
    def due(self) -> frozenset[tuple[Slot, ValidatorIndex]]:
        """The attestations that were to be made in slots whose duties came to their end."""
        return frozenset(
            (slot, index)
            for slot in self._complete_slots()
            for index in self.world.validators
            if slot in self.world.attesting_slots(self.network.chain.epoch_of(slot), index)[:1]
        )

    @property
    def promised(self) -> frozenset[tuple[Slot, ValidatorIndex]]:
        """The due ones that the protocol promises: a tolerable committee, calm from the duty's start to its end."""
        if not self.scenario.tolerable:
            return frozenset()
        return frozenset((slot, index) for slot, index in self.due if self.was_calm(slot))

    def was_calm(self, slot: Slot) -> bool:
        """Tell whether the weather was calm while the duty of a slot ran."""
        weather, seed = self.scenario.weather, self.scenario.seed
        return all(weather.is_calm(seed, Slot(slot + later)) for later in range(SLOTS_OF_A_DUTY))

    @property
    def included(self) -> frozenset[tuple[Slot, ValidatorIndex]]:
        """The due ones for which a valid attestation was handed over."""
        return self.due & self.world.included.keys()

    def participation(self, operator_id: OperatorId) -> float:
        """Return the share of due attestations whose decision or share signatures show an operator at work."""
        due = self.due
        seen = sum(
            any(operator_id in record.participants.get(index, ()) for record in self.records.get(slot, {}).values())
            for slot, index in due
        )
        return seen / len(due) if due else 0.0

    def last_rounds(self) -> Counter[int]:
        """Return how many duties ended in which round, as honest operators saw it."""
        return Counter(record.last_round for record in self._complete_records())

    def missed(self) -> Counter[MissedReason]:
        """Return why honest operators did not submit."""
        return Counter(reason for record in self._complete_records() for reason in record.missed.values())

    def _complete_records(self) -> list[DutyRecord]:
        return [record for slot in self._complete_slots() for record in self.records.get(slot, {}).values()]

    def _complete_slots(self) -> list[Slot]:
        return [Slot(slot) for slot in range(self.scenario.slots - SLOTS_OF_A_DUTY)]
