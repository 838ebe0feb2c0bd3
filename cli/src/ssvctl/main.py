"""The `ssvctl` command: one typer app, one file for each group of commands."""

import typer

from ssvctl import (
    certs_commands,
    k8s_commands,
    keys_commands,
    network_commands,
    registry_commands,
    shares_commands,
    slashing_commands,
)
from ssvctl.duties_command import duties
from ssvctl.extensions import add_extensions
from ssvctl.peers_command import peers
from ssvctl.status_command import status
from ssvctl.up_command import up

app = typer.Typer(
    name="ssvctl",
    help="Tools around an SSV operator node.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(keys_commands.app, name="keys")
app.add_typer(certs_commands.app, name="certs")
app.add_typer(network_commands.app, name="network")
app.add_typer(registry_commands.app, name="registry")
app.add_typer(shares_commands.app, name="shares")
app.add_typer(slashing_commands.app, name="slashing")
app.add_typer(k8s_commands.app, name="k8s")
app.command()(up)
app.command()(status)
app.command()(peers)
app.command()(duties)
add_extensions(app)


def main() -> None:
    """Run the command line."""
    app()
