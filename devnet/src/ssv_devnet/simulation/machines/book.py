"""What really happened, written down where it happens: signatures, decisions, reports, ends of duties.

Of honest operators only; the verdict is `verdict`'s.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from ssv_protocol.effects import Combined, Report
from ssv_protocol.qbft.state import State
from ssv_protocol.types.ids import MessageId, OperatorId, Root, Round, Slot, ValidatorIndex
from ssv_protocol.types.messages import SignedSSVMessage, SSVMessage

DutyKey = tuple[MessageId, Slot]


def _decisions() -> dict[DutyKey, dict[OperatorId, set[bytes]]]:
    return defaultdict(lambda: defaultdict(set))


@dataclass(slots=True)
class Book:
    """Everything that honest operators did. Rounds are those of the first decision that an operator knew."""

    seed: int
    honest: frozenset[OperatorId]
    share_signatures: set[tuple[OperatorId, ValidatorIndex, Root]] = field(default_factory=set)
    messages: dict[OperatorId, list[SSVMessage]] = field(default_factory=lambda: defaultdict(list))
    decided: dict[DutyKey, dict[OperatorId, set[bytes]]] = field(default_factory=_decisions)
    rounds: dict[tuple[OperatorId, DutyKey], Round] = field(default_factory=dict)
    finished: set[tuple[OperatorId, DutyKey]] = field(default_factory=set)
    named: dict[OperatorId, set[Slot]] = field(default_factory=lambda: defaultdict(set))
    misnamed: list[str] = field(default_factory=list)
    denials: Counter[OperatorId] = field(default_factory=Counter)

    def note_message(self, operator_id: OperatorId, signed: SignedSSVMessage) -> None:
        """Note what an operator's signer let out."""
        if operator_id in self.honest:
            self.messages[operator_id].append(signed.ssv_message)

    def note_decision(self, operator_id: OperatorId, key: DutyKey, state: State) -> None:
        """Note what an operator's instance takes for decided, accepted by its own check or not."""
        if operator_id in self.honest and state.decided_value is not None:
            self.decided[key][operator_id].add(state.decided_value)
            self.rounds.setdefault((operator_id, key), state.round)

    def note_finish(self, operator_id: OperatorId, key: DutyKey) -> None:
        """Note that an operator has submitted everything, or had nothing to submit."""
        if operator_id in self.honest:
            self.finished.add((operator_id, key))

    def note_denial(self, operator_id: OperatorId) -> None:
        """Note that a signer signed nothing of what it was asked for."""
        if operator_id in self.honest:
            self.denials[operator_id] += 1

    def note_report(self, operator_id: OperatorId, slot: Slot, report: Report) -> None:
        """Note whom an operator names for bad shares."""
        if operator_id in self.honest:
            for culprit in report.operators:
                self.named[culprit].add(slot)

    def note_combination(
        self, operator_id: OperatorId, slot: Slot, bad: frozenset[OperatorId], outcome: Combined
    ) -> None:
        """Hold the outcome of a reconstruction against who really sent bad shares."""
        if operator_id in self.honest and (outcome.bad_operators != bad or (outcome.signature is None) != bool(bad)):
            self.misnamed.append(
                f"slot {slot}: operator {operator_id} names {set(outcome.bad_operators)}, not {set(bad)}"
            )
