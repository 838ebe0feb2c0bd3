"""What the run amounts to: the observer's facts beside the operators' own stories.

What is due and included comes from the observer alone. The operators add who took part, how long each stage took,
and why a duty that was due did not make it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from ssv_devnet.demo.seen_duty import SeenDuty
from ssv_devnet.observer import Observation, Vote
from ssv_protocol.runners.ledger import MissedReason
from ssv_protocol.types.ids import OperatorId, Slot

STAGES = ("attestation_data", "consensus", "partial_signatures", "combine", "submission", "whole_duty")
LEGS = ("gateway", "bus", "signer")
Percentiles = dict[str, float]


@dataclass(frozen=True, slots=True)
class MissedDuty:
    """A due attestation that no block holds."""

    slot: Slot
    validator_index: int
    reason: MissedReason


@dataclass(slots=True)
class Scoreboard:
    """Collects every operator's record of every duty."""

    operators: tuple[OperatorId, ...]
    dead_from: dict[OperatorId, Slot] = field(default_factory=dict)
    records: dict[Slot, dict[OperatorId, SeenDuty]] = field(default_factory=lambda: defaultdict(dict))

    def add(self, operator_id: OperatorId, record: SeenDuty) -> None:
        """Note how an operator saw a duty."""
        self.records[record.slot][operator_id] = record

    def living(self, slot: Slot) -> tuple[OperatorId, ...]:
        """Return the operators that are there in `slot`: not left out, not killed before."""
        return tuple(o for o in self.operators if o not in self.dead_from or slot < self.dead_from[o])

    def submitted(self, due: Iterable[Vote]) -> set[Vote]:
        """Return the due attestations that at least one operator handed over."""
        return {
            (slot, index)
            for slot, index in due
            if any(index in record.submitted for record in self.records[slot].values())
        }

    def participation(self, due: Iterable[Vote]) -> dict[OperatorId, float]:
        """Return each operator's share of the due attestations whose decision or signatures show it at work."""
        seen: Counter[OperatorId] = Counter()
        total: Counter[OperatorId] = Counter()
        for slot, index in due:
            participants = {
                operator_id
                for record in self.records[slot].values()
                for operator_id in record.participants.get(index, frozenset())
            }
            for operator_id in self.living(slot):
                total[operator_id] += 1
                seen[operator_id] += operator_id in participants
        return {o: seen[o] / total[o] if total[o] else 0.0 for o in self.operators}

    def stages_ms(self) -> dict[str, Percentiles]:
        """Return the percentiles of each stage and leg, over all operators and duties.

        A leg's value of one duty is the median of that duty's messages.
        """
        values: dict[str, list[float]] = {name: [] for name in (*STAGES, *(f"{leg}_leg" for leg in LEGS))}
        for records in self.records.values():
            for record in records.values():
                for name, duration_ms in record.stages_ms.items():
                    values[name].append(duration_ms)
                for leg, duration_ms in record.legs_ms.items():
                    values[f"{leg}_leg"].append(duration_ms)
        return {
            name: {"p50": round(percentile(times, 0.5), 1), "p99": round(percentile(times, 0.99), 1)}
            for name, times in values.items()
            if times
        }

    def missed(self, observation: Observation) -> list[MissedDuty]:
        """Return every due attestation that is in no block, with the reason that most operators give."""
        return [
            MissedDuty(slot, index, self._reason(slot, index))
            for slot, index in sorted(observation.due - observation.included.keys())
        ]

    def _reason(self, slot: Slot, index: int) -> MissedReason:
        records = self.records[slot].values()
        if any(index in record.submitted for record in records):
            return MissedReason.NOT_INCLUDED
        reasons = Counter(reason for r in records for i, reason in r.missed.items() if i == index)
        return reasons.most_common(1)[0][0] if reasons else MissedReason.OPERATOR_DOWN


def percentile(values: Iterable[float], share: float) -> float:
    """Return the nearest-rank percentile of at least one value; `share` 0.5 is the median."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
