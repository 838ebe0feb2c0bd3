"""`python -m ssv_devnet.demo`: exit code 0 when all was seen that must be, 1 when not, 2 when nothing could start."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from ssv_devnet.demo.duty_kind import DutyKind
from ssv_devnet.demo.run import run_demo
from ssv_devnet.demo.settings import STORES, DemoSettings, from_environment
from ssv_protocol.errors import SsvError

_PLAIN_WIDTH = 120
_SHOWN_MISSED = 10


def main() -> int:
    """Run the demo as the environment says."""
    console = Console() if sys.stdout.isatty() else Console(width=_PLAIN_WIDTH)
    try:
        settings = from_environment()
        if not sys.stdout.isatty():
            settings = replace(settings, plain=True)
        _log_to(settings.folder.parent / "demo.log")
        return asyncio.run(_run(settings, console))
    except SsvError as error:
        console.print(f"[red]demo: {error}[/red]", highlight=False, soft_wrap=True)
        return 2
    except (KeyboardInterrupt, asyncio.CancelledError):
        console.print("demo: stopped")
        return 130


async def _run(settings: DemoSettings, console: Console) -> int:
    this_task = asyncio.current_task()
    if this_task is not None:
        for wanted in (signal.SIGTERM, signal.SIGINT):
            with contextlib.suppress(NotImplementedError):
                asyncio.get_running_loop().add_signal_handler(wanted, this_task.cancel)
    _say_what_runs(settings, console)
    report, wrong = await run_demo(settings, console)
    for missed in report.missed[:_SHOWN_MISSED]:
        text = f"missed: {missed.kind.replace('_', ' ')} of validator {missed.validator_index} in slot {missed.slot}: "
        console.print(text + missed.reason.explanation, highlight=False, soft_wrap=True)
    if report.needed_votes is not None:
        needed = report.needed_votes
        text = f"{len(report.signer_kills)} times a signer of operator {needed.operator_id} was killed. Lost of the "
        text += f"attestations that needed the operator: {len(needed.lost)} of {needed.needed} in those slots, "
        text += f"{len(needed.lost_between)} of {needed.between} in the slots between"
        console.print(text, highlight=False, soft_wrap=True)
    for failure in wrong:
        console.print(f"[red]✗ {failure}[/red]", highlight=False, soft_wrap=True)
    if not wrong:
        votes = report.duties[DutyKind.ATTESTATION]
        console.print(
            f"[green]✓ {votes.landed} of {votes.due} due attestations are in blocks[/green], and every other duty as "
            f"in the table; figures in {settings.report}, logs in {settings.folder}",
            highlight=False,
            soft_wrap=True,
        )
    return 1 if wrong else 0


def _say_what_runs(settings: DemoSettings, console: Console) -> None:
    rules = "Alan's rules"
    if settings.fork_epoch is not None:
        rules = f"Boole's rules from epoch {settings.fork_epoch} on" if settings.fork_epoch else "Boole's rules"
    text = f"{settings.operators} operators, {len(settings.validators)} validators, slots of {settings.slot_s} s"
    if settings.store != STORES[0]:
        rules += f", signers on {settings.store}"
    if settings.beacons > 1:
        rules += f", {settings.beacons} beacon nodes and EVM endpoints"
    console.print(f"{text}, {settings.epochs} counted epochs, {rules}", highlight=False, soft_wrap=True)


def _log_to(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(
        filename=path, filemode="w", level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )


if __name__ == "__main__":
    sys.exit(main())
