"""`python -m ssv_devnet.demo`: exit code 0 when enough landed on chain, 1 when not, 2 when nothing could start."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from ssv_devnet.demo.run import run_demo
from ssv_devnet.demo.settings import DemoSettings, from_environment
from ssv_protocol.errors import SsvError

_PLAIN_WIDTH = 120


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
        console.print(f"[red]demo: {error}[/red]", highlight=False)
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
    report = await run_demo(settings, console)
    failures = report.failures(settings.min_percent)
    for missed in report.missed[:10]:
        text = f"missed: slot {missed.slot} validator {missed.validator_index}: {missed.reason.explanation}"
        console.print(text, highlight=False)
    for failure in failures:
        console.print(f"[red]✗ {failure}[/red]", highlight=False)
    if not failures:
        percent = 100 * report.included / report.due
        console.print(
            f"[green]✓ {report.included} of {report.due} due attestations are in blocks ({percent:.1f} %)[/green]; "
            f"figures in {settings.report}, logs in {settings.folder}",
            highlight=False,
        )
    return 1 if failures else 0


def _log_to(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(
        filename=path, filemode="w", level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )


if __name__ == "__main__":
    sys.exit(main())
