"""`ssvctl shares`: validator keys split among operators, and the shares that a signer holds."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from ssv_api.v1 import signer_pb2 as pb
from ssv_runtime.names import ETH1_LISTENER
from ssvctl.arguments import parse_operators, parse_owner
from ssvctl.errors import SsvctlError, reported
from ssvctl.files import PUBLIC, read_password, refuse_existing, write_new
from ssvctl.held_shares import DEADLINE_S, ShareStanding, Standing, compare, registry_now
from ssvctl.keyshares import encode_keyshares
from ssvctl.keyshares_check import problems
from ssvctl.keyshares_file import read_keyshares
from ssvctl.keystores import find_keystores, read_keystores
from ssvctl.shares import build_keyshares, check_committee, check_nonces
from ssvctl.signer_client import ServicePlace, connected, dialled, find_service, find_signer

app = typer.Typer(help="Validator keys split among operators, and the shares held.", no_args_is_help=True)
_FOLDER = typer.Option("--dir", help="The folder of the operator that runs here.")
_SIGNER = typer.Option("--signer", help="host:port of another signer.")
_CERTS = typer.Option("--certs", help="Folder of certificates; default: that of the operator's folder.")


@app.command()
def split(
    *,
    password_file: Annotated[Path, typer.Option(help="File with the password of the keystores.")],
    owner: Annotated[str, typer.Option(help="Address that will register the validators.")],
    nonce: Annotated[int, typer.Option(help="How many validators the owner ever registered, removed ones too.")],
    out: Annotated[Path, typer.Option(help="Keyshares file to write; must not exist yet.")],
    keystore: Annotated[list[Path] | None, typer.Option(help="Validator keystore (EIP-2335); may be repeated.")] = None,
    keystore_dir: Annotated[Path | None, typer.Option(help="Folder of keystore*.json, taken by name.")] = None,
    operator: Annotated[list[str] | None, typer.Option(help="ID=FILE with the operator's public key.")] = None,
    operators: Annotated[Path | None, typer.Option(help="JSON list of operators: id and publicKey.")] = None,
) -> None:
    """Split validator keys into shares and write the keyshares file to register them with."""
    with reported():
        owner_address = parse_owner(owner)
        committee = parse_operators(operator or [], operators)
        check_committee(committee)
        paths = list(keystore or []) + (find_keystores(keystore_dir) if keystore_dir else [])
        if not paths:
            raise SsvctlError("no keystores; name them with --keystore or --keystore-dir")
        check_nonces(nonce, len(paths))
        refuse_existing(out)
        password = read_password(password_file)
        with _progress(len(paths)) as progress:
            opened = progress.add_task("open keystores", total=len(paths))
            keys = read_keystores(paths, password, lambda: progress.advance(opened))
            made = progress.add_task("split keys", total=len(paths))
            shares = build_keyshares(keys, committee, owner_address, nonce, progress=lambda: progress.advance(made))
        write_new(out, encode_keyshares(shares, datetime.now(UTC)), PUBLIC)
    last = nonce + len(shares) - 1
    validators = "1 validator" if len(shares) == 1 else f"{len(shares)} validators"
    typer.echo(f"{out}: {validators}, nonces {nonce} to {last}; register them in this order.")


@app.command()
def verify(keyshares: Annotated[Path, typer.Argument(help="Keyshares file, made here or with ssv-keys.")]) -> None:
    """Check a keyshares file: structure, lengths, operators, ownership signatures, share public keys, repetitions."""
    with reported():
        entries = read_keyshares(keyshares)
        found = problems(entries)
    table = Table("validator", "owner", "nonce", "operators", "check")
    for entry, wrong in zip(entries, found, strict=True):
        committee = ", ".join(str(operator_id) for operator_id in entry.operator_ids)
        key, owner = f"0x{entry.public_key[:4].hex()}…", f"0x{entry.owner[:4].hex()}…"
        table.add_row(key, owner, str(entry.nonce), committee, "bad" if wrong else "good")
    Console().print(table)
    for place, wrong in enumerate(found):
        for problem in wrong:
            typer.echo(f"{keyshares}: shares[{place}].{problem}")
    bad = sum(1 for wrong in found if wrong)
    if bad:
        typer.echo(f"ssvctl: {bad} of {len(entries)} can't be registered like this; split these keys again", err=True)
        raise typer.Exit(1)


@app.command("list")
def list_held(
    folder: Annotated[Path, _FOLDER] = Path("."),
    signer: Annotated[str | None, _SIGNER] = None,
    certs: Annotated[Path | None, _CERTS] = None,
) -> None:
    """List the shares that a running signer holds, and from which epoch on each may sign."""
    with reported():
        held = asyncio.run(_held(find_signer(folder, signer, certs)))
    table = Table("validator", "share", "committee", "may sign from epoch")
    for share in held:
        keys = f"0x{share.validator_pubkey.hex()}", f"0x{share.share_pubkey.hex()}"
        table.add_row(*keys, share.committee_id.hex(), str(share.may_sign_from_epoch))
    Console().print(table)
    typer.echo(f"{len(held)} shares of {len({share.committee_id for share in held})} committees.")


@app.command()
def reconcile(
    folder: Annotated[Path, _FOLDER] = Path("."),
    signer: Annotated[str | None, _SIGNER] = None,
    registry: Annotated[str | None, typer.Option(help="host:port of another eth1-listener.")] = None,
    certs: Annotated[Path | None, _CERTS] = None,
) -> None:
    """Compare the shares of a running signer with the registry. Exit code 1 when they differ.

    The eth1-listener brings them together by itself; where they stay apart, its log and that of the signer say why.
    """
    with reported():
        listener = find_service(ETH1_LISTENER, folder, registry, certs)
        found = asyncio.run(_compared(find_signer(folder, signer, certs), listener))
    apart = [share for share in found if share.standing is not Standing.AS_REGISTERED]
    if apart:
        table = Table("validator", "committee", "share")
        for share in apart:
            table.add_row(f"0x{share.validator.hex()}", share.committee.hex(), share.standing)
        Console().print(table)
    typer.echo(f"{len(found) - len(apart)} shares are as registered, {len(apart)} are not.")
    if apart:
        raise typer.Exit(1)


async def _held(place: ServicePlace) -> list[pb.HeldShare]:
    async with connected(place) as signer:
        return list((await signer.ListShares(pb.ListSharesRequest(), timeout=DEADLINE_S)).shares)


async def _compared(signer: ServicePlace, listener: ServicePlace) -> list[ShareStanding]:
    async with dialled(listener) as channel:
        view = await registry_now(channel)
    return compare(view, await _held(signer))


def _progress(count: int) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=True, disable=count == 1 or not console.is_terminal)
