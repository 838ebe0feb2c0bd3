"""`ssvctl up`: one operator on this machine, until it is told to end."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from ssvctl.embedded.endpoints import Verdict, look_at_beacon_nodes, look_at_execution_nodes
from ssvctl.embedded.folder import OperatorFolder
from ssvctl.embedded.network_choice import Say, choose_network
from ssvctl.embedded.operator_plan import Embedded, prepare
from ssvctl.embedded.screen import Screen
from ssvctl.embedded.settings import read_operator_settings
from ssvctl.errors import SsvctlError, reported
from ssvctl.supervisor.lock import held
from ssvctl.supervisor.runner import running_ready

_WATCH_EVERY_S = 1.0


def up(
    *,
    folder: Annotated[Path, typer.Option("--dir", help="The operator's folder; made if missing.")],
    grouped: Annotated[bool, typer.Option(help="All services in one process, for small machines.")] = False,
    network: Annotated[str | None, typer.Option(help="mainnet, hoodi, sepolia, holesky, local.")] = None,
    network_file: Annotated[
        Path | None, typer.Option(help="Instead of what the beacon node says of --network.")
    ] = None,
    operator_key_file: Annotated[Path | None, typer.Option(help="Made by `ssvctl keys generate`.")] = None,
    password_file: Annotated[Path | None, typer.Option(help="Password of the operator key.")] = None,
    beacon_url: Annotated[list[str] | None, typer.Option(help="Beacon node; may be repeated.")] = None,
    execution_url: Annotated[list[str] | None, typer.Option(help="Execution node; may be repeated.")] = None,
    p2p_listen_host: Annotated[str | None, typer.Option(help="IP address to listen on for peers.")] = None,
    p2p_listen_port: Annotated[int | None, typer.Option(help="Port that peers dial; 0 takes a free one.")] = None,
    p2p_peers_file: Annotated[Path | None, typer.Option(help="Addresses of fixed peers, one a line.")] = None,
) -> None:
    """Run one operator: nats-server and the services. Settings come from options, then DIR/operator.toml.

    First it looks at the beacon and execution nodes: one that can't be used is named, and where there is no other one,
    nothing is started. Then it says what each service waits for.

    Ctrl-C or SIGTERM ends it: running duties are finished first. A second one ends it at once.
    """
    with reported():
        place = OperatorFolder.at(folder)
        options = {
            "network": network,
            "network_file": network_file,
            "operator_key_file": operator_key_file,
            "operator_key_password_file": password_file,
            "beacon_urls": beacon_url or None,
            "execution_urls": execution_url or None,
            "p2p_listen_host": p2p_listen_host,
            "p2p_listen_port": p2p_listen_port,
            "p2p_peers_file": p2p_peers_file,
        }
        code = run_embedded(place, options, grouped=grouped)
    raise typer.Exit(code)


def run_embedded(folder: OperatorFolder, options: Mapping[str, Any], *, grouped: bool) -> int:
    """Run the operator of a folder until a signal comes; returns the exit code. Raises SsvError when it can't start."""
    operator = Embedded(folder, read_operator_settings(folder.settings_file, options), grouped)
    console = Console()
    with held(folder.lock):
        prepare(folder)
        return asyncio.run(_run(operator, console))


async def _run(operator: Embedded, console: Console) -> int:
    serving = asyncio.create_task(_serve(operator, console))
    signals = 0

    def on_signal() -> None:
        """The first cancels the work, which drains on its way out; the next cancels the draining."""
        nonlocal signals
        signals += 1
        if signals == 1:
            console.print("stopping: running duties are finished first; once more ends at once", highlight=False)
        serving.cancel()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, on_signal)
    try:
        await serving
    except asyncio.CancelledError:
        console.print("stopped" if signals == 1 else "stopped at once", highlight=False)
    return 0 if signals == 1 else 1


async def _serve(operator: Embedded, console: Console) -> None:
    def say(text: str) -> None:
        console.print(text, markup=False, highlight=False, soft_wrap=True)

    await check_endpoints(operator, say)
    with Screen(console) as screen:
        async with running_ready(operator.plan, screen.show) as running:
            say("all services are ready")
            while True:
                await asyncio.sleep(_WATCH_EVERY_S)
                screen.show(await running.readiness())


async def check_endpoints(operator: Embedded, say: Say) -> None:
    """Agree on the network, look at all nodes and say what they are.

    Raises:
        SsvctlError: no beacon node, or no execution node, is one that can be used or waited for.
        NetworkFileError: the network file can't be read.
    """
    settings = operator.settings
    network = await choose_network(settings, operator.folder.network_file, say)
    needs_history = not operator.folder.registry_database.exists()
    for findings in await asyncio.gather(
        look_at_beacon_nodes(settings.beacon_urls, network),
        look_at_execution_nodes(settings.execution_urls, network, needs_history=needs_history),
    ):
        if all(finding.verdict is Verdict.USELESS for finding in findings):
            raise SsvctlError("; ".join(map(str, findings)))
        for finding in findings:
            say(str(finding))
