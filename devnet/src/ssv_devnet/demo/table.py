"""What a run looks like while it runs: one live table in a terminal, one line a slot elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from rich.box import SIMPLE
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ssv_protocol.types.ids import Epoch, OperatorId, Slot

_ROWS = 12


@dataclass(slots=True)
class SlotRow:
    """One slot: what the chain did and what the committee did in it. `own_block` says more of an SSV validator's."""

    slot: Slot
    epoch: Epoch
    head: str = ""
    block: str = ""
    own_block: str = ""
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
    rules: str = ""
    due: int = 0
    submitted: int = 0
    included: int = 0
    sync_due: int = 0
    sync_included: int = 0
    proposals_due: int = 0
    proposals_made: int = 0
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
                f"slot {row.slot:>4} epoch {row.epoch:>2}  block {row.block:<7} due {row.due:>2} {row.stage:<9} "
                f"round {row.round}  sent {row.submitted:>2} included {row.included:>2}  "
                f"operators {row.operators}  {row.own_block}".rstrip(),
                soft_wrap=True,
                highlight=False,
            )

    def _render(self) -> RenderableType:
        recent = [self.slots[slot] for slot in sorted(self.slots)[-_ROWS:]]
        return Group(slot_table(recent), epoch_table(self.epochs.values()), *(Text(n) for n in self.notes[-3:]))


def plain_table(title: str) -> Table:
    """Return an empty table that spends no width on lines."""
    return Table(title=title, title_justify="left", box=SIMPLE, padding=(0, 1, 0, 0), pad_edge=False)


def slot_table(rows: Iterable[SlotRow]) -> Table:
    """Return the table of recent slots."""
    table = plain_table("SSV committee on the devnet's beacon chain")
    numbers = ("slot", "epoch", "due", "submitted", "included")
    for name in ("slot", "epoch", "block", "SSV block", "head", "due", "committee", "round", *numbers[3:], "operators"):
        table.add_column(name, justify="right" if name in numbers else "left", no_wrap=True)
    for row in rows:
        changed = "yellow" if row.round > 1 else ""
        table.add_row(
            str(row.slot), str(row.epoch), row.block, row.own_block, row.head, str(row.due or ""), row.stage,
            Text(str(row.round or ""), style=changed), _of(row.submitted, row.due), _of(row.included, row.due),
            row.operators,
        )  # fmt: skip
    return table


def epoch_table(rows: Iterable[EpochRow]) -> Table:
    """Return the table of what landed on chain, by epoch."""
    table = plain_table("Landed on chain, by epoch")
    names = ("due", "submitted", "included", "%", "sync messages", "proposals", "round changes")
    for name in ("epoch", "rules", *names):
        table.add_column(name, justify="right" if name != "rules" else "left", no_wrap=True)
    for row in rows:
        percent = f"{100 * row.included / row.due:.1f}" if row.due else ""
        epoch = str(row.epoch) if row.counted else f"{row.epoch} (keys not active)"
        table.add_row(
            epoch, row.rules, str(row.due), str(row.submitted), str(row.included), percent,
            _of(row.sync_included, row.sync_due), _of(row.proposals_made, row.proposals_due), str(row.round_changes),
        )  # fmt: skip
    return table


def participants_text(operators: Iterable[OperatorId], participants: Iterable[OperatorId]) -> str:
    """Return the operators' numbers, hexadecimal to be one character, a dot for each that was not seen."""
    seen = set(participants)
    return "".join(f"{o:x}" if o in seen else "·" for o in operators)


def _of(part: int, whole: int) -> str:
    return f"{part}/{whole}" if whole else ""
