"""What the operators say of a run: who took part, how long each stage took, why a duty did not make it.

What was due and what landed on chain is not theirs to say; it comes from the observer.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ssv_devnet.demo.duty_kind import DutyKind
from ssv_devnet.demo.seen_duty import Outcome, SeenDuty
from ssv_devnet.observer import Vote
from ssv_protocol.runners.ledger import MissedReason
from ssv_protocol.types.ids import OperatorId, Slot, ValidatorIndex

STAGES = ("pre_consensus", "fetch", "consensus", "partial_signatures", "combine", "submission", "whole_duty")
LEGS = ("gateway", "bus", "signer")
Percentiles = dict[str, float]
Stages = dict[str, Percentiles]


@dataclass(slots=True)
class Scoreboard:
    """Collects every operator's record of every duty."""

    operators: tuple[OperatorId, ...]
    dead_from: dict[OperatorId, Slot] = field(default_factory=dict)
    records: dict[Slot, list[SeenDuty]] = field(default_factory=lambda: defaultdict(list))

    def add(self, _: OperatorId, record: SeenDuty) -> None:
        """Note how an operator saw a duty."""
        self.records[record.slot].append(record)

    def living(self, slot: Slot) -> tuple[OperatorId, ...]:
        """Return the operators that are there in `slot`: not left out, not killed before."""
        return tuple(o for o in self.operators if o not in self.dead_from or slot < self.dead_from[o])

    def submitted(self, kind: DutyKind, due: Iterable[Vote]) -> set[Vote]:
        """Return the due duties that at least one operator handed over."""
        return {vote for vote in due if any(outcome.submitted for outcome in self._outcomes(kind, *vote))}

    def participation(self, due: Iterable[Vote]) -> dict[OperatorId, float]:
        """Return each operator's share of the due attestations whose decision or signatures show it at work."""
        seen: Counter[OperatorId] = Counter()
        total: Counter[OperatorId] = Counter()
        for slot, index in due:
            outcomes = self._outcomes(DutyKind.ATTESTATION, slot, index)
            participants = {operator_id for outcome in outcomes for operator_id in outcome.participants}
            for operator_id in self.living(slot):
                total[operator_id] += 1
                seen[operator_id] += operator_id in participants
        return {o: seen[o] / total[o] if total[o] else 0.0 for o in self.operators}

    def stages_ms(self) -> dict[DutyKind, Stages]:
        """Return the percentiles of each stage by kind of duty, over all operators and duties that had one to do."""
        return {kind: stages for kind in DutyKind if (stages := _percentiles(STAGES, self._times(kind)))}

    def legs_ms(self) -> Stages:
        """Return the percentiles of each leg of a message. A duty counts with the median of its messages."""
        names = [f"{leg}_leg" for leg in LEGS]
        every = (record for records in self.records.values() for record in records)
        return _percentiles(names, ((f"{leg}_leg", ms) for record in every for leg, ms in record.legs_ms.items()))

    def reason(self, kind: DutyKind, slot: Slot, index: ValidatorIndex) -> MissedReason:
        """Return why a duty was missed, as most operators say; what was handed over was not included."""
        outcomes = list(self._outcomes(kind, slot, index))
        if any(outcome.submitted for outcome in outcomes):
            return MissedReason.NOT_INCLUDED
        reasons = Counter(outcome.missed for outcome in outcomes if outcome.missed is not None)
        return reasons.most_common(1)[0][0] if reasons else MissedReason.OPERATOR_DOWN

    def _outcomes(self, kind: DutyKind, slot: Slot, index: ValidatorIndex) -> Iterator[Outcome]:
        for record in self.records.get(slot, ()):
            for outcome in record.outcomes:
                if outcome.kind is kind and outcome.validator_index == index:
                    yield outcome

    def _times(self, kind: DutyKind) -> Iterator[tuple[str, float]]:
        for records in self.records.values():
            for record in records:
                if any(outcome.kind is kind for outcome in record.outcomes):
                    yield from record.stages_ms.items()


def _percentiles(names: Iterable[str], times: Iterable[tuple[str, float]]) -> Stages:
    values: dict[str, list[float]] = {name: [] for name in names}
    for name, duration_ms in times:
        values.setdefault(name, []).append(duration_ms)
    return {
        name: {"p50": round(percentile(found, 0.5), 1), "p99": round(percentile(found, 0.99), 1)}
        for name, found in values.items()
        if found
    }


def percentile(values: Iterable[float], share: float) -> float:
    """Return the nearest-rank percentile of at least one value; `share` 0.5 is the median."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
