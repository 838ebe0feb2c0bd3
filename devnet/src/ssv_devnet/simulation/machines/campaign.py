"""What a campaign is told, all of it, and what it gives back: everything follows from a seed, signatures included.

The committee's Byzantine members, the storms, the partitions and the restarts of workers are drawn from the seed.
Restarts happen in storms only, so that what is promised in calm weather can be told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from random import Random

from ssv_devnet.committee.local_signer import LocalSigner
from ssv_devnet.simulation.machines.beacon import BeaconNodes
from ssv_devnet.simulation.machines.book import Book
from ssv_devnet.simulation.machines.cabal import Cabal, Strategy
from ssv_devnet.simulation.machines.duties import Schedule
from ssv_devnet.simulation.machines.share_strategies import WrongShares, WrongSharesFirst
from ssv_devnet.simulation.machines.strategies import (
    BadValue,
    Equivocate,
    ForgeDecisions,
    ForgeJustifications,
    Late,
    LieAboutLocks,
    OneFriend,
    Replay,
    Silent,
)
from ssv_devnet.simulation.weather import Partition, Weather
from ssv_protocol.forks import Network
from ssv_protocol.types.committee import faulty_nodes
from ssv_protocol.types.ids import CommitteeId, OperatorId, Slot
from ssv_protocol.types.operator import CommitteeMember

DUTY_SLOTS = 2
RESTART_SHARE = 0.3
CALM_DELAY_S = (0.0, 0.4)
DUPLICATE_SHARE = 0.1
ALL_STRATEGIES: tuple[Strategy, ...] = (
    Silent(),
    OneFriend(),
    Late(),
    Replay(),
    Equivocate(),
    Equivocate(),
    BadValue(),
    ForgeJustifications(),
    ForgeJustifications(),
    LieAboutLocks(),
    ForgeDecisions(),
    WrongShares(),
    WrongSharesFirst(),
)


@dataclass(frozen=True)
class Campaign:
    """A committee of `size` over `slots` slots. `traitors` is how many are Byzantine, by default all that it bears.

    The Boole rules begin in the middle. `seat_of` and `signer` are there to be spoiled by the checkers' own tests.
    """

    seed: int
    size: int
    slots: int = 50
    traitors: int | None = None
    strategies: tuple[Strategy, ...] = ALL_STRATEGIES
    calm: bool = False
    storm_share: float = 0.2
    storm_drop_share: float = 0.15
    storm_delay_s: tuple[float, float] = (0.0, 3.0)
    seat_of: Callable[[CommitteeMember], CommitteeMember] = lambda member: member
    signer: type[LocalSigner] = LocalSigner

    @property
    def replay(self) -> str:
        """The command that plays it again, when nothing but seed, size and slots was chosen."""
        return (
            f"python -m ssv_devnet.simulation.machines --size {self.size} --seed {self.seed} --slots {self.slots}"
            f" --traitors {len(self.byzantine)}"
        )

    @cached_property
    def operator_ids(self) -> tuple[OperatorId, ...]:
        """The committee."""
        return tuple(map(OperatorId, range(1, self.size + 1)))

    @cached_property
    def byzantine(self) -> frozenset[OperatorId]:
        """The Byzantine members, neighbours in the order of leaders as often as not."""
        count = faulty_nodes(self.size) if self.traitors is None else self.traitors
        random = Random(f"{self.seed}/byzantine")
        if random.random() < 0.5:
            return frozenset(random.sample(self.operator_ids, count))
        first = random.randrange(self.size)
        return frozenset(self.operator_ids[(first + place) % self.size] for place in range(count))

    @cached_property
    def honest(self) -> frozenset[OperatorId]:
        """All others."""
        return frozenset(self.operator_ids) - self.byzantine

    @cached_property
    def weather(self) -> Weather:
        """Storms, and a partition of up to f operators every twenty slots or so; none of it in a calm campaign."""
        if self.calm:
            return Weather(CALM_DELAY_S, DUPLICATE_SHARE)
        random = Random(f"{self.seed}/partitions")
        partitions = []
        for start in range(0, self.slots + 20, 20):
            first = Slot(start + random.randrange(16))
            cut_off = random.sample(self.operator_ids, random.randint(1, faulty_nodes(self.size)))
            partitions.append(Partition(first, Slot(first + random.randint(1, 4)), frozenset(cut_off)))
        return Weather(
            CALM_DELAY_S,
            DUPLICATE_SHARE,
            self.storm_share,
            self.storm_drop_share,
            self.storm_delay_s,
            tuple(partitions),
        )


@dataclass(frozen=True, slots=True)
class CampaignResult:
    """What happened."""

    campaign: Campaign
    committee: CommitteeId
    network: Network
    beacon: BeaconNodes
    schedule: Schedule
    book: Book
    cabal: Cabal
    slots: tuple[Slot, ...]
    letters: int
    lost: int
