"""How long each stage of a duty took, and the percentiles over many duties."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from itertools import pairwise

from ssv_protocol.types.ids import Instant


class Stage(StrEnum):
    """Marks on the way of a duty, of which not every role has each; a stage lasts from the mark before it to its own.

    `PRE_CONSENSUS` ends when the selection proofs or the RANDAO reveal are put together, `FETCH` when the beacon node
    has given everything for a proposal, whether it was waited for or not.
    """

    START = "start"
    PRE_CONSENSUS = "pre_consensus"
    FETCH = "fetch"
    CONSENSUS = "consensus"
    PARTIAL_SIGNATURES = "partial_signatures"
    COMBINE = "combine"
    SUBMISSION = "submission"


class StageTimes:
    """When a duty first reached each stage."""

    def __init__(self, now: Callable[[], Instant]) -> None:
        self._now = now
        self._reached: dict[Stage, Instant] = {}

    def reached(self, stage: Stage) -> None:
        """Note the present moment, if this is the first time."""
        self._reached.setdefault(stage, self._now())

    def durations_ms(self) -> dict[Stage, float]:
        """Return the length of each stage that was reached, and under START the whole way to the submission."""
        on_the_way = [stage for stage in Stage if stage in self._reached]
        durations = {
            stage: (self._reached[stage] - self._reached[before]) * 1000 for before, stage in pairwise(on_the_way)
        }
        if Stage.START in self._reached and Stage.SUBMISSION in self._reached:
            durations[Stage.START] = (self._reached[Stage.SUBMISSION] - self._reached[Stage.START]) * 1000
        return durations


def percentile(values: Iterable[float], share: float) -> float:
    """Return the nearest-rank percentile of at least one value; `share` 0.5 is the median."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
