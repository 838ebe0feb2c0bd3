"""`ssvctl registry`: the registry that a listener holds, beside what the chain says.

The registry is a function of the chain alone, so whoever reads the same blocks has the same hash.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from ssv_protocol.registry.state import RegistryState
from ssv_runtime.registry_client import RegistryView
from ssvctl.errors import reported
from ssvctl.files import refuse_existing
from ssvctl.registry_diff import differences
from ssvctl.registry_file import write_registry
from ssvctl.registry_sources import CHAIN, HELD, OnBlock, Places, both, chain_registry, held_registry

DIFFERS, TROUBLE = 1, 2
SHOWN_DIFFERENCES = 50

app = typer.Typer(help="The registry that a listener holds, and what the chain says.", no_args_is_help=True)
_FOLDER = typer.Option("--dir", help="The folder of the operator that runs here.")
_CERTS = typer.Option("--certs", help="Folder of certificates; default: that of the operator's folder.")
_EXECUTION = typer.Option("--execution-url", help="Execution node; may be repeated. Default: the operator's.")
_NETWORK = typer.Option("--network-file", help="Default: the operator's.")
_OUT = typer.Option("--out", help="Write the registry to this file too; must not exist yet.")


@app.command()
def show(
    *,
    folder: Annotated[Path, _FOLDER] = Path(),
    listener: Annotated[str | None, typer.Option(help="host:port of another eth1-listener.")] = None,
    certs: Annotated[Path | None, _CERTS] = None,
    operators: Annotated[bool, typer.Option("--operators", help="List the operators.")] = False,
    committees: Annotated[bool, typer.Option("--committees", help="List the committees.")] = False,
    validators: Annotated[bool, typer.Option("--validators", help="List the validators.")] = False,
    out: Annotated[Path | None, _OUT] = None,
) -> None:
    """Show what a running listener holds: its last block, how many of what, and the hash of all of it."""
    with reported():
        _refuse(out)
        view = asyncio.run(held_registry(Places(folder, certs).listener(listener)))
        _save(out, view)
    console = Console()
    _print_summary(view)
    for wanted, table in ((operators, operators_table), (committees, committees_table), (validators, validators_table)):
        if wanted:
            console.print(table(view))


@app.command()
def rebuild(
    *,
    folder: Annotated[Path, _FOLDER] = Path(),
    execution_url: Annotated[list[str] | None, _EXECUTION] = None,
    network_file: Annotated[Path | None, _NETWORK] = None,
    block: Annotated[int | None, typer.Option(min=0, help="Last block; default: what a listener would read.")] = None,
    out: Annotated[Path | None, _OUT] = None,
) -> None:
    """Read the registry from the chain once more, from the contract's first block on, and say its hash.

    Nothing of the operator is touched: the new registry is in memory, and in the file of --out.
    """
    with reported():
        _refuse(out)
        places = Places(folder, None, execution_url or (), network_file)
        with _progress() as on_block:
            state = asyncio.run(chain_registry(places.chain(), block, on_block))
        view = RegistryView(state, None, state.block_number)
        _save(out, view)
    _print_summary(view)


@app.command()
def diff(
    first: Annotated[str, typer.Argument(help=f"{HELD}, {CHAIN}, host:port of a listener, or a file.")] = HELD,
    second: Annotated[str, typer.Argument(help="The same.")] = CHAIN,
    *,
    folder: Annotated[Path, _FOLDER] = Path(),
    certs: Annotated[Path | None, _CERTS] = None,
    execution_url: Annotated[list[str] | None, _EXECUTION] = None,
    network_file: Annotated[Path | None, _NETWORK] = None,
) -> None:
    """Compare two registries, by default the one held with what the chain says at the same block.

    Exit code 0 when they are the same, 1 when they differ, 2 when they can't be compared.
    """
    with reported(TROUBLE):
        places = Places(folder, certs, execution_url or (), network_file)
        with _progress() as on_block:
            mine, other = asyncio.run(both(first, second, places, on_block))
    if mine.state_hash() == other.state_hash():
        typer.echo(f"the same at block {mine.block_number}: state hash {mine.state_hash()}")
        return
    table = Table("what differs", first, second, box=SIMPLE, pad_edge=False)
    found = differences(mine, other)
    for each in islice(found, SHOWN_DIFFERENCES):
        table.add_row(each.what, each.first, each.second)
    Console().print(table)
    more = sum(1 for _ in found)
    if more:
        typer.echo(f"and {more} more")
    for name, state in ((first, mine), (second, other)):
        typer.echo(f"{name}: block {state.block_number}, state hash {state.state_hash()}")
    raise typer.Exit(DIFFERS)


def operators_table(view: RegistryView) -> Table:
    """Return a row for each operator."""
    seats: dict[int, int] = {}
    for record in view.state.validators.values():
        for operator_id in record.operator_ids:
            seats[operator_id] = seats.get(operator_id, 0) + 1
    table = Table("operator", "owner", "key", "validators", box=SIMPLE, pad_edge=False)
    for operator_id, operator in sorted(view.state.operators.items()):
        key = "usable" if operator.public_pem is not None else "none"
        table.add_row(str(operator_id), f"0x{operator.owner.hex()}", key, str(seats.get(operator_id, 0)))
    return table


def committees_table(view: RegistryView) -> Table:
    """Return a row for each committee that runs validators."""
    table = Table("committee", "operators", "validators", box=SIMPLE, pad_edge=False)
    for committee, records in sorted(view.committees.items()):
        operators = ", ".join(map(str, records[0].operator_ids))
        table.add_row(committee.hex(), operators, str(len(records)))
    return table


def validators_table(view: RegistryView) -> Table:
    """Return a row for each validator."""
    table = Table("validator", "owner", "operators", "state", box=SIMPLE, pad_edge=False)
    for key, record in sorted(view.state.validators.items()):
        state = "liquidated" if record.liquidated else ("exit asked for" if record.exit_request else "")
        table.add_row(f"0x{key.hex()}", f"0x{record.owner.hex()}", ", ".join(map(str, record.operator_ids)), state)
    return table


def _print_summary(view: RegistryView) -> None:
    state = view.state
    for what, value in _summary(view, state):
        typer.echo(f"{what:<12} {value}")


def _summary(view: RegistryView, state: RegistryState) -> Iterator[tuple[str, str]]:
    liquidated = sum(record.liquidated for record in state.validators.values())
    leaving = sum(record.exit_request is not None for record in state.validators.values())
    yield "block", str(state.block_number)
    yield "block hash", f"0x{state.block_hash.hex()}"
    yield "validators", f"{len(state.validators)} ({liquidated} liquidated, {leaving} asked to exit)"
    yield "committees", str(len(view.committees))
    yield "operators", str(len(state.operators))
    yield "owners", str(len(state.recipients))
    if view.own_operator_id is not None:
        own = sum(len(records) for records in view.own_committees.values())
        yield "own", f"operator {view.own_operator_id}: {own} validators in {len(view.own_committees)} committees"
    yield "state hash", state.state_hash()


def _refuse(out: Path | None) -> None:
    if out is not None:
        refuse_existing(out)


def _save(out: Path | None, view: RegistryView) -> None:
    if out is not None:
        write_registry(out, view)


@contextmanager
def _progress() -> Iterator[OnBlock]:
    """Show on a terminal how far a rebuild is."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.completed} of {task.total} blocks"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("blocks", total=None, start=True)
        yield lambda done, whole: progress.update(task, completed=done, total=whole)
