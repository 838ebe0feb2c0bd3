"""What a run looks like: one live table in a terminal, one line a slot elsewhere, three tables at the end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ssv_devnet.demo.report import Report
from ssv_protocol.types.ids import Epoch, OperatorId, Slot

_ROWS = 12
_GOOD_SHARE = 0.95


@dataclass(slots=True)
class SlotRow:
    """One slot: what the chain did and what the committee did in it."""

    slot: Slot
    epoch: Epoch
    head: str = ""
    block: str = ""
    due: int = 0
    stage: str = ""
    round: int = 0
    submitted: int = 0
    included: int = 0
    operators: str = ""


@dataclass(slots=True)
class EpochRow:
    """One epoch: what was due and what landed on chain so far."""

    epoch: Epoch
    counted: bool
    due: int = 0
    submitted: int = 0
    included: int = 0
    sync_due: int = 0
    sync_included: int = 0
    round_changes: int = 0


@dataclass(slots=True)
class LiveTable:
    """Shows slots and epochs as they pass; `plain` prints a line a slot instead."""

    console: Console
    plain: bool
    slots: dict[Slot, SlotRow] = field(default_factory=dict)
    epochs: dict[Epoch, EpochRow] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    _live: Live | None = None
    _printed: set[Slot] = field(default_factory=set)

    def __enter__(self) -> LiveTable:
        if not self.plain:
            self._live = Live(self._render(), console=self.console, refresh_per_second=4, transient=True)
            self._live.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        if self._live is not None:
            self._live.__exit__(None, None, None)
            self._live = None

    def note(self, text: str) -> None:
        """Say something that happened once."""
        self.notes.append(text)
        if self.plain:
            self.console.print(text)
        self.refresh()

    def refresh(self) -> None:
        """Show the present content."""
        if self._live is not None:
            self._live.update(self._render())

    def settle(self, row: SlotRow) -> None:
        """Print a slot's line, once, when nothing about it will change much."""
        if self.plain and row.slot not in self._printed:
            self._printed.add(row.slot)
            self.console.print(
                f"slot {row.slot:>4} epoch {row.epoch:>2}  block {row.block:<7} head {row.head:<10} due {row.due:>2}  "
                f"{row.stage:<11} round {row.round}  submitted {row.submitted:>2}  included {row.included:>2}  "
                f"operators {row.operators}",
                soft_wrap=True,
                highlight=False,
            )

    def _render(self) -> RenderableType:
        recent = [self.slots[slot] for slot in sorted(self.slots)[-_ROWS:]]
        return Group(slot_table(recent), epoch_table(self.epochs.values()), *(Text(n) for n in self.notes[-3:]))


def slot_table(rows: Iterable[SlotRow]) -> Table:
    """Return the table of recent slots."""
    table = Table(title="SSV committee on the devnet's beacon chain", title_justify="left", expand=False)
    for name in ("slot", "epoch", "block", "head", "due", "committee", "round", "submitted", "included", "operators"):
        table.add_column(name, justify="right" if name in ("slot", "epoch", "due", "submitted", "included") else "left")
    for row in rows:
        changed = "yellow" if row.round > 1 else ""
        table.add_row(
            str(row.slot), str(row.epoch), row.block, row.head, str(row.due or ""), row.stage,
            Text(str(row.round or ""), style=changed), _of(row.submitted, row.due), _of(row.included, row.due),
            row.operators,
        )  # fmt: skip
    return table


def epoch_table(rows: Iterable[EpochRow]) -> Table:
    """Return the table of what landed on chain, by epoch."""
    table = Table(title="Landed on chain, by epoch", title_justify="left")
    for name in ("epoch", "due", "submitted", "included", "%", "sync messages", "slots with round changes"):
        table.add_column(name, justify="right")
    for row in rows:
        percent = f"{100 * row.included / row.due:.1f}" if row.due else ""
        epoch = str(row.epoch) if row.counted else f"{row.epoch} (keys not active)"
        sync = f"{row.sync_included}/{row.sync_due}" if row.sync_due else ""
        table.add_row(epoch, str(row.due), str(row.submitted), str(row.included), percent, sync, str(row.round_changes))
    return table


def participation_table(report: Report) -> Table:
    """Return the table of who took part."""
    table = Table(title="Participation in due duties", title_justify="left")
    for name in ("operator", "share", ""):
        table.add_column(name, justify="right" if name == "share" else "left")
    for operator_id, share in report.participation.items():
        remark = "" if operator_id in report.living else "down"
        style = "green" if share >= _GOOD_SHARE else "red"
        table.add_row(str(operator_id), Text(f"{share:.1%}", style=style), remark)
    return table


def stage_table(report: Report) -> Table:
    """Return the table of stage durations."""
    table = Table(title="Stages, ms", title_justify="left")
    for name in ("stage", "p50", "p99"):
        table.add_column(name, justify="left" if name == "stage" else "right")
    for stage, figures in report.stages_ms.items():
        table.add_row(stage.replace("_", " "), f"{figures['p50']:.1f}", f"{figures['p99']:.1f}")
    return table


def participants_text(operators: Iterable[OperatorId], participants: Iterable[OperatorId]) -> str:
    """Return the operators' numbers, a dot for each that was not seen."""
    seen = set(participants)
    return "".join(str(o) if o in seen else "·" for o in operators)


def _of(part: int, whole: int) -> str:
    return f"{part}/{whole}" if whole else ""


def footprint_table(report: Report) -> Table:
    """Return the table of what each process costs."""
    table = Table(title="Processes: ready after, memory", title_justify="left")
    for name in ("operator", "process", "ready, s", "MB"):
        table.add_column(name, justify="left" if name == "process" else "right")
    for each in report.footprints:
        ready = "" if each.ready_s is None else f"{each.ready_s:.1f}"
        memory = "" if each.rss_mb is None else f"{each.rss_mb:.0f}"
        table.add_row(str(each.operator_id), each.process, ready, memory)
    return table


def crash_table(report: Report) -> Table:
    """Return the table of crashes and what each cost."""
    table = Table(title="Services killed with -9", title_justify="left")
    for name in ("epoch", "slot", "service", "ready again, s", "duties lost", "why"):
        table.add_column(name, justify="left" if name in ("service", "why") else "right")
    for crash in report.crashes:
        lost = crash.lost(report.missed)
        ready = "never" if crash.ready_again_s is None else f"{crash.ready_again_s:.1f}"
        why = ", ".join(sorted({duty.reason.value for duty in lost}))
        table.add_row(str(crash.epoch), str(crash.slot), crash.service, ready, str(len(lost)), why)
    return table


def final_tables(report: Report, epochs: Iterable[EpochRow]) -> list[Table]:
    """Return everything that a run ends with."""
    tables = [epoch_table(epochs), participation_table(report), stage_table(report), footprint_table(report)]
    return [*tables, crash_table(report)] if report.crashes else tables
