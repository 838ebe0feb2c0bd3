"""An operator whose signer's record lies in PostgreSQL: two signers on it, where they are processes of their own.

`ssvctl up` runs one signer on SQLite. This adds what it lacks for two: the database's settings, the addresses of both
for whoever calls the signer, and the second process, which differs from the first in its ports and in its log. Their
logs are JSON and tell of every signature, so that a run can be followed from outside.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ssv_runtime.names import CONSENSUS, DUTY_SCHEDULER, ETH1_LISTENER, SIGNER
from ssvctl.embedded.folder import OperatorFolder
from ssvctl.supervisor.plan import Plan, PlannedProcess, PlannedService
from ssvctl.supervisor.ports import LOOPBACK

SECOND_SIGNER = f"{SIGNER}-2"
SIGNERS = (SIGNER, SECOND_SIGNER)
"""The processes of both replicas."""
_CALLERS = (CONSENSUS, DUTY_SCHEDULER, ETH1_LISTENER)
Tables = dict[str, dict[str, Any]]


def on_postgres(dsn_file: Path, ports: Iterable[int], tables: Mapping[str, Mapping[str, Any]]) -> Tables:
    """Return the services' settings `tables` with the signer on PostgreSQL and its replicas at `ports`."""
    target = ",".join(f"{LOOPBACK}:{port}" for port in ports)
    merged: Tables = {name: dict(table) for name, table in tables.items()}
    added: Tables = {name: {"signer_target": target} for name in _CALLERS}
    added[SIGNER] = {
        "store": "postgres",
        "postgres_dsn_file": dsn_file,
        "cold_start": "witness",
        "log_level": "debug",
        "log_format": "json",
    }
    for name, table in added.items():
        merged[name] = {**merged.get(name, {}), **table}
    return merged


def with_second_signer(plan: Plan, folder: OperatorFolder, port: int) -> Plan:
    """Return the plan with a second signer that listens at `port`, right after the first."""
    processes = []
    for process in plan.processes:
        processes.append(process)
        if process.name == SIGNER:
            processes.append(_second(process, folder, port))
    return replace(plan, processes=tuple(processes))


def _second(first: PlannedProcess, folder: OperatorFolder, port: int) -> PlannedProcess:
    health = folder.health_port_file(SECOND_SIGNER)
    own = ("--grpc-port", str(port), "--health-port-file", str(health))
    return replace(
        first,
        name=SECOND_SIGNER,
        argv=(*first.argv, *own),
        log_path=folder.log(SECOND_SIGNER),
        services=(PlannedService(SECOND_SIGNER, health),),
        ports=(port,),
    )
