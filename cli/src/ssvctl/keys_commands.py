"""`ssvctl keys`: the operator's RSA key."""

from pathlib import Path
from typing import Annotated

import typer

from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssvctl.errors import reported
from ssvctl.files import read_password, refuse_existing
from ssvctl.operator_keys import contract_form, read_operator_key, write_operator_key

app = typer.Typer(help="The operator's RSA key.", no_args_is_help=True)


@app.command()
def generate(
    out: Annotated[Path, typer.Option(help="File for the private key; must not exist yet.")],
    password_file: Annotated[Path | None, typer.Option(help="Encrypt the key with this file's password.")] = None,
) -> None:
    """Make an operator key. Prints the public key in the form in which it is registered in the contract."""
    with reported():
        password = None if password_file is None else read_password(password_file)
        refuse_existing(out)
        key = OperatorPrivateKey.generate()
        write_operator_key(out, key, password)
    if password is None:
        typer.echo(f"{out} is not encrypted; with --password-file it would be.", err=True)
    typer.echo(contract_form(key.public_pem()))


@app.command()
def show(
    file: Annotated[Path, typer.Argument(help="File made by `ssvctl keys generate`, or by the Go node.")],
    password_file: Annotated[Path | None, typer.Option(help="Password of the key.")] = None,
) -> None:
    """Print the public key once more. It needs the password: so it also tells whether key and password fit."""
    with reported():
        key = read_operator_key(file, None if password_file is None else read_password(password_file))
    typer.echo(contract_form(key.public_pem()))
