"""The figures of a run and its file.

{"slots", "attestations": {"due", "submitted", "included"}, "duties": {kind: {"due", "done", "on_chain", "accepted"}},
 "participation": {operator: share}, "stages_ms": {stage: {"p50", "p99"}}, "duty_stages_ms": {kind: {stage: …}},
 "missed": [{"duty": {"kind", "slot", "validator"}, "reason"}], "proposals", "exit", …}

`attestations` and `stages_ms` are those of attestations.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ssv_devnet.demo.crashes import Crash
from ssv_devnet.demo.duty_kind import DutyKind
from ssv_devnet.demo.facts import Facts
from ssv_devnet.demo.footprint import ProcessFootprint
from ssv_devnet.demo.missed import MissedDuty, missed_duties
from ssv_devnet.demo.outages import Outage
from ssv_devnet.demo.proposals import Proposal, proposals_of
from ssv_devnet.demo.scoreboard import Scoreboard, Stages
from ssv_devnet.demo.secrecy import Leak
from ssv_devnet.demo.settings import DemoSettings
from ssv_devnet.demo.signer_kills import NEVER, NeededVotes, SignerKill
from ssv_devnet.observer import Observation
from ssv_protocol.types.ids import Epoch, OperatorId, Slot


@dataclass(frozen=True, slots=True)
class DutyCount:
    """`done` is what operators say they handed over. Where no block can tell, `on_chain` is None, and `accepted` is
    what the beacon node or the builder found valid."""

    due: int
    done: int
    on_chain: int | None
    accepted: int | None = None

    @property
    def landed(self) -> int:
        """How many reached whom they were for."""
        return (self.accepted or 0) if self.on_chain is None else self.on_chain


@dataclass(frozen=True, slots=True)
class Exit:
    """A voluntary exit that was asked for: the slot of its block and the epoch the validator leaves, None if never."""

    validator_index: int
    block_slot: Slot | None
    exit_epoch: Epoch | None


@dataclass(frozen=True, slots=True)
class Report:
    """The figures of a run. `after_kill` is (due, included) attestations from the kill on, None without a kill.

    `needed_votes` is None where no signer was to be killed.
    """

    first_slot: Slot
    last_slot: Slot
    duties: dict[DutyKind, DutyCount]
    after_kill: tuple[int, int] | None
    participation: dict[OperatorId, float]
    living: tuple[OperatorId, ...]
    proposals: list[Proposal]
    exit: Exit | None
    stages_ms: dict[DutyKind, Stages]
    legs_ms: Stages
    missed: list[MissedDuty]
    footprints: list[ProcessFootprint] = field(default_factory=list)
    crashes: list[Crash] = field(default_factory=list)
    signer_kills: list[SignerKill] = field(default_factory=list)
    needed_votes: NeededVotes | None = None
    outages: list[Outage] = field(default_factory=list)
    leaks: list[Leak] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return the content of the report file."""
        votes = self.duties[DutyKind.ATTESTATION]
        return {
            "slots": self.last_slot - self.first_slot + 1,
            "attestations": {"due": votes.due, "submitted": votes.done, "included": votes.landed},
            "duties": {kind.value: asdict(count) for kind, count in self.duties.items()},
            "participation": {str(o): round(share, 4) for o, share in self.participation.items()},
            "proposals": [asdict(proposal) for proposal in self.proposals],
            "exit": None if self.exit is None else asdict(self.exit),
            "stages_ms": self.stages_ms.get(DutyKind.ATTESTATION, {}) | self.legs_ms,
            "duty_stages_ms": {kind.value: stages for kind, stages in self.stages_ms.items()},
            "missed": [_missed(missed) for missed in self.missed],
            "after_kill": None
            if self.after_kill is None
            else {"due": self.after_kill[0], "included": self.after_kill[1]},
            "processes": [asdict(footprint) for footprint in self.footprints],
            "crashes": [
                asdict(crash) | {"lost": [_missed(missed) for missed in crash.lost(self.missed)]}
                for crash in self.crashes
            ],
            "outages": [
                asdict(outage) | {"lost": [_missed(missed) for missed in outage.lost(self.missed)]}
                for outage in self.outages
            ],
            "signer_kills": [asdict(kill) for kill in self.signer_kills],
            "attestations_that_needed": None if self.needed_votes is None else _needed(self.needed_votes),
        }


def report_of(
    observation: Observation,
    facts: Mapping[DutyKind, Facts],
    scoreboard: Scoreboard,
    *,
    blinded: Collection[Slot] = (),
    asked_exit: Exit | None = None,
    footprints: Sequence[ProcessFootprint] = (),
    crashes: Sequence[Crash] = (),
    outages: Sequence[Outage] = (),
    found: Sequence[Leak] = (),
) -> Report:
    """Put the facts and the operators' records together."""
    return Report(
        observation.first_slot,
        observation.last_slot,
        duties={kind: _count(kind, each, scoreboard) for kind, each in facts.items()},
        after_kill=_after_kill(facts[DutyKind.ATTESTATION], scoreboard),
        participation=scoreboard.participation(observation.due),
        living=scoreboard.living(NEVER),
        proposals=proposals_of(observation, blinded),
        exit=asked_exit,
        stages_ms=scoreboard.stages_ms(),
        legs_ms=scoreboard.legs_ms(),
        missed=missed_duties(facts, scoreboard),
        footprints=list(footprints),
        crashes=list(crashes),
        outages=list(outages),
        leaks=list(found),
    )


def write(report: Report, settings: DemoSettings) -> None:
    """Write the report file."""
    settings.report.parent.mkdir(parents=True, exist_ok=True)
    settings.report.write_text(json.dumps(report.as_json(), indent=2) + "\n")


def _count(kind: DutyKind, facts: Facts, scoreboard: Scoreboard) -> DutyCount:
    landed, on_chain = len(facts.landed), facts.on_chain is not None
    return DutyCount(
        len(facts.due),
        len(scoreboard.submitted(kind, facts.due)),
        landed if on_chain else None,
        None if on_chain else landed,
    )


def _after_kill(attestations: Facts, scoreboard: Scoreboard) -> tuple[int, int] | None:
    killed_at = min((slot for slot in scoreboard.dead_from.values() if slot > 0), default=None)
    if killed_at is None:
        return None
    due = {vote for vote in attestations.due if vote[0] >= killed_at}
    return len(due), len(due & attestations.landed)


def _needed(votes: NeededVotes) -> dict[str, Any]:
    return {
        "operator": votes.operator_id,
        "due": votes.needed,
        "lost": [_missed(duty) for duty in votes.lost],
        "due_between": votes.between,
        "lost_between": [_missed(duty) for duty in votes.lost_between],
    }


def _missed(missed: MissedDuty) -> dict[str, Any]:
    duty = {"kind": missed.kind.value, "slot": missed.slot, "validator": missed.validator_index}
    return {"duty": duty, "reason": missed.reason.value}
