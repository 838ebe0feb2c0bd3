"""`ssvctl duties`: what became of this operator's duties, and why those that were missed were."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from ssv_protocol.types.ids import Epoch, Slot
from ssv_runtime.network_file import NetworkFileError, read_network_file
from ssvctl.duty_records import DutyOutcome, find_bus, outcomes_of, read_records
from ssvctl.errors import SsvctlError, reported
from ssvctl.files import read_text


def duties(
    folder: Annotated[Path, typer.Option("--dir", help="The operator's folder.")] = Path(),
    missed: Annotated[bool, typer.Option("--missed", help="List each duty that was missed, with the reason.")] = False,
    since: Annotated[int, typer.Option(min=0, help="The first epoch that counts.")] = 0,
) -> None:
    """Count the duties that the bus remembers (a day, unless set otherwise), or list those that were missed."""
    with reported():
        found = asyncio.run(_outcomes(folder, Epoch(since)))
    console = Console()
    console.print(missed_table(found) if missed else counts_table(found))


def missed_table(outcomes: Collection[DutyOutcome]) -> Table:
    """Return a row for each missed duty, by slot and validator."""
    table = Table("slot", "validator", "duty", "reason", "missing operators", "meaning", box=SIMPLE, pad_edge=False)
    for each in outcomes:
        if each.missed:
            silent = ", ".join(map(str, each.missing_operators)) or "-"
            duty = each.duty.name.lower()
            table.add_row(str(each.slot), str(each.validator_index), duty, each.missed, silent, each.explanation)
    return table


def counts_table(outcomes: Collection[DutyOutcome]) -> Table:
    """Return a row for each kind of duty and what became of it."""
    table = Table("duty", "outcome", "count", box=SIMPLE, pad_edge=False)
    counted = Counter((each.duty.name.lower(), each.missed or "submitted") for each in outcomes)
    for (duty, outcome), count in sorted(counted.items()):
        table.add_row(duty, outcome, str(count))
    return table


async def _outcomes(folder: Path, since: Epoch) -> list[DutyOutcome]:
    place = find_bus(folder)
    try:
        first = read_network_file(place.network_file).chain.first_slot(since)
    except NetworkFileError as error:
        raise SsvctlError(str(error)) from None
    password = read_text(place.password_file, "password").strip()
    return outcomes_of(await read_records(place.url, password), Slot(first))
