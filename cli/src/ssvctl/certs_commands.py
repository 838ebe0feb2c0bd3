"""`ssvctl certs`: certificates between the services, users of the bus."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ssvctl.errors import reported
from ssvctl.operator_certificates import (
    CertificateFolder,
    issue_certificate,
    make_certificates,
    read_certificates,
)

SOON = timedelta(days=30)

app = typer.Typer(help="Certificates between the services, users of the bus.", no_args_is_help=True)


@app.command()
def make(
    out: Annotated[Path, typer.Option(help="Folder to make; must not exist or be empty.")],
    host: Annotated[list[str] | None, typer.Option(help="Further name or address of the services; repeatable.")] = None,
) -> None:
    """Make one operator's certificate authority, its services' certificates, and the users of its bus."""
    with reported():
        make_certificates(out, host or [], datetime.now(UTC))
    typer.echo(f"{out}: certificates and bus users; *.key and nats/ are secret, keep ca.key away from the services.")


@app.command()
def issue(
    name: Annotated[str, typer.Argument(help="Whom it names, as ssv://NAME: a service, or a caller of the HTTP API.")],
    authority: Annotated[Path, typer.Option(help="Folder made by `ssvctl certs make`, with ca.key.")],
    out: Annotated[Path, typer.Option(help="Folder to write NAME.pem and NAME.key to.")],
    host: Annotated[list[str] | None, typer.Option(help="Further name or address of a service; repeatable.")] = None,
) -> None:
    """Make one more certificate: for a service on another machine, or a caller with a name of its own.

    What a name may call, the services' lists say; one that is on none may call nothing.
    """
    with reported():
        folder = issue_certificate(CertificateFolder(authority), name, out, host or [], datetime.now(UTC))
    typer.echo(f"{folder.certificate(name)}, {folder.key(name)}: for ssv://{name}; the key is secret.")


@app.command()
def show(folder: Annotated[Path, typer.Argument(help="Folder made by `ssvctl certs make`.")]) -> None:
    """List certificates, until when they hold and for which names. Exit code 1 when one has expired."""
    now = datetime.now(UTC)
    with reported():
        certificates = read_certificates(folder)
    table = Table("certificate", "valid until", "state", "names")
    for certificate in certificates:
        state = "ok"
        if certificate.expires <= now:
            state = "expired: make a new folder"
        elif certificate.expires - now < SOON:
            state = f"expires in {(certificate.expires - now).days} days: make a new folder"
        table.add_row(certificate.name, f"{certificate.expires:%Y-%m-%d}", state, ", ".join(certificate.names))
    Console().print(table)
    if any(certificate.expires <= now for certificate in certificates):
        raise typer.Exit(1)
