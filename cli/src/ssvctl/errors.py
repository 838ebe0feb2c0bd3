"""What goes wrong at the command line: one line that names the thing and the remedy."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from ssv_protocol.errors import SsvError


class SsvctlError(SsvError):
    """The command can't be carried out; nothing was written."""


@contextmanager
def reported(exit_code: int = 1) -> Iterator[None]:
    """Turn an error of ours into one line on stderr and the exit code."""
    try:
        yield
    except SsvError as error:
        typer.echo(f"ssvctl: {error}", err=True)
        raise typer.Exit(exit_code) from None
