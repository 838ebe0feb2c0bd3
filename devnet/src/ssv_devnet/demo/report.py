"""The demo's verdict and its file.

{"slots", "attestations": {"due", "submitted", "included"}, "participation": {operator: share},
 "stages_ms": {stage: {"p50", "p99"}}, "missed": [{"duty": {"slot", "validator"}, "reason"}], …}
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ssv_devnet.demo.crashes import Crash
from ssv_devnet.demo.footprint import ProcessFootprint
from ssv_devnet.demo.scoreboard import MissedDuty, Scoreboard
from ssv_devnet.demo.secrecy import Leak
from ssv_devnet.demo.settings import DemoSettings
from ssv_devnet.observer import Observation
from ssv_protocol.types.ids import OperatorId, Slot

_NEVER = Slot(2**63)


@dataclass(frozen=True, slots=True)
class Report:
    """The figures of a run. `after_kill` is (due, included) from the kill on, None when nobody was killed."""

    slots: int
    due: int
    submitted: int
    included: int
    after_kill: tuple[int, int] | None
    participation: dict[OperatorId, float]
    living: tuple[OperatorId, ...]
    sync_due: int
    sync_included: int
    stages_ms: dict[str, dict[str, float]]
    missed: list[MissedDuty]
    footprints: list[ProcessFootprint]
    crashes: list[Crash]
    leaks: list[Leak]

    def failures(self, min_percent: int) -> list[str]:
        """Return a sentence for each figure that is below `min_percent`; none means that the demo passed.

        After crashes nothing is promised about the duties next to them, only that all others are well.
        """
        sentences = [f"a secret stands in {leak.file}: {leak.secret}" for leak in self.leaks]
        if self.crashes:
            return sentences + self._recovery_failures()
        if self.due == 0:
            sentences.append("nothing was due")
        after_kill_due, after_kill_included = self.after_kill or (0, 0)
        for what, included, due in (
            ("attestations included", self.included, self.due),
            ("attestations included after the kill", after_kill_included, after_kill_due),
        ):
            if due and 100 * included < min_percent * due:
                sentences.append(f"{what}: {included} of {due}, below {min_percent} %")
        for operator_id in self.living:
            share = self.participation[operator_id]
            if 100 * share < min_percent:
                sentences.append(f"participation of operator {operator_id}: {share:.1%}, below {min_percent} %")
        return sentences

    def _recovery_failures(self) -> list[str]:
        sentences = [f"{crash.service} was not ready again" for crash in self.crashes if crash.ready_again_s is None]
        blamed = {(duty.slot, duty.validator_index) for crash in self.crashes for duty in crash.lost(self.missed)}
        others = [duty for duty in self.missed if (duty.slot, duty.validator_index) not in blamed]
        if others:
            sentences.append(f"{len(others)} duties were lost that no crash explains")
        return sentences

    def as_json(self) -> dict[str, Any]:
        """Return the content of the report file."""
        return {
            "slots": self.slots,
            "attestations": {"due": self.due, "submitted": self.submitted, "included": self.included},
            "participation": {str(o): round(share, 4) for o, share in self.participation.items()},
            "stages_ms": self.stages_ms,
            "missed": [
                {"duty": {"slot": m.slot, "validator": m.validator_index}, "reason": m.reason.value}
                for m in self.missed
            ],
            "sync_messages": {"due": self.sync_due, "included": self.sync_included},
            "after_kill": None
            if self.after_kill is None
            else {"due": self.after_kill[0], "included": self.after_kill[1]},
            "processes": [asdict(footprint) for footprint in self.footprints],
            "crashes": [
                asdict(crash) | {"lost": [asdict(duty) for duty in crash.lost(self.missed)]} for crash in self.crashes
            ],
        }


def report_of(
    scoreboard: Scoreboard,
    observation: Observation,
    footprints: Sequence[ProcessFootprint] = (),
    crashes: Sequence[Crash] = (),
    found: Sequence[Leak] = (),
) -> Report:
    """Put the observer's facts and the operators' records together."""
    due, included = observation.due, observation.included.keys()
    killed_at = min((slot for slot in scoreboard.dead_from.values() if slot > 0), default=_NEVER)
    due_after = {vote for vote in due if vote[0] >= killed_at}
    return Report(
        slots=observation.last_slot - observation.first_slot + 1,
        due=len(due),
        submitted=len(scoreboard.submitted(due)),
        included=len(included),
        after_kill=(len(due_after), len(due_after & included)) if killed_at != _NEVER else None,
        participation=scoreboard.participation(due),
        living=scoreboard.living(_NEVER),
        sync_due=len(observation.sync_due),
        sync_included=len(observation.sync_included),
        stages_ms=scoreboard.stages_ms(),
        missed=scoreboard.missed(observation),
        footprints=list(footprints),
        crashes=list(crashes),
        leaks=list(found),
    )


def write(report: Report, settings: DemoSettings) -> None:
    """Write the report file."""
    settings.report.parent.mkdir(parents=True, exist_ok=True)
    settings.report.write_text(json.dumps(report.as_json(), indent=2) + "\n")
