"""`ssvctl devnet`: a whole SSV network on this machine, in the background."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ssv_devnet.demo.provision import fresh_folder
from ssv_devnet.demo.settings import OPERATORS
from ssv_devnet.local_network.operators import operator_folder
from ssv_devnet.local_network.state import DEFAULT_FOLDER, NetworkState, lock_file, log_file, read_seen, read_state
from ssv_ethereum.beacon.node import BeaconNode
from ssv_ethereum.slot_clock import SlotClock
from ssv_protocol.types.ids import OperatorId
from ssvctl.errors import SsvctlError, reported
from ssvctl.status_command import operator_readiness
from ssvctl.supervisor.lock import holder
from ssvctl.supervisor.probe import Readiness

_POLL_S = 0.2
_STOP_TIMEOUT_S = 120.0

app = typer.Typer(help="A whole SSV network on this machine.", no_args_is_help=True, add_completion=False)
Folder = Annotated[Path, typer.Option("--dir", help="Folder of the network; emptied by `up`.")]


@app.command()
def up(
    *,
    folder: Folder = DEFAULT_FOLDER,
    operators: Annotated[int, typer.Option(min=4, max=13, help="Operators: 4, 7, 10 or 13.")] = OPERATORS,
    separate: Annotated[int, typer.Option(min=0, help="So many operators with a process for each service.")] = 1,
    slot_s: Annotated[int, typer.Option(min=2, help="Seconds of a slot.")] = 6,
) -> None:
    """Start a network in the background and wait until it is ready."""
    with reported():
        if operators % 3 != 1:
            raise SsvctlError(f"{operators} operators are no committee; give 4, 7, 10 or 13")
        if (pid := holder(lock_file(folder))) is not None:
            raise SsvctlError(f"a network runs in {folder} (process {pid}); end it with `ssvctl devnet down`")
        fresh_folder(folder)
        grouped = [str(number) for number in range(separate + 1, operators + 1)]
        command: list[str | Path] = [sys.executable, "-m", "ssv_devnet.local_network.background", "--folder", folder]
        command += ["--operators", str(operators), "--slot-s", str(slot_s), "--grouped", *grouped]
        with log_file(folder).open("ab") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        try:
            _follow(process, folder)
        except KeyboardInterrupt:
            _end(process.pid, folder)
            raise SsvctlError("stopped before it was ready") from None


@app.command()
def down(folder: Folder = DEFAULT_FOLDER) -> None:
    """Stop the network; its logs stay."""
    with reported():
        pid = holder(lock_file(folder))
        if pid is None:
            typer.echo(f"no network runs in {folder}")
            return
        _end(pid, folder)
    typer.echo("stopped")


@app.command()
def status(folder: Folder = DEFAULT_FOLDER) -> None:
    """Show slot, head, how the operators stand and what was included lately. Exit code 1 when one is not ready."""
    with reported():
        if holder(lock_file(folder)) is None:
            raise SsvctlError(f"no network runs in {folder}; start one with `ssvctl devnet up`")
        state = read_state(folder)
        if state is None:
            raise SsvctlError(f"the network is starting; {log_file(folder)} says how far it is")
        ready = asyncio.run(_show(Console(), folder, state))
    if not ready:
        raise typer.Exit(1)


def _follow(process: subprocess.Popen[bytes], folder: Path) -> None:
    """Pass on what the background process says until it is ready; raises SsvctlError when it ends before."""
    with log_file(folder).open() as log:
        while True:
            ended = process.poll() is not None
            for line in log:
                typer.echo(line.rstrip())
            if read_state(folder) is not None:
                return
            if ended:
                raise SsvctlError(f"the network did not start; {log_file(folder)} says why")
            time.sleep(_POLL_S)


def _end(pid: int, folder: Path) -> None:
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_TIMEOUT_S
    while holder(lock_file(folder)) == pid:
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            raise SsvctlError(f"process {pid} did not end in {_STOP_TIMEOUT_S:.0f} s and was killed")
        time.sleep(_POLL_S)


async def _show(console: Console, folder: Path, state: NetworkState) -> bool:
    async with BeaconNode(state.beacon_url) as beacon:
        chain = await beacon.chain.describe()
        head = await beacon.blocks.root("head")
    slot = SlotClock(chain).slot()
    shown = f"0x{head.hex()[:8]}" if head else "none yet"
    console.print(f"slot {slot}, epoch {chain.epoch_of(slot)}, head {shown}", highlight=False)
    console.print(
        f"beacon node {state.beacon_url}\nEVM {state.execution_url}\ncontract {state.contract}", highlight=False
    )
    table = Table("operator", "processes", "services")
    all_ready = True
    for number in state.operators:
        now = await operator_readiness(operator_folder(folder, OperatorId(number)))
        all_ready &= all(readiness.ready for readiness in now.values())
        table.add_row(str(number), "nats, services" if number in state.grouped else "nats, 5 services", _summary(now))
    console.print(table)
    table = Table("epoch", "attestations due", "included")
    for seen in read_seen(folder):
        note = "" if seen.epoch >= state.signing_epoch else " (by the background client)"
        table.add_row(f"{seen.epoch}{note}", str(seen.due), str(seen.included))
    console.print(table)
    return all_ready


def _summary(now: dict[str, Readiness]) -> str:
    waiting = [f"{name} {readiness.text()}" for name, readiness in now.items() if not readiness.ready]
    return "; ".join(waiting) or "all ready"
