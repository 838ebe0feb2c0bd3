"""`ssvctl k8s`: an operator on Kubernetes, seen from outside."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ssvctl.errors import SsvctlError, reported
from ssvctl.k8s_api import KIND, Cluster, Found, Manifest, read
from ssvctl.k8s_report import report
from ssvctl.k8s_tables import shown

app = typer.Typer(help="SSVNodes on Kubernetes.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep `status` a command of a group: there will be more."""


@app.command()
def status(
    name: Annotated[str | None, typer.Argument(help="The SSVNode; none: all of the namespace.")] = None,
    namespace: Annotated[str | None, typer.Option("--namespace", "-n", help="Default: the context's.")] = None,
    kubeconfig: Annotated[Path | None, typer.Option(envvar="KUBECONFIG", help="Where the cluster is.")] = None,
    context: Annotated[str | None, typer.Option(help="A context of the kubeconfig; default: its current one.")] = None,
) -> None:
    """Show how SSVNodes stand, what is wrong and what to do. Exit code 1 when one of them is not Ready."""
    with reported():
        found = read(Cluster(kubeconfig, context, namespace))
        reports = [report(each, found.pods) for each in _chosen(found, name)]
    console = Console()
    for number, each in enumerate(reports):
        console.print(*([""] if number else []), *shown(each), sep="\n")
    if not all(each.ready for each in reports):
        raise typer.Exit(1)


def _chosen(found: Found, name: str | None) -> list[Manifest]:
    names = ", ".join(sorted(each["metadata"]["name"] for each in found.nodes))
    if not found.nodes:
        raise SsvctlError(f"there is no {KIND} in namespace {found.namespace}; name another with --namespace")
    chosen = [each for each in found.nodes if name in (None, each["metadata"]["name"])]
    if not chosen:
        raise SsvctlError(f"there is no {KIND} {name} in namespace {found.namespace}, only {names}")
    return chosen
