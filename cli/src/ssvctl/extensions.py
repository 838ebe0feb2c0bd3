"""Commands that other packages bring, by entry points "ssvctl.commands"; a known one that is missing says so.

A package names a typer app: `devnet = "ssv_devnet.commands:app"` becomes `ssvctl devnet`.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

import typer

GROUP = "ssvctl.commands"
KNOWN = {"devnet": ("A whole SSV network on this machine.", "ssv-devnet")}
"""Name → what it does, and the package that brings it."""


def add_extensions(app: typer.Typer) -> None:
    """Add all commands that are installed, and a word in place of those that are not.

    A command's package is imported only when the command is used, so that one does not slow down the others.
    """
    installed = {point.name: point for point in entry_points(group=GROUP)}
    for name in sorted(installed.keys() | KNOWN.keys()):
        if name in installed:
            _add_installed(app, name, installed[name])
        else:
            _add_missing(app, name)


def _add_installed(app: typer.Typer, name: str, point: EntryPoint) -> None:
    def run(context: typer.Context) -> None:
        point.load()(args=context.args, prog_name=f"ssvctl {name}")

    _add(app, name, KNOWN.get(name, ("From another package.", ""))[0], run)


def _add_missing(app: typer.Typer, name: str) -> None:
    what, package = KNOWN[name]

    def run() -> None:
        typer.echo(f"ssvctl: {name} is not installed; install the package {package}", err=True)
        raise typer.Exit(1)

    _add(app, name, f"{what} Not installed.", run)


def _add(app: typer.Typer, name: str, what: str, run: object) -> None:
    settings = {"allow_extra_args": True, "ignore_unknown_options": True}
    app.command(name, help=what, context_settings=settings, add_help_option=False)(run)  # type: ignore[type-var]
