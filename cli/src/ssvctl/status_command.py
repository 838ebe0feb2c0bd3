"""`ssvctl status`: how the services of an embedded operator stand, and what to do."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import aiohttp
import typer
from rich.console import Console
from rich.table import Table

from ssvctl.embedded.folder import OperatorFolder
from ssvctl.embedded.operator_plan import NATS, START_ORDER
from ssvctl.errors import SsvctlError, reported
from ssvctl.files import read_text
from ssvctl.supervisor.lock import holder
from ssvctl.supervisor.plan import PlannedService
from ssvctl.supervisor.probe import Readiness, look

_REMEDIES = {
    "nats": "look into log/nats.log; is the disk full?",
    "sign": "look into log/signer.log",
    "database": "is the disk full, or not writable?",
    "registry": "look into log/eth1-listener.log",
    "eth1": "look into log/eth1-listener.log",
    "shares": "look into log/eth1-listener.log and log/signer.log",
    "duties": "goes with what the duty-scheduler waits for",
    "gateway": "look into log/p2p-gateway.log",
    "beacon": "check beacon_urls in operator.toml, and the beacon node",
    "execution": "check execution_urls in operator.toml, and the execution node",
    "peers": "check p2p_peers_file and that peers reach p2p_listen_port",
}


def status(folder: Annotated[Path, typer.Option("--dir", help="The operator's folder.")]) -> None:
    """Show which services are ready and what the others wait for. Exit code 1 when one is not ready."""
    with reported():
        place = OperatorFolder.at(folder)
        if holder(place.lock) is None:
            raise SsvctlError(f"nobody runs {folder}; start it with `ssvctl up --dir {folder}`")
        now = asyncio.run(operator_readiness(place))
    Console().print(status_table(now))
    if not all(readiness.ready for readiness in now.values()):
        raise typer.Exit(1)


async def operator_readiness(folder: OperatorFolder) -> dict[str, Readiness]:
    """Ask the services that run in a folder; those without an answer count as not ready. Raises SsvctlError."""
    services = [PlannedService(NATS, greeting_port=_nats_port(folder))]
    services += [PlannedService(name, folder.health_port_file(name)) for name in START_ORDER]
    async with aiohttp.ClientSession() as http:
        answers = await asyncio.gather(*(look(service, http) for service in services))
    return {service.name: answer for service, answer in zip(services, answers, strict=True)}


def status_table(now: Mapping[str, Readiness]) -> Table:
    """Return a row for each service and each thing that it waits for, with the remedy."""
    table = Table("service", "state", "remedy")
    for name, readiness in now.items():
        if readiness.ready:
            table.add_row(name, "ready", "")
        elif not readiness.waits_for:
            table.add_row(name, "does not answer", f"look into log/{name}.log (log/operator.log when grouped)")
        for what, reason in readiness.waits_for:
            table.add_row(name, f"waits for {what}: {reason}", _remedy(what, reason))
    return table


def _remedy(what: str, reason: str) -> str:
    if "not registered" in reason:
        return "register the operator's public key, which `ssvctl keys show` prints"
    return next((remedy for key, remedy in _REMEDIES.items() if key in what.lower()), "see the service's log")


def _nats_port(folder: OperatorFolder) -> int | None:
    """Return where the bus listens: the services' settings say it."""
    try:
        url: str = tomllib.loads(read_text(folder.service_settings, "settings"))["nats_url"]
        return urlsplit(url).port
    except (tomllib.TOMLDecodeError, KeyError, ValueError):
        raise SsvctlError(f"{folder.service_settings} is damaged; stop the operator and start it again") from None
