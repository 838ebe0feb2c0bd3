"""`ssvctl slashing`: what the shares have signed, out of and into a running signer (EIP-3076)."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ssv_api.v1 import signer_pb2 as pb
from ssv_protocol.signing import interchange
from ssv_protocol.signing.interchange import Interchange, InterchangeInvalid
from ssv_runtime.slashing_client import export_complete_from, export_from, import_into
from ssvctl.errors import SsvctlError, reported
from ssvctl.files import PRIVATE, read_bytes, refuse_existing, write_new
from ssvctl.signer_client import ServicePlace, connected, find_signer


class Form(StrEnum):
    """The two forms of EIP-3076."""

    MINIMAL = "minimal"
    COMPLETE = "complete"


app = typer.Typer(
    help="Slashing protection records of the shares, in the interchange format (EIP-3076).", no_args_is_help=True
)
_FOLDER = typer.Option("--dir", help="The folder of the operator that runs here.")
_SIGNER = typer.Option("--signer", help="host:port of another signer.")
_CERTS = typer.Option("--certs", help="Folder of certificates; default: that of the operator's folder.")


@app.command("export")
def export_file(
    out: Annotated[Path, typer.Option(help="File to write; must not exist yet.")],
    form: Annotated[
        Form, typer.Option(help="Only the highest of each share, or all that is known; that only with keep_history.")
    ] = Form.MINIMAL,
    folder: Annotated[Path, _FOLDER] = Path("."),
    signer: Annotated[str | None, _SIGNER] = None,
    certs: Annotated[Path | None, _CERTS] = None,
) -> None:
    """Write the records of all shares ever held.

    The minimal form is of one moment. The complete form has what each share signed since something was last forgotten;
    both forbid as much.
    """
    with reported():
        refuse_existing(out)
        exported = asyncio.run(_export(find_signer(folder, signer, certs), form))
        write_new(out, interchange.encode(exported), PRIVATE)
    attestations = sum(len(key.attestations) for key in exported.keys)
    blocks = sum(len(key.blocks) for key in exported.keys)
    typer.echo(f"{out}: {len(exported.keys)} keys, {attestations} attestations, {blocks} blocks.")
    typer.echo("What is signed from now on is not in it: end this operator before the keys sign elsewhere.", err=True)


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="File of either form, from any client that knows the format.")],
    folder: Annotated[Path, _FOLDER] = Path("."),
    signer: Annotated[str | None, _SIGNER] = None,
    certs: Annotated[Path | None, _CERTS] = None,
    *,
    accept_future: Annotated[
        bool, typer.Option("--accept-future", help="Also marks that lie ahead; the key can't sign until then.")
    ] = False,
) -> None:
    """Merge a file into the signer's records, all of it or nothing. No record ever falls."""
    with reported():
        try:
            given = interchange.parse(read_bytes(file, "slashing records"))
        except InterchangeInvalid as error:
            raise SsvctlError(f"{file}: {error}") from None
        done = asyncio.run(_import(find_signer(folder, signer, certs), given, accept_future=accept_future))
    keys = done.raised + done.unchanged
    typer.echo(f"{file}: {keys} keys, {done.raised} raised, {done.unchanged} with as much on record already.")
    if done.not_held:
        typer.echo(f"{done.not_held} are of no key held here; their records wait until it is.", err=True)


async def _export(place: ServicePlace, form: Form) -> Interchange:
    async with connected(place) as signer:
        return await (export_complete_from(signer) if form is Form.COMPLETE else export_from(signer))


async def _import(place: ServicePlace, given: Interchange, *, accept_future: bool) -> pb.ImportSlashingResponse:
    async with connected(place) as signer:
        return await import_into(signer, given, accept_future=accept_future)
