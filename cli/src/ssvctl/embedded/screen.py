"""What `ssvctl up` shows: a line per service with what it waits for; a moving table on a terminal, else lines."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table

from ssvctl.supervisor.probe import Readiness


def readiness_table(now: Mapping[str, Readiness]) -> Table:
    """Return a row for each service: its name and how it stands."""
    table = Table(box=None, show_header=False, padding=(0, 1))
    for name, readiness in now.items():
        mark = "[green]✓[/green]" if readiness.ready else "[yellow]…[/yellow]"
        table.add_row(mark, name, readiness.text())
    return table


class Screen:
    """Shows readiness while the operator starts, and its changes afterwards. Use as a context manager."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False) if console.is_terminal else None
        self._shown: dict[str, str] = {}

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, now: Mapping[str, Readiness]) -> None:
        """Show how the services stand."""
        if self._live is not None:
            self._live.update(readiness_table(now), refresh=True)
            return
        for name, readiness in now.items():
            if self._shown.get(name) != readiness.text():
                self._shown[name] = readiness.text()
                self._console.print(f"{name}: {readiness.text()}", markup=False, highlight=False, soft_wrap=True)
