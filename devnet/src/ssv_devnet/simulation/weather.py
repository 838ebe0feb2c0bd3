"""What happens to messages on their way: delay, loss, duplication, reordering, partitions; all from one seed.

A slot is calm or stormy. In a calm slot every message arrives once or more within `delay_s`; in a stormy one
messages are lost and late as well. Random delays reorder. A partition splits the committee in two for some slots.

Not modelled: what gossip repairs by itself; a lost message is lost for good.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random

from ssv_protocol.types.ids import OperatorId, Slot


@lru_cache(maxsize=4096)
def _draw(seed: int, slot: Slot) -> float:
    return Random(f"{seed}/storm/{slot}").random()


@dataclass(frozen=True, slots=True)
class Partition:
    """From `from_slot` to before `until_slot`, `cut_off` and all others hear nothing of each other."""

    from_slot: Slot
    until_slot: Slot
    cut_off: frozenset[OperatorId]

    def separates(self, slot: Slot, one: OperatorId, other: OperatorId) -> bool:
        """Tell whether two operators cannot talk in a slot."""
        return self.from_slot <= slot < self.until_slot and (one in self.cut_off) != (other in self.cut_off)


@dataclass(frozen=True, slots=True)
class Weather:
    """The climate of a run. Shares are probabilities, delays are ranges in seconds."""

    delay_s: tuple[float, float] = (0.0, 0.0)
    duplicate_share: float = 0.0
    storm_share: float = 0.0
    storm_drop_share: float = 0.0
    storm_delay_s: tuple[float, float] = (0.0, 0.0)
    partitions: tuple[Partition, ...] = ()

    def is_calm(self, seed: int, slot: Slot) -> bool:
        """Tell whether nothing is lost, split or late in a slot."""
        return not self.is_stormy(seed, slot) and not any(p.from_slot <= slot < p.until_slot for p in self.partitions)

    def is_stormy(self, seed: int, slot: Slot) -> bool:
        """Tell whether messages are lost in a slot."""
        return _draw(seed, slot) < self.storm_share


class WeatherLink:
    """A `memory_network.Link` under some weather; counts what it did."""

    def __init__(self, weather: Weather, seed: int, slot_now: Callable[[], Slot]) -> None:
        self.lost = 0
        self.duplicated = 0
        self._weather = weather
        self._seed = seed
        self._slot_now = slot_now
        self._random = Random(f"{seed}/link")

    def __call__(self, sender: OperatorId, receiver: OperatorId) -> Sequence[float]:
        """Return the delays of the copies that arrive."""
        weather, slot = self._weather, self._slot_now()
        stormy = weather.is_stormy(self._seed, slot)
        separated = any(partition.separates(slot, sender, receiver) for partition in weather.partitions)
        if separated or (stormy and self._random.random() < weather.storm_drop_share):
            self.lost += 1
            return ()
        delays = [self._random.uniform(*(weather.storm_delay_s if stormy else weather.delay_s))]
        if self._random.random() < weather.duplicate_share:
            self.duplicated += 1
            delays.append(self._random.uniform(*weather.delay_s))
        return delays
