"""The due duties that did not land, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ssv_devnet.demo.duty_kind import DutyKind
from ssv_devnet.demo.facts import Facts
from ssv_devnet.demo.scoreboard import Scoreboard
from ssv_protocol.runners.ledger import MissedReason
from ssv_protocol.types.ids import Slot, ValidatorIndex


@dataclass(frozen=True, slots=True)
class MissedDuty:
    """A due duty that did not reach whom it was for, with the reason that most operators give."""

    kind: DutyKind
    slot: Slot
    validator_index: ValidatorIndex
    reason: MissedReason


def missed_duties(facts: Mapping[DutyKind, Facts], scoreboard: Scoreboard) -> list[MissedDuty]:
    """Return every missed duty, by kind and slot."""
    return [
        MissedDuty(kind, slot, index, scoreboard.reason(kind, slot, index))
        for kind, of_kind in facts.items()
        for slot, index in sorted(of_kind.due - of_kind.landed)
    ]
