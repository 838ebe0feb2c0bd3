"""How long each stage of a duty took, and the percentiles over many duties."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from itertools import pairwise

from ssv_protocol.types.ids import Instant


class Stage(StrEnum):
    """Marks on the way of a duty; a stage lasts from the mark before it to its own."""

    START = "start"
    ATTESTATION_DATA = "attestation_data"
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

    def last(self) -> Stage | None:
        """Return the stage that was reached last."""
        return max(self._reached, key=list(Stage).index, default=None)

    def durations_ms(self) -> dict[Stage, float]:
        """Return the length of each completed stage, and under START the whole way to the submission."""
        order = list(Stage)
        durations = {
            stage: (self._reached[stage] - self._reached[before]) * 1000
            for before, stage in pairwise(order)
            if stage in self._reached and before in self._reached
        }
        if Stage.START in self._reached and Stage.SUBMISSION in self._reached:
            durations[Stage.START] = (self._reached[Stage.SUBMISSION] - self._reached[Stage.START]) * 1000
        return durations


def percentile(values: Iterable[float], share: float) -> float:
    """Return the nearest-rank percentile of at least one value; `share` 0.5 is the median."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
