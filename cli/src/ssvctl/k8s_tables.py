"""A node's report as tables for the terminal: first what is wrong, then the rest."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from ssvctl.k8s_report import NodeReport

_MARKS = {"good": "[green]✓[/]", "bad": "[red]✗[/]", "unknown": "[yellow]?[/]"}
_ORDER = ("bad", "unknown", "good")


def shown(node: NodeReport) -> Iterator[RenderableType]:
    """Yield what to print of a node."""
    colour = "green" if node.ready else "red"
    yield Text.from_markup(
        f"[bold]{escape(node.name)}[/] in {escape(node.namespace)}: [{colour}]{escape(node.phase)}[/]"
        f"  ({escape(node.preset)}, {escape(node.network)})"
    )
    for remark in node.remarks:
        yield Text(f"! {remark}")
    if node.conditions:
        yield _conditions(node)
    if node.services:
        yield _services(node)
    if node.committees:
        yield _committees(node)
    yield Text(
        f"validators {_number(node.validators)}, last decided slot {_number(node.last_decided_slot)}, "
        f"peers {_number(node.peers)}"
    )


def _conditions(node: NodeReport) -> Table:
    table = Table("", "condition", "reason", "why, and what to do")
    for each in sorted(node.conditions, key=lambda each: _ORDER.index(each.verdict)):
        table.add_row(_MARKS[each.verdict], f"{each.kind} {each.status}", each.reason, escape(each.message))
    return table


def _services(node: NodeReport) -> Table:
    table = Table("service", "ready", "version", "restarts", "waits for")
    for each in node.services:
        version = ", ".join(each.versions) or "-"
        problems = escape("\n".join(each.problems))
        table.add_row(each.name, f"{each.ready}/{each.wanted}", version, str(each.restarts), problems)
    return table


def _committees(node: NodeReport) -> Table:
    table = Table("worker", "committees")
    for worker, held in node.committees:
        table.add_row(worker, str(held))
    return table


def _number(value: int | None) -> str:
    return "unknown" if value is None else str(value)
